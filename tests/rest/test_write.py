# SPDX-License-Identifier: EUPL-1.2
"""create, update and delete over HTTP, and what their answers say."""

import asyncio
import json

import pytest

from tests.rest.samples import HOSPITAL, LAB, bundle, chosen, observation, organization
from tests.space import BASE, Answer, Space

pytestmark = pytest.mark.anyio


async def test_a_created_resource_is_read_back_with_our_id_and_version(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    sent = observation(patient, id="theirs", meta={"versionId": "9", "tag": [{"code": "kept"}]})
    made = await space.post("Observation", sent, as_=LAB)
    assert made.status == 201
    id = made.json["id"]
    assert id != "theirs"
    assert made.headers["location"] == f"{BASE}/fhir/Observation/{id}/_history/1"
    assert made.headers["etag"] == 'W/"1"'
    assert made.json["meta"]["versionId"] == "1"
    assert made.json["meta"]["tag"] == [{"code": "kept"}]
    again = await space.get(f"Observation/{id}", as_=LAB)
    assert again.body == made.body


async def test_decimals_keep_their_digits(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    sent = json.dumps(observation(patient, valueQuantity={"value": 0})).replace(
        '"value": 0', '"value": 72.50'
    )
    made = await space.post("Observation", sent.encode(), as_=LAB)
    assert b'"value":72.50' in (await space.get(f"Observation/{made.json['id']}", as_=LAB)).body


async def test_the_same_content_makes_no_version_but_another_digit_does(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    made = (
        await space.post("Observation", observation(patient, valueQuantity={"value": 1.5}), as_=LAB)
    ).json
    address = f"Observation/{made['id']}"
    same = await space.put(address, made, as_=LAB)
    assert (same.status, same.headers["etag"]) == (200, 'W/"1"')
    digits = json.dumps(made).replace('"value": 1.5', '"value": 1.50').encode()
    other = await space.put(address, digits, as_=LAB)
    assert (other.status, other.headers["etag"]) == (200, 'W/"2"')
    assert b"1.50" in other.body


async def test_an_update_is_a_version_and_if_match_guards_it(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    made = (await space.post("Observation", observation(patient), as_=LAB)).json
    address = f"Observation/{made['id']}"
    changed = made | {"status": "amended"}
    wrong = await space.call("PUT", address, as_=LAB, body=changed, headers={"If-Match": 'W/"7"'})
    assert (wrong.status, wrong.json["issue"][0]["code"]) == (412, "conflict")
    right = await space.call("PUT", address, as_=LAB, body=changed, headers={"If-Match": 'W/"1"'})
    assert (right.status, right.headers["etag"]) == (200, 'W/"2"')
    for version, status in ((1, "final"), (2, "amended")):
        old = await space.get(f"{address}/_history/{version}", as_=LAB)
        assert (old.status, old.json["status"]) == (200, status)
    assert (await space.get(f"{address}/_history/3", as_=LAB)).status == 404


@pytest.mark.parametrize("given", ["3", "*", 'W/"x"', 'W/"1", W/"2"', 'W/"' + "9" * 40 + '"'])
async def test_an_if_match_that_is_no_version_is_said_so(space: Space, given: str) -> None:
    patient = f"Patient/{space.patient_id()}"
    made = (await space.post("Observation", observation(patient), as_=LAB)).json
    answer = await space.call(
        "PUT", f"Observation/{made['id']}", as_=LAB, body=made, headers={"If-Match": given}
    )
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "invalid")


async def test_a_deleted_resource_is_gone_for_who_saw_it_and_absent_for_others(
    space: Space,
) -> None:
    patient = f"Patient/{space.patient_id()}"
    made = (await space.post("Observation", observation(patient), as_=LAB)).json
    address = f"Observation/{made['id']}"
    deleted = await space.call("DELETE", address, as_=LAB)
    assert (deleted.status, deleted.body) == (204, b"")
    for persona in (LAB, "patient", "gp"):
        assert (await space.get(address, as_=persona)).status == 410, persona
        assert (await space.get(f"{address}/_history/2", as_=persona)).status == 410, persona
        assert (await space.get(f"{address}/_history/1", as_=persona)).status == 200, persona
    for persona in (HOSPITAL, "outsider", "minor"):
        assert (await space.get(address, as_=persona)).status == 404, persona
        assert (await space.get(f"{address}/_history", as_=persona)).status == 404, persona
    found = await space.get(f"Observation?_id={made['id']}", as_=LAB)
    assert found.entries == []
    assert (await space.call("DELETE", address, as_=LAB)).status == 204
    versions = (await space.get(f"{address}/_history", as_=LAB)).json["entry"]
    assert [entry["request"]["method"] for entry in versions] == ["DELETE", "POST"]
    assert "resource" not in versions[0]


async def test_a_chosen_uuid_is_created_found_deleted_and_made_again(space: Space) -> None:
    patient, id = f"Patient/{space.patient_id()}", chosen()
    address = f"Observation/{id}"
    made = await space.put(address, observation(patient, id=id), as_=LAB)
    assert (made.status, made.json["id"]) == (201, id)
    assert (await space.get(address, as_="patient")).json == made.json
    assert [r["id"] for r in (await space.get(f"Observation?_id={id}", as_=LAB)).entries] == [id]
    assert (await space.call("DELETE", address, as_=LAB)).status == 204
    assert (await space.get(address, as_=LAB)).status == 410
    assert (await space.get(f"Observation?_id={id}", as_=LAB)).entries == []
    again = await space.put(address, observation(patient, id=id), as_=LAB)
    assert (again.status, again.headers["etag"]) == (201, 'W/"3"')
    assert len((await space.get(f"Observation?_id={id}", as_=LAB)).entries) == 1
    versions = (await space.get(f"{address}/_history", as_=LAB)).json["entry"]
    assert [(e["request"]["method"], e["response"]["etag"]) for e in versions] == [
        ("PUT", 'W/"3"'), ("DELETE", 'W/"2"'), ("PUT", 'W/"1"'),
    ]  # fmt: skip


async def test_two_at_once_who_choose_the_same_id_make_one_resource(space: Space) -> None:
    patient, id = f"Patient/{space.patient_id()}", chosen()
    answers = await asyncio.gather(
        *(
            space.put(f"Observation/{id}", observation(patient, id=id, date=f"202{n}"), as_=LAB)
            for n in range(6)
        )
    )
    assert sorted(answer.status for answer in answers) == [200] * 5 + [201]
    count = await space.rows("SELECT count(*) FROM record.resource WHERE id = %s", id)
    assert count == [(1,)]


@pytest.mark.parametrize("id", ["42", "my-id", "A" * 26, "A3C1F0A2-0000-4000-8000-000000000000"])
async def test_only_a_uuid_may_be_chosen(space: Space, id: str) -> None:
    patient = f"Patient/{space.patient_id()}"
    answer = await space.put(f"Observation/{id}", observation(patient, id=id), as_=LAB)
    assert answer.status == 400


async def test_if_match_on_what_is_not_there_fails(space: Space) -> None:
    patient, id = f"Patient/{space.patient_id()}", chosen()
    body = observation(patient, id=id)
    answer = await space.call(
        "PUT", f"Observation/{id}", as_=LAB, body=body, headers={"If-Match": 'W/"1"'}
    )
    assert answer.status == 412
    hidden = (await space.post("Observation", observation(patient), as_=HOSPITAL)).json
    absent = "a" * 26
    for id in (hidden["id"], absent):
        body = observation(patient, id=id)
        answer = await space.call(
            "PUT", f"Observation/{id}", as_=LAB, body=body, headers={"If-Match": 'W/"1"'}
        )
        assert answer.status == 404
        assert (await space.call("DELETE", f"Observation/{id}", as_=LAB)).status == 404


async def test_a_change_never_moves_a_resource_to_another_person(space: Space) -> None:
    patient, other = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('husband')}"
    made = (await space.post("Observation", observation(patient), as_=LAB)).json
    for subject in ({"reference": other}, {"reference": f"{BASE}/fhir/{other}"}):
        moved = await space.put(f"Observation/{made['id']}", made | {"subject": subject}, as_=LAB)
        assert (moved.status, moved.json["issue"][0]["code"]) == (422, "business-rule")
    without = {key: value for key, value in made.items() if key != "subject"}
    assert (await space.put(f"Observation/{made['id']}", without, as_=LAB)).status == 422


async def test_another_depositor_changes_nothing_even_when_they_read(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    made = (await space.post("Observation", observation(patient), as_=LAB)).json
    address = f"Observation/{made['id']}"
    assert (await space.put(address, made | {"status": "amended"}, as_="gp")).status == 403
    assert (await space.call("DELETE", address, as_="gp")).status == 403
    assert (await space.call("DELETE", address, as_="patient")).status == 403


async def test_our_own_absolute_address_is_the_same_reference(space: Space) -> None:
    """Else it would be nobody's, and be found by nobody."""
    patient = f"Patient/{space.patient_id()}"
    made = await space.post("Observation", observation(f"{BASE}/fhir/{patient}"), as_=LAB)
    assert made.json["subject"] == {"reference": patient}
    assert (await space.get(f"Observation/{made.json['id']}", as_="patient")).status == 200
    for value in (patient, f"{BASE}/fhir/{patient}", patient.split("/")[1]):
        found = await space.get(f"Observation?subject={value}&_count=1", as_="patient")
        assert [each["id"] for each in found.entries] == [made.json["id"]] or found.entries


async def test_a_reference_to_a_version_is_about_the_same_person(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    made = await space.post("Observation", observation(f"{patient}/_history/1"), as_=LAB)
    assert made.status == 201
    assert (await space.get(f"Observation/{made.json['id']}", as_="patient")).status == 200


async def test_an_id_of_something_else_names_no_person(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    made = (await space.post("Observation", observation(patient), as_=LAB)).json
    answer = await space.post("Observation", observation(f"Patient/{made['id']}"), as_=LAB)
    assert answer.status == 422


async def test_preferences_choose_the_answer_of_a_write(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    sent = observation(patient)
    minimal = await space.call(
        "POST", "Observation", as_=LAB, body=sent, headers={"Prefer": "return=minimal"}
    )
    assert (minimal.status, minimal.body) == (201, b"")
    assert "location" in minimal.headers
    outcome = await space.call(
        "POST", "Observation", as_=LAB, body=sent,
        headers={"Prefer": "respond-async; wait=1, return=OperationOutcome"},
    )  # fmt: skip
    assert outcome.json["resourceType"] == "OperationOutcome"
    whole = await space.call(
        "POST", "Observation", as_=LAB, body=sent, headers={"Prefer": "return=representation"}
    )
    assert whole.json["resourceType"] == "Observation"


async def test_what_was_already_there_says_so_without_a_version_it_does_not_know(
    space: Space,
) -> None:
    ins = (await space.get(f"Patient/{space.patient_id()}", as_="patient")).json["identifier"]
    again = await space.post("Patient", {"resourceType": "Patient", "identifier": ins[:1]}, as_=LAB)
    assert (again.status, again.json["resourceType"]) == (200, "OperationOutcome")
    assert again.headers["location"] == f"{BASE}/fhir/Patient/{space.patient_id()}"
    assert "etag" not in again.headers


async def test_a_long_name_is_stored_and_found(space: Space) -> None:
    """An index row has a limit; a text has none."""
    name = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(3000))
    made = await space.post("Organization", organization(name), as_=LAB)
    assert made.status == 201
    for query in ("name=" + name[:40], "name:exact=" + name, "name:contains=" + name[30:60]):
        found = await space.call(
            "POST", "Organization/_search", as_=LAB, body=query.encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        assert [each["id"] for each in found.entries] == [made.json["id"]], query[:13]


async def test_the_body_is_of_the_type_and_id_of_its_address(space: Space) -> None:
    patient, id = f"Patient/{space.patient_id()}", chosen()
    body = observation(patient, id=id)
    assert (await space.post("Condition", body, as_=LAB)).status == 400
    assert (await space.put(f"Condition/{id}", body, as_=LAB)).status == 400
    assert (await space.put(f"Observation/{chosen()}", body, as_=LAB)).status == 400


async def test_what_cannot_be_done_is_refused_in_a_sentence(space: Space) -> None:
    patient, id = f"Patient/{space.patient_id()}", chosen()
    body = observation(patient, id=id)
    for method, path, more, status in [
        ("PUT", f"Observation/{id}", {"If-None-Exist": "code=1"}, 400),
        ("POST", "Observation", {"If-None-Exist": "subject:Patient.name"}, 400),
        ("POST", "Observation", {"Prefer": "handling=strict, return=everything"}, 400),
        ("PATCH", f"Observation/{id}", {"Content-Type": "application/merge-patch+json"}, 415),
    ]:
        answer = await space.call(method, path, as_=LAB, body=body, headers=more)
        assert (answer.status, answer.json["resourceType"]) == (status, "OperationOutcome"), path
        assert answer.said


async def test_digits_stay_wherever_a_number_goes(space: Space) -> None:
    """Patch of another element, $meta-add, transaction, $everything, search, histories, summaries."""
    patient, id = f"Patient/{space.patient_id()}", chosen()
    texts = ("72.50", "1.000", "0.10", "-0.0", "1E+3", "123456789.123456789")
    parts = ",".join(
        f'{{"code":{{"text":"c"}},"valueQuantity":{{"value":{text}}}}}' for text in texts
    )
    sent = (
        f'{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},'
        f'"subject":{{"reference":"{patient}"}},"component":[{parts}]}}'
    )

    def whole(answer: Answer, where: str) -> None:
        assert answer.status in (200, 201), (where, answer.body)
        for text in texts:
            assert f'"value":{text}'.encode() in answer.body, (where, text)

    entry = f'{{"resource":{sent},"request":{{"method":"PUT","url":"Observation/{id}"}}}}'
    body = f'{{"resourceType":"Bundle","type":"transaction","entry":[{entry}]}}'
    prefer = {"Prefer": "return=representation"}
    whole(await space.post("", body.encode(), as_="gp", **prefer), "transaction")
    address = f"Observation/{id}"
    patch = {"Content-Type": "application/json-patch+json"}
    change = b'[{"op":"replace","path":"/status","value":"amended"}]'
    whole(await space.call("PATCH", address, as_="gp", body=change, headers=patch), "JSON Patch")
    steps = [("type", "Code", "add"), ("path", "String", "Observation"), ("name", "String", "issued"),
             ("value", "Instant", "2026-11-20T10:00:00Z")]  # fmt: skip
    operation = {"name": "operation", "part": [
        {"name": name, f"value{kind}": value} for name, kind, value in steps]}  # fmt: skip
    parameters = {"resourceType": "Parameters", "parameter": [operation]}
    whole(await space.call("PATCH", address, as_="gp", body=parameters), "FHIRPath Patch")
    tag = {"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}
    added = {"resourceType": "Parameters", "parameter": [tag]}
    assert (await space.post(f"{address}/$meta-add", added, as_="gp")).status == 200
    for path in (
        address, f"{address}?_pretty=false", f"{address}/_history/1", f"{address}/_history/4",
        f"{address}/_history", "Observation/_history?_count=1", "_history?_count=1",
        f"Observation?_id={id}", f"Observation?_id={id}&_summary=data",
        f"Observation?_id={id}&_elements=component",
        f"{address}?_elements=component", f"{patient}/$everything?_type=Observation&_count=1000",
        f"{patient}/Observation?_id={id}",
    ):  # fmt: skip
        whole(await space.get(path, as_="gp"), path)
    inside = {"request": {"method": "GET", "url": address}}
    whole(await space.post("", bundle(inside, kind="batch"), as_="gp"), "read in a batch")
    pretty = await space.get(f"{address}?_pretty=true", as_="gp")
    assert all(f'"value": {text}'.encode() in pretty.body for text in texts)
