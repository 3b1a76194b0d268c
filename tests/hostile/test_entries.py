# SPDX-License-Identifier: EUPL-1.2
"""The hostile corpus through every entry of the API: refused with an OperationOutcome, nothing else moves."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.documents.lots import fresh, holds, lot, metadata
from tests.hostile.conftest import Trap
from tests.hostile.corpus import json, markup, xml
from tests.hostile.corpus.bait import TOKEN
from tests.rest.samples import bundle, observation, organization, post
from tests.space import FHIR, Answer, Space

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LAB = "lab-software"


def inert(name: str, answer: Answer) -> None:
    """No fault, no leak; a refusal is an OperationOutcome."""
    assert answer.status < 500, (name, answer.status, answer.body[:500])
    assert TOKEN.encode() not in answer.body, name
    assert b"Traceback" not in answer.body, name
    if answer.status >= 300:
        assert answer.headers["content-type"].startswith(FHIR), name
        assert answer.json["resourceType"] == "OperationOutcome", name
        assert answer.json["issue"][0]["diagnostics"], name
        assert "__canary" not in answer.body.decode(), name


def refused(name: str, answer: Answer) -> None:
    """Inert, and a refusal."""
    inert(name, answer)
    assert answer.status >= 400, (name, answer.body[:300])


async def serves(space: Space) -> None:
    """The installation is as it was."""
    assert (await space.get("Observation?_count=1", as_="patient")).status == 200


async def test_hostile_xml_as_a_document_that_is_sent(space: Space, trap: Trap) -> None:
    """What is well formed and follows nothing may go in: it is then shown like any other."""
    before, let_in = await holds(space), []
    for name, content in xml.documents(trap.bait).items():
        if len(content) > 5_000_000 and name != "long-text-whole":
            continue  # the readers' tests have them; here, one is enough
        if name in xml.OPEN:
            let_in.append((name, content))
        else:
            refused(name, await space.post("", lot(content), as_=LAB))
    await serves(space)
    assert await holds(space) == before
    for name, content in let_in:
        inert(name, await space.post("", lot(content), as_=LAB))
    await serves(space)
    trap.untouched()


async def test_hostile_xml_as_a_body(space: Space, trap: Trap) -> None:
    """The API takes no XML: it does not look at it."""
    before = await holds(space)
    for name, content in xml.documents(trap.bait).items():
        if len(content) < 1_000_000 and name != "json":
            for kind in ("application/fhir+xml", "application/fhir+json"):
                answer = await space.call(
                    "POST", "Patient", as_=LAB, body=content, headers={"content-type": kind}
                )
                refused(name, answer)
    assert await holds(space) == before
    trap.untouched()


async def test_hostile_json_as_a_body(space: Space) -> None:
    before = await holds(space)
    for name, content in json.bodies().items():
        for method, path in (("POST", ""), ("POST", "Observation"), ("PUT", "Observation/a")):
            refused(name, await space.call(method, path, as_=LAB, body=content))
    await serves(space)
    assert await holds(space) == before


async def test_resources_of_the_wrong_shape(space: Space) -> None:
    for name, value in json.resources().items():
        content = json.text(value)
        if b'"subject"' not in content:  # nobody's: it may go to the bucket of who sends it
            inert(name, await space.post("Observation", content, as_=LAB))
    await serves(space)


async def test_transactions_of_the_wrong_shape(space: Space) -> None:
    for name, value in json.bundles().items():
        for kind in ("transaction", "batch"):
            sent = value | {"type": kind} if value.get("type") == "transaction" else value
            inert(name, await space.post("", json.text(sent), as_=LAB))
    await serves(space)


async def test_narratives_that_act_are_refused_on_every_type(space: Space, trap: Trap) -> None:
    patient = f"Patient/{space.patient_id()}"
    subject = {"subject": {"reference": patient}}
    shown: list[dict[str, Any]] = [
        observation(patient),
        organization("x"),
        {"resourceType": "Practitioner", "name": [{"family": "x"}]},
        {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}} | subject,
        {"resourceType": "Composition", "status": "final", "type": {"text": "x"}, "title": "x"}
        | {"date": "2026", "author": [{"display": "x"}]}
        | subject,
        {"resourceType": "Patient", "name": [{"family": "x"}]},
        metadata(b"x"),
    ]
    for name, div in markup.divs(trap.bait).items():
        text = {"text": {"status": "generated", "div": div}}
        for resource in shown:
            refused(
                f"{name} in {resource['resourceType']}",
                await space.post(resource["resourceType"], resource | text, as_=LAB),
            )
        inside = observation(patient, contained=[organization("x", id="o") | text])
        refused(f"{name} contained", await space.post("", bundle(post(inside)), as_=LAB))
        section = shown[4] | {"section": [{"title": "x", **text}]}
        refused(f"{name} of a section", await space.post("Composition", section, as_=LAB))
    trap.untouched()


async def test_hostile_texts_in_a_search(space: Space, trap: Trap) -> None:
    from urllib.parse import quote

    for name, value in (markup.texts(trap.bait) | markup.addresses(trap.bait)).items():
        text = quote(value[:1000], safe="")
        for query in (
            f"Patient?name={text}",
            f"Observation?code={text}",
            f"Observation?date={text}",
            f"Observation?subject={text}",
            f"Observation?_sort={text}",
            f"Observation?_include={text}",
            f"Observation?_cursor={text}",
            f"Observation?{text}=1",
            f"{text}?_count=1",
            f"Observation/{text}",
            f"Observation?_format={text}",
        ):
            inert(f"{name} in {query[:40]}", await space.get(query, as_="patient"))
    await serves(space)


async def test_hostile_texts_in_headers(space: Space, trap: Trap) -> None:
    names = ("authorization", "if-match", "if-none-match", "prefer", "accept", "content-type")
    more = ("content-encoding", "content-length", "x-forwarded-for", "host", "x-request-id")
    for name, value in (markup.texts(trap.bait) | markup.addresses(trap.bait)).items():
        sent = value.encode("ascii", "replace").decode()[:500]
        for header in (*names, *more):
            answer = await space.call(
                "POST", "Observation", as_=LAB, body=b"{}", headers={header: sent}
            )
            refused(f"{name} in {header}", answer)
    await serves(space)


async def test_a_file_of_any_type_with_hostile_metadata(space: Space, trap: Trap) -> None:
    """Bytes of any type are kept as they are; what is said of them is text."""
    for name, value in markup.texts(trap.bait).items():
        document = metadata(b"x", description=value[:2000])
        document["content"][0]["attachment"]["title"] = value[:2000]
        document["content"][0]["attachment"]["contentType"] = value[:100]
        sent = lot(b"x", media=value[:100], **document)
        inert(name, await space.post("", sent, as_=LAB))
        alone = {"resourceType": "Binary", "contentType": value[:100]}
        data = {"data": base64.b64encode(value.encode()).decode()}
        inert(name, await space.post("Binary", alone | data, as_=LAB))
    await serves(space)
    trap.untouched()


async def test_the_installation_still_takes_a_document(space: Space) -> None:
    """A control of the tests above: what is refused there is refused for what it is."""
    assert (await space.post("", lot(fresh().xml), as_=LAB)).status == 200
