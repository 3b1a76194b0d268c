# SPDX-License-Identifier: EUPL-1.2
"""Orders told what was already done, and documents that are one, by the API: of what each caller reads."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from carnet.documents.same import orders
from carnet.rest import acts
from tests.documents.lots import mask
from tests.documents.same.test_keep import paper
from tests.space import Space

pytestmark = pytest.mark.anyio

LOINC = "http://loinc.org"
CODE = "95941-1"  # in no document of the demonstration
OUTCOME = {"Prefer": "return=OperationOutcome"}


def order(space: Space, code: str = CODE) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
    }


async def measured(space: Space, days: int, by: str = "biologist", **more: Any) -> str:
    """A result so many days ago; its address."""
    at = (space.clock() - timedelta(days=days)).isoformat()
    given = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": CODE}]},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
        "effectiveDateTime": at,
        "valueString": "fait",
        **more,
    }
    answer = await space.post("Observation", given, as_=by)
    assert answer.status == 201, answer.body
    return f"Observation/{answer.json['id']}"


async def asked(space: Space, persona: str, code: str = CODE) -> Any:
    given = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "valueId": space.patient_id()},
            {"name": "system", "valueUri": LOINC},
            {"name": "code", "valueCode": code},
        ],
    }
    return await space.post("ServiceRequest/$already-done", given, as_=persona)


async def test_an_order_is_told_the_last_examination_and_its_days(space: Space) -> None:
    assert (await asked(space, "gp")).json == {"resourceType": "Parameters"}
    await measured(space, 40)
    last = await measured(space, 9)
    await measured(space, 2, status="cancelled")
    (found,) = (await asked(space, "gp")).json["parameter"]
    part = {each["name"]: each for each in found["part"]}
    assert part["resource"]["valueReference"] == {"reference": last}
    assert part["days"]["valueInteger"] == 9
    assert "within" not in part  # no text says how long it holds
    written = await space.post("ServiceRequest", order(space), as_="gp", **OUTCOME)
    assert written.status == 201
    (issue,) = (each for each in written.json["issue"] if "days ago" in each["diagnostics"])
    assert issue["severity"] == "information"
    assert f"Already done 9 days ago: {last}" in issue["diagnostics"]
    id = written.headers["location"].split("/ServiceRequest/")[1].split("/")[0]
    again = await space.get(f"ServiceRequest/{id}/$already-done", as_="gp")
    assert again.json["parameter"] == [found]


async def test_an_order_is_told_nothing_of_what_its_author_may_not_read(space: Space) -> None:
    await measured(space, 5)
    await measured(
        space, 1, meta={"security": [mask("MASQUE_PS")["coding"][0]]}, valueString="masqué"
    )
    for persona, days in (("patient", 1), ("nurse", None), ("outsider", None)):
        told = await asked(space, persona)
        if persona == "outsider":
            assert told.status == 404
            continue
        said = str(told.json)
        assert ("'days', 'valueInteger': 1}" in said) is (days == 1)
    refused = await space.post("ServiceRequest", order(space), as_="lab-software", **OUTCOME)
    assert "days ago" not in str(refused.body)


@pytest.mark.parametrize("style", ["transaction", "batch"])
async def test_orders_of_a_bundle_are_told_as_one_alone_is(space: Space, style: str) -> None:
    """What comes with the order is not what was done before it, wherever it stands in the Bundle."""
    last = await measured(space, 9)
    result = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": CODE}]},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
        "effectiveDateTime": space.clock().isoformat(),
    }
    resources = [result, order(space), order(space, "0000-0"), order(space)]
    entries = [
        {"resource": each, "request": {"method": "POST", "url": each["resourceType"]}}
        for each in resources
    ]
    bundle = {"resourceType": "Bundle", "type": style, "entry": entries}
    answer = await space.post("", bundle, as_="gp", **OUTCOME)
    assert answer.status == 200, answer.body
    said = [
        {
            issue["diagnostics"]: issue["expression"]
            for issue in each["response"]["outcome"]["issue"]
            if "days ago" in issue["diagnostics"]
        }
        for each in answer.json["entry"]
    ]
    expected = f"Already done 9 days ago: {last}."
    assert said == [
        {},
        {expected: ["Bundle.entry[1].resource.code"]},
        {},
        {expected: ["Bundle.entry[3].resource.code"]},
    ]
    quiet = await space.post("", bundle, as_="gp")
    assert b"days ago" not in quiet.body


async def test_of_many_orders_some_are_looked_at_and_the_others_say_so(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "MOST_REMARKS", 1)
    await measured(space, 9)
    entry = {"resource": order(space), "request": {"method": "POST", "url": "ServiceRequest"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry, entry]}
    answer = await space.post("", bundle, as_="gp", **OUTCOME)
    one, two = (str(each["response"]["outcome"]) for each in answer.json["entry"])
    assert "9 days ago" in one
    assert "9 days ago" not in two and acts.TOO_MANY in two


async def test_a_remark_that_cannot_be_made_leaves_what_was_written(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write is committed: a search that takes too long afterwards must not look like a refusal."""

    async def slow(*given: Any) -> Any:
        raise psycopg.errors.QueryCanceled

    monkeypatch.setattr(orders, "last", slow)
    written = await space.post("ServiceRequest", order(space), as_="gp", **OUTCOME)
    assert written.status == 201 and b"days ago" not in written.body


async def test_documents_that_are_one_are_told_and_none_is_lost(space: Space) -> None:
    one = await paper(space, b"Une radio", by="biologist")
    two = await paper(space, b"Une radio", by="gp", title="Tu", securityLabel=[mask("MASQUE_PS")])
    told = await space.get(f"DocumentReference/{one}/$same", as_="patient")
    assert told.json["parameter"] == [
        {"name": "same", "valueReference": {"reference": f"DocumentReference/{two}"}}
    ]
    every = await space.get(f"Patient/{space.patient_id()}/$same-documents", as_="patient")
    assert two in str(every.json)
    for id in (one, two):
        assert (await space.get(f"DocumentReference/{id}", as_="patient")).status == 200
    hidden = await space.get(f"DocumentReference/{one}/$same", as_="pharmacist")
    assert hidden.json == {"resourceType": "Parameters"}
    absent = await space.get(f"DocumentReference/{two}/$same", as_="pharmacist")
    assert absent.status == 404


async def test_the_capability_statement_names_the_operations(space: Space) -> None:
    said = (await space.get("metadata", as_="gp")).body
    for name in ("DocumentReference-same", "Patient-same-documents", "ServiceRequest-already-done"):
        assert f"urn:carnet:operation:{name}".encode() in said
