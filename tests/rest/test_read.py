# SPDX-License-Identifier: EUPL-1.2
"""read and vread over HTTP, whole or in part."""

import json

import pytest

from tests.rest.samples import LAB, observation
from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_a_patient_reads_their_own_observation(space: Space) -> None:
    found = await space.get("Observation?_count=1", as_="patient")
    resource = found.entries[0]
    answer = await space.get(f"Observation/{resource['id']}", as_="patient")
    assert (answer.status, answer.json) == (200, resource)
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("persona", ["outsider", "blocked", "operator", "minor"])
async def test_who_has_no_link_finds_nothing_there(space: Space, persona: str) -> None:
    found = await space.get("Observation?_count=1", as_="patient")
    id = found.entries[0]["id"]
    hidden = await space.get(f"Observation/{id}", as_=persona)
    absent = await space.get(f"Observation/{'a' * 26}", as_=persona)
    assert hidden.status == absent.status == 404
    assert hidden.json == absent.json


async def test_a_part_of_a_resource_says_that_it_is_one(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
    sent = observation(patient, valueQuantity={"value": 1}, note=[{"text": "n"}], text=text)
    body = json.dumps(sent).replace('"value": 1', '"value": 1.50').encode()
    made = (await space.post("Observation", body, as_=LAB)).json
    always = {"resourceType", "id", "meta", "status", "code"}
    for query, more in [
        ("_summary=true", {"subject", "valueQuantity"}),
        ("_summary=text", {"text"}),
        ("_summary=data", {"subject", "valueQuantity", "note"}),
        ("_elements=note", {"note"}),
        ("_elements=subject,valueQuantity", {"subject", "valueQuantity"}),
    ]:
        for address in (f"Observation/{made['id']}", f"Observation/{made['id']}/_history/1"):
            answer = await space.get(f"{address}?{query}", as_=LAB)
            assert set(answer.json) == always | more, query
            assert answer.json["meta"]["tag"][0]["code"] == "SUBSETTED"
            if "valueQuantity" in more:
                assert b'"value":1.50' in answer.body
    whole = await space.get(f"Observation/{made['id']}?_summary=false&_pretty=true", as_=LAB)
    assert (whole.json, b"1.50" in whole.body) == (made, True)
    for query in ("_summary=count", "_summary=x", "_elements=nothing"):
        answer = await space.get(f"Observation/{made['id']}?{query}", as_=LAB)
        assert answer.status == 400, query


async def test_meta_of_a_type_and_of_all_is_refused_with_its_reason(space: Space) -> None:
    for path in ("$meta", "Observation/$meta"):
        answer = await space.get(path, as_=LAB)
        assert (answer.status, answer.json["issue"][0]["code"]) == (400, "not-supported")
        assert answer.said.startswith("$meta is asked of one resource")
    statement = (await space.get("metadata")).json["rest"][0]
    assert "meta" not in {each["name"] for each in statement.get("operation", [])}
