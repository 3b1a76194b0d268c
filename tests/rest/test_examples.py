# SPDX-License-Identifier: EUPL-1.2
"""HL7's examples, written and read over REST: what comes back is equal in value, digit for digit.

What this server does not take is in unwritten.toml, by file and with its reason. References to a Patient are
those of the patient of the test; a Patient is written by the acts of identity, which say it in their own way.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from carnet.access.writing import allowed
from carnet.fhir import json
from tests.rest.samples import LAB, Json, bundle, post
from tests.space import Space

pytestmark = pytest.mark.anyio

UNWRITTEN: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "unwritten.toml").read_text("utf-8")
)
AT_ONCE = 60


def about(value: Any, patient: str) -> Any:
    """The same, about a patient that is here."""
    if isinstance(value, dict):
        made = {key: about(inner, patient) for key, inner in value.items()}
        if str(made.get("reference")).startswith("Patient/"):
            made["reference"] = patient
        return made
    return [about(inner, patient) for inner in value] if isinstance(value, list) else value


def own(resource: Json) -> Json:
    """What its author wrote: without the id, version and moment that the server gives."""
    kept = {key: value for key, value in resource.items() if key != "id"}
    said = ("versionId", "lastUpdated")
    meta = {key: value for key, value in kept.pop("meta", {}).items() if key not in said}
    kept |= {"meta": meta} if meta else {}
    if kept["resourceType"] == "Binary":  # base64 may be broken into lines
        kept["data"] = "".join(kept["data"].split())
    return kept


async def batch(space: Space, *entries: Json) -> list[Json]:
    headers = {"content-type": "application/fhir+json"}
    body = json.dump(bundle(*entries, kind="batch"))
    answer = await space.call("POST", "", as_=LAB, body=body, headers=headers)
    assert answer.status == 200
    found: list[Json] = json.parse(answer.body)["entry"]
    return found


@pytest.mark.slow
async def test_each_example_comes_back_equal_in_value(space: Space, peers: Path) -> None:
    files = sorted((peers / "hl7.fhir.r4.examples").glob("*.json"))
    files = [f for f in files if f.name.partition("-")[0] not in UNWRITTEN["types"]]
    files = [f for f in files if f.name != "package.json"]
    patient = f"Patient/{space.patient_id()}"
    refused: dict[str, str] = {}
    equal = 0
    for at in range(0, len(files), AT_ONCE):
        names = [f.name for f in files[at : at + AT_ONCE]]
        sent = [about(json.parse(f.read_bytes()), patient) for f in files[at : at + AT_ONCE]]
        written: list[tuple[str, Json, str]] = []
        for name, resource, entry in zip(
            names, sent, await batch(space, *map(post, sent)), strict=True
        ):
            response = entry["response"]
            if response["status"].startswith("201"):
                place = response["location"].rpartition("/fhir/")[2].partition("/_history")[0]
                written.append((name, resource, place))
            else:
                told = response["outcome"]["issue"][0]["diagnostics"]
                refused[name] = f"{response['status'][:3]} {told}"
        asked = [{"request": {"method": "GET", "url": place}} for _, _, place in written]
        for (name, resource, _), entry in zip(written, await batch(space, *asked), strict=True):
            if resource["resourceType"] != "Patient":
                # As bytes: 1.50 is no 1.5, and what is in an order comes in that order.
                assert json.dump(own(entry["resource"])) == json.dump(own(resource)), name
                equal += 1
    assert refused == UNWRITTEN["files"]
    assert equal > 550


async def test_what_no_client_writes_is_refused_by_the_rules(space: Space) -> None:
    software = await space.actor(LAB)
    assert not [rtype for rtype in UNWRITTEN["types"] if allowed(software, rtype, "create")]
