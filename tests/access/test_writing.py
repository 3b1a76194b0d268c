# SPDX-License-Identifier: EUPL-1.2
"""Writing through the door: who, in whose record, and what refusals do not tell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.space import Space

pytestmark = pytest.mark.anyio


def observation(patient: str | None, **more: Any) -> dict[str, Any]:
    """A small Observation."""
    made: dict[str, Any] = {"resourceType": "Observation", "status": "final",
                            "code": {"text": "x"}, **more}  # fmt: skip
    return made | ({"subject": {"reference": f"Patient/{patient}"}} if patient else {})


async def test_feeding_needs_no_right_to_read_and_gives_none(space: Space) -> None:
    made = await space.post("Observation", observation(space.patient_id()), as_="blocked")
    assert made.status == 201
    id = made.json["id"]
    assert (await space.get(f"Observation/{id}", as_="blocked")).status == 404
    assert (await space.get(f"Observation/{id}", as_="patient")).status == 200


async def test_an_opposed_record_and_nobodys_answer_alike(space: Space) -> None:
    cid = space.where.people["elder"]
    await space.rows("UPDATE access.record SET feeding_opposed = true WHERE cid = %s", cid)
    nobody = space.built.door.ids.encode(12345, 12345)
    answers = [
        await space.post("Observation", observation(id), as_="lab-software")
        for id in (space.patient_id("elder"), nobody)
    ]
    assert answers[0].status == 422
    assert answers[0].body == answers[1].body


async def test_a_change_takes_no_resource_to_another_person(space: Space) -> None:
    made = await space.post("Observation", observation(space.patient_id()), as_="lab-software")
    id = made.json["id"]
    for other in (observation(space.patient_id("elder"), id=id), observation(None, id=id)):
        assert (await space.put(f"Observation/{id}", other, as_="lab-software")).status == 422


def appointment(*patients: str, **more: Any) -> dict[str, Any]:
    """About several people."""
    return {
        "resourceType": "Appointment", "status": "proposed",
        "participant": [{"actor": {"reference": f"Patient/{each}"}, "status": "accepted"}
                        for each in patients], **more,
    }  # fmt: skip


async def test_a_change_adds_or_removes_no_owner(space: Space) -> None:
    one, two = space.patient_id(), space.patient_id("elder")
    both = await space.post("Appointment", appointment(one, two), as_="lab-software")
    single = await space.post("Appointment", appointment(one), as_="lab-software")
    assert (both.status, single.status) == (201, 201)
    for made, people in ((both, (one,)), (single, (one, two))):
        id = made.json["id"]
        changed = appointment(*people, id=id)
        assert (await space.put(f"Appointment/{id}", changed, as_="lab-software")).status == 422
    assert (await space.get(f"Appointment/{both.json['id']}", as_="patient")).status == 404
    seen = {entry["id"] for entry in (await space.get("Appointment", as_="gp")).entries}
    assert seen == {both.json["id"], single.json["id"]}
    assert (await space.get(f"Appointment/{single.json['id']}", as_="patient")).status == 200


async def test_a_shut_record_is_shut_to_everyone(space: Space) -> None:
    made = await space.post("Observation", observation(space.patient_id()), as_="lab-software")
    path = f"Observation/{made.json['id']}"
    await space.rows(
        "UPDATE access.record SET state = 'closed' WHERE cid = %s", space.where.people["patient"]
    )
    for persona in ("patient", "gp", "lab-software"):
        assert (await space.get(path, as_=persona)).status == 404
        found = await space.get("Observation?_total=accurate", as_=persona)
        assert made.json["id"] not in found.body.decode()
    again = await space.put(
        path, observation(space.patient_id(), id=made.json["id"]), as_="lab-software"
    )
    assert again.status == 404


async def test_a_deleted_resource_is_gone_for_who_saw_it_and_absent_for_the_others(
    space: Space,
) -> None:
    made = await space.post("Observation", observation(space.patient_id()), as_="lab-software")
    path = f"Observation/{made.json['id']}"
    assert (await space.call("DELETE", path, as_="lab-software")).status == 204
    assert (await space.get(path, as_="patient")).status == 410
    assert (await space.get(path, as_="gp")).status == 410
    for persona in ("outsider", "blocked", "minor", "hospital-software"):
        assert (await space.get(path, as_=persona)).status == 404
        assert (await space.get(path + "/_history", as_=persona)).status == 404


async def test_a_lone_binary_is_its_depositors_for_a_day(space: Space) -> None:
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "QUJD"}
    made = await space.post("Binary", binary, as_="biologist")
    path = f"Binary/{made.json['id']}"
    for persona, status in (("biologist", 200), ("lab-software", 200), ("gp", 404),
                            ("hospital-software", 404), ("patient", 404)):  # fmt: skip
        assert (await space.get(path, as_=persona)).status == status
    space.clock.advance(timedelta(hours=24))
    assert (await space.get(path, as_="biologist")).status == 404
    assert (await space.get(path, as_="lab-software")).status == 404


async def test_deleting_or_changing_what_is_hidden_is_as_with_what_is_absent(space: Space) -> None:
    found = (await space.get("Observation?_count=1", as_="patient")).entries[0]
    absent = space.built.door.ids.encode(9, 9)
    for persona in ("outsider", "blocked", "hospital-software", "minor", "operator"):
        for match in ({}, {"if-match": 'W/"1"'}, {"if-match": 'W/"9"'}):
            gone = [
                await space.call("DELETE", f"Observation/{id}", as_=persona, headers=match)
                for id in (found["id"], absent)
            ]
            put = [
                await space.put(
                    f"Observation/{id}",
                    observation(space.patient_id(), id=id),
                    as_=persona,
                    **match,
                )
                for id in (found["id"], absent)
            ]
            assert (gone[0].status, gone[0].body) == (gone[1].status, gone[1].body)
            assert (put[0].status, put[0].body) == (put[1].status, put[1].body)
            assert gone[0].status == 404
