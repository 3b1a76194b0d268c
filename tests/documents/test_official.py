# SPDX-License-Identifier: EUPL-1.2
"""The official examples of PDSm, PDSm4DMP and MHD, sent as they are: what each is answered, and why.

Most name a person who is unknown here, which refuses them whatever else they say: they are sent again
about somebody of the cast, changed in nothing else. official.toml has each answer and its reason.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from carnet.documents.guide import Guided
from tests import people
from tests.space import Answer, Space

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WHO = "hospital-software"
# Whom the examples are about.
STRANGERS = (
    "Patient/ex-patient",
    "http://example.org/fhir/Patient/fdoc-patient",
    "Patient/fr-patient-123",
)
NUMBER = "urn:oid:1.2.250.1.213.1.4.8|123456789012345"
GUIDES = ("pdsm", "pdsm4dmp", "mhd")
TABLE = tomllib.loads((Path(__file__).parent / "official.toml").read_text("utf-8"))["example"]


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[str, dict[str, Any]]:
    """Resources by guide and name."""
    found = {}
    for guide in GUIDES:
        for path in sorted((shared / "data/french" / guide / "examples").glob("*.json")):
            found[f"{guide}/{path.stem}"] = json.loads(path.read_text("utf-8"))
    return found


def sent(name: str, resource: dict[str, Any]) -> tuple[str, str]:
    """Method and address an example is for."""
    rtype = resource["resourceType"]
    if rtype == "Parameters":
        if "input" in name:
            return "POST", "DocumentReference/$generate-metadata"
        return "PATCH", f"DocumentReference/{'a' * 26}"
    return "POST", "" if rtype == "Bundle" else rtype


async def answered(space: Space, name: str, resource: dict[str, Any]) -> dict[str, str]:
    """What is answered at /fhir and at /pdsm: a status; of a refusal its code and its place."""
    method, path = sent(name, resource)
    guided = Space(space.built, space.where, space.clock, space.admin_url)
    guided.app = Guided(space.app)
    text = json.dumps(resource)
    person = people.PATIENT
    for stranger in STRANGERS:
        text = text.replace(f'"{stranger}"', f'"Patient/{space.patient_id()}"')
    text = text.replace(NUMBER, f"urn:oid:{person.ins_oid}|{person.ins}")
    found = {}
    for where, at in (("pdsm", guided), ("fhir", space)):
        found[where] = said(await at.call(method, path, as_=WHO, body=resource))
        if text != json.dumps(resource):
            known = await at.call(method, path, as_=WHO, body=json.loads(text))
            found[f"{where}_known"] = said(known)
    return found


def said(answer: Answer) -> str:
    if answer.status < 300:
        return str(answer.status)
    first = answer.json["issue"][0]
    place = first.get("expression", [""])[0]
    return " ".join(filter(None, (str(answer.status), first["code"], place)))


async def test_every_official_example_is_answered_as_in_the_table(
    space: Space, examples: dict[str, dict[str, Any]]
) -> None:
    """Accepted, or refused by the rule it breaks; never a fault of ours."""
    found = {name: await answered(space, name, each) for name, each in examples.items()}
    wanted = {
        name: {key: value for key, value in each.items() if key != "why"}
        for name, each in TABLE.items()
    }
    assert found == wanted


def test_every_line_says_why() -> None:
    for name, each in TABLE.items():
        assert each["why"].strip(), name
