# SPDX-License-Identifier: EUPL-1.2
"""Conditional create, update, patch and delete: what is there is meant, what is hidden is not there."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from tests.rest.samples import insisted, observation
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

LAB, HOSPITAL = "lab-software", "hospital-software"
SYSTEM, VALUE = "urn:oid:1.2.840.10004.1.1.1", "FE-ED-AB"
CONDITION = f"identifier={SYSTEM}|{VALUE}"


def device(value: str = VALUE) -> dict[str, Any]:
    return {"resourceType": "Device", "identifier": [{"system": SYSTEM, "value": value}]}


async def sent(space: Space, as_: str = LAB, condition: str = CONDITION) -> Answer:
    request = {"method": "POST", "url": "Device", "ifNoneExist": condition}
    entry = {"fullUrl": "urn:uuid:0b0a1b1e-0000-4000-8000-000000000001", "resource": device(),
             "request": request}  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    return await space.post("", bundle, as_=as_)


def response(answer: Answer) -> tuple[str, str]:
    assert answer.status == 200, answer.body
    found = answer.json["entry"][0]["response"]
    return found["status"].split()[0], found["location"].split("/_history")[0]


async def test_the_second_time_it_is_the_first_one(space: Space) -> None:
    first, again = response(await sent(space)), response(await sent(space))
    assert (first[0], again[0]) == ("201", "200")
    assert first[1] == again[1]
    alone = await space.post("Device", device(), as_=LAB, **{"If-None-Exist": CONDITION})
    assert (alone.status, alone.headers["location"].endswith(first[1])) == (200, True)
    address = await space.post(f"Device?{CONDITION}", device(), as_=LAB)  # as fhirpy writes it
    assert (address.status, address.headers["location"].endswith(first[1])) == (200, True)
    assert (await space.post("Device?_summary=true", device(), as_=LAB)).status == 400


async def test_two_at_the_same_instant_make_one(space: Space) -> None:
    answers = await asyncio.gather(*(sent(space) for _ in range(6)))
    assert len({response(each)[1] for each in answers}) == 1
    assert [response(each)[0] for each in answers].count("201") == 1


async def test_another_organisation_s_is_not_seen(space: Space) -> None:
    """The condition tells nobody what they may not read."""
    first = response(await sent(space))
    assert response(await sent(space, HOSPITAL))[0] == "201"
    assert response(await sent(space, HOSPITAL))[1] != first[1]


async def test_several_that_answer_are_412(space: Space) -> None:
    for _ in range(2):
        assert (await space.post("Device", device(), as_=LAB)).status == 201
    answer = await sent(space)
    assert (answer.status, "Several" in answer.said) == (412, True)


@pytest.mark.parametrize(
    "condition",
    ["?", "", "identifier=", "identifier=a|1&type=", "_count=1", "identifier=a|1&_sort=type",
     "%ff=%ff", "identifier=a%00|1", "nonsense=1", "identifier=a|1&_include=*", "identifier"],
)  # fmt: skip
async def test_a_condition_that_would_choose_nothing_is_refused_for_every_verb(
    space: Space, condition: str
) -> None:
    """Never is an empty condition all there is."""
    await space.post("Device", device(), as_=LAB)
    before = await space.rows("SELECT count(*), sum(ver) FROM record.resource")
    created = await space.post("Device", device(), as_=LAB, **{"If-None-Exist": condition})
    assert (created.status, created.json["issue"][0]["code"]) == (400, "not-supported")
    for method, body in (("PUT", device()), ("DELETE", None), ("PATCH", PARAMETERS)):
        answer = await space.call(method, f"Device?{condition}", as_=LAB, body=body)
        assert answer.status == 400, (method, answer.body)
        entry = {"request": {"method": method, "url": f"Device?{condition}"}}
        bundle = {"resourceType": "Bundle", "type": "transaction",
                  "entry": [entry | ({"resource": body} if body else {})]}  # fmt: skip
        answer = await space.post("", bundle, as_=LAB)
        assert answer.status == 400, (method, answer.body)
    assert await space.rows("SELECT count(*), sum(ver) FROM record.resource") == before


async def test_a_conditional_reference_finds_what_the_sender_deposited(space: Space) -> None:
    """And nothing of another organisation."""
    place = {"resourceType": "Organization", "name": "Lab",
             "identifier": [{"system": "https://e.example", "value": "7"}]}  # fmt: skip
    made = (await space.post("Organization", place, as_=LAB)).json["id"]
    observation = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
        "performer": [{"reference": "Organization?identifier=https://e.example|7"}],
    }  # fmt: skip
    answer = await space.post("Observation", observation, as_=LAB)
    assert answer.json["performer"][0]["reference"] == f"Organization/{made}"
    assert (await space.post("Observation", observation, as_=HOSPITAL)).status == 412


async def test_the_same_place_sent_twice_is_one_and_another_description_of_it_is_beside(
    space: Space,
) -> None:
    place = {"resourceType": "Organization", "name": "Lab",
             "identifier": [{"system": "https://e.example", "value": "7"}]}  # fmt: skip
    first = await space.post("Organization", place, as_=LAB)
    again = await space.post("Organization", place, as_=LAB)
    other = await space.post("Organization", place | {"name": "Laboratoire"}, as_=LAB)
    assert (first.status, again.status, other.status) == (201, 200, 201)


PARAMETERS: dict[str, Any] = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "add"},
                {"name": "path", "valueString": "Observation"},
                {"name": "name", "valueString": "value"},
                {"name": "value", "valueString": "7"},
            ],
        }
    ],
}


async def test_an_update_by_condition_makes_it_then_changes_it(space: Space) -> None:
    path = f"Observation?{CONDITION}"
    first = await space.put(path, thing(space) | {"valueString": "1"}, as_=LAB)
    assert first.status == 201, first.body
    second = await space.put(path, thing(space) | {"valueString": "2"}, as_=LAB)
    assert (second.status, second.headers["etag"]) == (200, 'W/"2"')
    assert second.json["id"] == first.json["id"]
    same = await space.put(path, second.json, as_=LAB)
    assert (same.status, same.headers["etag"]) == (200, 'W/"2"')
    other = await space.put(path, thing(space) | {"id": "a" * 26}, as_=LAB)
    assert (other.status, "id" in other.said) == (400, True)
    late = await space.call(
        "PUT",
        path,
        as_=LAB,
        body=thing(space) | {"valueString": "3"},
        headers={"If-Match": 'W/"1"'},
    )
    assert late.status == 412
    nothing = await space.call(
        "PUT",
        "Observation?identifier=a|b",
        as_=LAB,
        body=thing(space),
        headers={"If-Match": 'W/"1"'},
    )
    assert nothing.status == 412


async def test_an_id_chosen_beside_a_condition_is_taken_when_it_is_free(space: Space) -> None:
    id = "0b0a1b1e-0000-4000-8000-00000000000a"
    made = await space.put(f"Observation?{CONDITION}", thing(space) | {"id": id}, as_=LAB)
    assert (made.status, made.json["id"]) == (201, id)
    taken = await space.put("Observation?identifier=a|b", thing(space, "c") | {"id": id}, as_=LAB)
    assert (taken.status, taken.json["issue"][0]["code"]) == (409, "conflict")
    ours = await space.put(
        "Observation?identifier=a|b", thing(space, "c") | {"id": "a" * 26}, as_=LAB
    )
    assert ours.status == 404  # an id of ours is never chosen


async def test_several_that_answer_are_412_for_every_verb_and_change_nothing(space: Space) -> None:
    for _ in range(2):
        assert (await space.post("Observation", thing(space), as_=LAB)).status == 201
    before = await space.rows("SELECT count(*), sum(ver) FROM record.resource")
    for method, body in (("PUT", thing(space)), ("PATCH", PARAMETERS), ("DELETE", None)):
        answer = await space.call(method, f"Observation?{CONDITION}", as_=LAB, body=body)
        assert (answer.status, answer.json["issue"][0]["code"]) == (412, "multiple-matches")
    assert await space.rows("SELECT count(*), sum(ver) FROM record.resource") == before


async def test_a_patch_and_a_delete_by_condition(space: Space) -> None:
    path = f"Observation?{CONDITION}"
    assert (await space.call("PATCH", path, as_=LAB, body=PARAMETERS)).status == 404
    gone = await space.call("DELETE", path, as_=LAB)
    assert (gone.status, gone.body) == (204, b"")
    made = await space.post("Observation", thing(space), as_=LAB)
    patched = await space.call("PATCH", path, as_=LAB, body=PARAMETERS)
    assert (patched.status, patched.json["valueString"]) == (200, "7")
    late = await space.call("DELETE", path, as_=LAB, headers={"If-Match": 'W/"1"'})
    assert late.status == 412
    told = await space.call("DELETE", path, as_=LAB, headers={"Prefer": "return=OperationOutcome"})
    assert (told.status, told.said) == (200, "It was deleted.")
    assert (await space.get(f"Observation/{made.json['id']}", as_=LAB)).status == 410
    told = await space.call("DELETE", path, as_=LAB, headers={"Prefer": "return=OperationOutcome"})
    assert (told.status, "Nothing answers" in told.said) == (200, True)
    other = await space.call("DELETE", f"Device?{CONDITION}", as_=LAB)
    assert other.status == 403  # nothing is looked for where they may delete none


def thing(space: Space, value: str = VALUE, **more: Any) -> dict[str, Any]:
    """What a software may write, change and delete."""
    made = observation(f"Patient/{space.patient_id()}", **more)
    return made | {"identifier": [{"system": SYSTEM, "value": value}]}


async def test_what_is_hidden_does_not_answer_to_a_condition(space: Space) -> None:
    """Its update makes another, its patch is not found, its delete deletes nothing."""
    path = f"Observation?identifier={SYSTEM}|{VALUE}"
    first = await space.post("Observation", thing(space), as_=LAB)
    for method, body, status in (("PATCH", PARAMETERS, 404), ("DELETE", None, 204)):
        for url in (path, "Observation?identifier=nobody|has"):
            answer = await space.call(method, url, as_=HOSPITAL, body=body)
            assert answer.status == status, (method, url, answer.body)
    assert (await space.get(f"Observation/{first.json['id']}", as_=LAB)).status == 200
    other = await space.put(path, thing(space), as_=HOSPITAL)
    assert other.status == 201
    assert other.json["id"] != first.json["id"]
    assert other.headers["etag"] == 'W/"1"'


async def test_a_reader_who_did_not_deposit_it_is_refused_and_it_is_written(space: Space) -> None:
    """And a condition is no way to ask a record without a line in its audit."""
    path = f"Observation?identifier={SYSTEM}|{VALUE}"
    await space.post("Observation", thing(space), as_=LAB)
    before = await space.rows("SELECT count(*) FROM access.audit")
    answers = [
        await space.put(path, thing(space), as_="gp"),
        await space.call("DELETE", path, as_="gp"),
        await space.call("DELETE", path, as_="gp", headers={"If-Match": 'W/"9"'}),
    ]
    assert [each.status for each in answers] == [403, 403, 412]
    lines = await space.rows(
        "SELECT act, rule, granted, cid FROM access.audit ORDER BY seq OFFSET %s", before[0][0]
    )
    assert len(lines) == 3
    assert {line[2] for line in lines} == {False}
    assert {line[0] for line in lines} == {"update", "delete"}
    assert all(line[3] is not None for line in lines), lines
    assert (await space.call("DELETE", path, as_="outsider")).status == 204
    line = (await space.rows("SELECT act FROM access.audit ORDER BY seq DESC LIMIT 1"))[0]
    assert line == ("search",)


async def test_in_a_transaction_conditions_are_met_before_anything_is_written(space: Space) -> None:
    urn = "urn:uuid:0b0a1b1e-0000-4000-8000-000000000002"
    someone = f"Patient/{space.patient_id()}"
    place = {"resourceType": "Organization", "name": "Not there yet",
             "identifier": [{"system": "https://e.example", "value": "7"}]}  # fmt: skip
    made = await space.post("Observation", thing(space), as_=LAB)
    bundle: Any = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": observation(someone, hasMember=[{"reference": urn}]),
             "request": {"method": "POST", "url": "Observation"}},
            {"fullUrl": urn, "resource": PARAMETERS,
             "request": {"method": "PATCH", "url": f"Observation?{CONDITION}"}},
            {"request": {"method": "DELETE", "url": f"Observation?identifier={SYSTEM}|none"}},
            {"resource": place, "request": {
                "method": "PUT", "url": "Organization?identifier=https://e.example|7"}},
            {"resource": thing(space, "new"), "fullUrl": urn[:-1] + "3", "request": {
                "method": "POST", "url": "Observation", "ifNoneExist": f"identifier={SYSTEM}|new"}},
            {"resource": thing(space, "new"), "fullUrl": urn[:-1] + "4", "request": {
                "method": "POST", "url": "Observation", "ifNoneExist": f"identifier={SYSTEM}|new"}},
            {"resource": observation(someone, hasMember=[{"reference": urn[:-1] + "4"}],
                                     performer=[{"reference": "Organization?name:exact=Not there yet"}]),
             "request": {"method": "POST", "url": "Observation"}},
        ],
    }  # fmt: skip
    early = await space.post("", bundle, as_=LAB)
    assert early.status == 412  # the place is not there before the transaction
    del bundle["entry"][-1]["resource"]["performer"]
    answer = await space.post("", bundle, as_=LAB, Prefer="return=representation")
    assert answer.status == 200, answer.body
    entries = answer.json["entry"]
    assert [each["response"]["status"][:3] for each in entries] == [
        "201", "200", "204", "201", "201", "200", "201",
    ]  # fmt: skip
    assert entries[0]["resource"]["hasMember"][0]["reference"] == f"Observation/{made.json['id']}"
    assert entries[1]["resource"]["valueString"] == "7"
    new = entries[4]["resource"]["id"]
    assert entries[5]["response"]["location"] == f"Observation/{new}"
    assert entries[6]["resource"]["hasMember"][0]["reference"] == f"Observation/{new}"
    twice = {
        "resource": PARAMETERS,
        "request": {"method": "PATCH", "url": f"Observation?{CONDITION}"},
    }
    same = {"resource": PARAMETERS,
            "request": {"method": "PATCH", "url": f"Observation/{made.json['id']}"}}  # fmt: skip
    bundle["entry"] = [twice, same]
    assert (await space.post("", bundle, as_=LAB)).status == 400


async def test_what_a_conditional_create_found_is_traced_as_it_is(space: Space) -> None:
    """By its version, and not by its first one."""
    made = (await space.put(f"Observation?{CONDITION}", thing(space), as_=LAB)).json
    await space.put(f"Observation?{CONDITION}", thing(space) | {"valueString": "2"}, as_=LAB)
    condition = {"If-None-Exist": CONDITION, "Prefer": "return=minimal"}
    answer = await space.post("Observation", thing(space), as_=LAB, **condition)
    assert (answer.status, answer.headers["location"].endswith(made["id"])) == (200, True)
    place = space.built.door.ids.decode(made["id"])
    assert place is not None
    rows = await space.rows("SELECT rids, vers FROM access.audit ORDER BY seq DESC LIMIT 1")
    assert rows == [([place[1]], [2])]


async def test_sixty_four_at_the_same_instant_make_one(space: Space) -> None:
    """Several times the pool: they wait for one another, and nobody for ever."""
    assert space.built.settings.pool_size < 64
    condition = {"If-None-Exist": f"identifier={SYSTEM}|{VALUE}&type:not=x"}
    answers = await asyncio.gather(
        *(insisted(lambda: space.post("Device", device(), as_=LAB, **condition)) for _ in range(64))
    )
    assert sorted(each.status for each in answers) == [200] * 63 + [201]
    found = await space.get(f"Device?{CONDITION}&_total=accurate", as_=LAB)
    assert found.json["total"] == 1


async def test_updates_at_the_same_instant_leave_one_resource_that_can_be_changed(
    space: Space,
) -> None:
    """By the same condition, by another, and by its address: each is a version, none is lost."""
    made = await space.put(f"Observation?{CONDITION}", thing(space), as_=LAB)
    address = f"Observation/{made.json['id']}"
    calls = []
    for n in range(24):
        path = (f"Observation?{CONDITION}", f"Observation?{CONDITION}&status:not=x", address)[n % 3]
        body = (
            thing(space)
            | {"valueString": str(n)}
            | ({"id": made.json["id"]} if path == address else {})
        )
        calls.append(insisted(partial(space.put, path, body, as_=LAB)))
    answers = await asyncio.gather(*calls)
    assert {each.status for each in answers} == {200}
    versions = sorted(int(each.json["meta"]["versionId"]) for each in answers)
    assert versions == list(range(2, 26))
    history = await space.get(f"{address}/_history", as_=LAB)
    assert history.json["total"] == 25
    last = await space.put(
        f"Observation?{CONDITION}", thing(space) | {"valueString": "end"}, as_=LAB
    )
    assert (last.status, last.headers["etag"]) == (200, 'W/"26"')


async def test_bundles_that_write_the_same_resources_in_other_orders_all_pass(space: Space) -> None:
    made = [(await space.post("Observation", thing(space, str(n)), as_=LAB)).json for n in range(4)]

    def bundle(round: int) -> dict[str, Any]:
        order = made[round % 4 :] + made[: round % 4]
        if round % 2:
            order.reverse()
        entries = [
            {"resource": each | {"valueString": str(round)},
             "request": {"method": "PUT", "url": f"Observation/{each['id']}"}}
            for each in order
        ]  # fmt: skip
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    answers = await asyncio.gather(
        *(insisted(partial(space.post, "", bundle(n), as_=LAB)) for n in range(16))
    )
    assert {each.status for each in answers} == {200}
    ends = [(await space.get(f"Observation/{each['id']}", as_=LAB)).json for each in made]
    assert len({each["valueString"] for each in ends}) == 1  # all of one Bundle, or none
    assert {each["meta"]["versionId"] for each in ends} == {"17"}
