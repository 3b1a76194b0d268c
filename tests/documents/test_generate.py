# SPDX-License-Identifier: EUPL-1.2
"""$generate-metadata: a document comes alone, and its metadata is made from it (ITI-106)."""

import base64
import json
from typing import Any

import pytest

from tests import people
from tests.documents.lots import RFC3986, corrected, fresh, holds
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

OPERATION = "DocumentReference/$generate-metadata"


def binary(data: bytes, media: str = "text/xml") -> dict[str, Any]:
    content = base64.b64encode(data).decode()
    return {"resourceType": "Binary", "contentType": media, "data": content}


def fhir(**changes: Any) -> dict[str, Any]:
    """A FHIR document about the patient of the cast, written by a role."""
    person = people.PATIENT
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "60591-5"}]},
        "subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000002"},
        "date": "2026-11-20T11:00:00+01:00",
        "author": [{"reference": "urn:uuid:00000000-0000-4000-8000-000000000003"}],
        "title": "Synthèse du 20 novembre",
        "confidentiality": "R",
    }
    entries: list[dict[str, Any]] = [
        composition | changes,
        {
            "resourceType": "Patient",
            "identifier": [{"system": f"urn:oid:{person.ins_oid}", "value": person.ins}],
        },
        {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000004"},
        },
        {"resourceType": "Practitioner", "name": [{"family": "Kerviel"}]},
    ]
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": RFC3986, "value": "urn:oid:1.2.250.1.999.77.1"},
        "timestamp": "2026-11-20T11:00:00+01:00",
        "entry": [
            {"fullUrl": f"urn:uuid:00000000-0000-4000-8000-{place:012}", "resource": each}
            for place, each in enumerate(entries, 1)
        ],
    }


async def generated(space: Space, document: Any, as_: str = "lab-software") -> Answer:
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "document", "resource": document}],
    }
    return await space.post(OPERATION, body, as_=as_)


def made(answer: Answer) -> str:
    (parameter,) = answer.json["parameter"]
    assert parameter["name"] == "DocumentReference"
    return str(parameter["valueReference"]["reference"])


async def test_a_cda_is_published_with_what_it_says(space: Space) -> None:
    data = fresh().xml
    answer = await generated(space, binary(data))
    assert answer.status == 201, answer.body
    kept = (await space.get(made(answer), as_="gp")).json
    assert kept["type"]["coding"][0]["code"] == "11502-2"
    assert answer.headers["location"].endswith(f"{made(answer)}/_history/1")
    raw = await space.get(kept["content"][0]["attachment"]["url"], as_="gp", accept="text/xml")
    assert raw.body == data
    results = await space.get(f"Observation?derived-from={made(answer)}", as_="patient")
    assert results.entries
    again = await generated(space, binary(data))
    assert (again.status, made(again)) == (200, made(answer))
    newer = await generated(space, binary(corrected(fresh())))
    assert (newer.status, (await space.get(made(answer), as_="gp")).json["status"]) == (
        201, "superseded",
    )  # fmt: skip


async def test_a_fhir_document_is_one_file_and_its_composition_the_metadata(space: Space) -> None:
    answer = await generated(space, fhir())
    assert answer.status == 201, answer.body
    kept = (await space.get(made(answer), as_="patient")).json
    assert kept["masterIdentifier"]["value"] == "urn:oid:1.2.250.1.999.77.1"
    assert kept["subject"]["reference"] == f"Patient/{space.patient_id()}"
    attachment = kept["content"][0]["attachment"]
    assert (attachment["contentType"], attachment["title"]) == (
        "application/fhir+json", "Synthèse du 20 novembre",
    )  # fmt: skip
    assert kept["securityLabel"][0]["coding"][0]["code"] == "R"
    hop = "author:PractitionerRole.practitioner.family=Kerviel"
    found = await space.get(f"DocumentReference?{hop}", as_="patient")
    assert [each["id"] for each in found.entries] == [kept["id"]]
    raw = await space.get(attachment["url"], as_="patient", accept="application/fhir+json")
    assert json.loads(raw.body)["type"] == "document"
    again = await generated(space, fhir())
    assert (again.status, made(again)) == (200, made(answer))


async def test_it_follows_the_same_rules_as_any_document(space: Space) -> None:
    """Who may not feed, whose it is, what it is: a refusal leaves nothing behind."""
    before = await holds(space)
    nobody = fhir()
    nobody["entry"][1]["resource"]["identifier"][0]["value"] = "299999999999999"
    without = fhir()
    del without["entry"][1]["resource"]["identifier"]
    refused: list[tuple[Any, int, str]] = [
        (binary(b"Hello World", "text/plain"), 422, "business-rule"),
        (binary(b"<a/>"), 400, "structure"),
        (binary(b"{}", "application/fhir+json"), 422, "business-rule"),
        ({"resourceType": "Bundle", "type": "collection"}, 422, "business-rule"),
        ({"resourceType": "Bundle", "type": "document"}, 422, "business-rule"),
        (nobody, 412, "business-rule"),
        (without, 422, "business-rule"),
        ({"resourceType": "Basic", "code": {"text": "x"}}, 400, "invalid"),
        ({"resourceType": "Bundle", "type": "poem"}, 400, "code-invalid"),
    ]
    for document, status, issue in refused:
        answer = await generated(space, document)
        found = (answer.status, answer.json["issue"][0]["code"])
        assert found == (status, issue), (document, answer.body)
    for body in ({"resourceType": "Parameters"}, {"resourceType": "Patient"}):
        assert (await space.post(OPERATION, body, as_="lab-software")).status == 400
    assert (await space.post(OPERATION, {}, as_=None)).status == 401
    assert await holds(space) == before
