# SPDX-License-Identifier: EUPL-1.2
"""Slots are offered by their organisation, seen by everybody, and taken by one appointment."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.space import Answer, Space

pytestmark = [pytest.mark.anyio, pytest.mark.db]

Json = dict[str, Any]
SOFTWARE, DOCTOR, REGULATOR = "hospital-software", "hospital-doctor", "regulator"
TYPES = "https://mos.esante.gouv.fr/NOS/TRE_R314-TypeCreneau/FHIR/TRE-R314-TypeCreneau"
IDNPS = "urn:oid:1.2.250.1.71.4.2.1"


async def role(space: Space, persona: str = DOCTOR) -> str:
    """The situation of exercise of somebody in the organisation of the software."""
    rpps = (await space.actor(persona)).rpps
    org = space.built.door.ids.encode(0, (await space.actor(SOFTWARE)).org or 0)
    found = await space.get(
        f"PractitionerRole?practitioner.identifier={IDNPS}|8{rpps}&organization=Organization/{org}",
        as_=SOFTWARE,
    )
    return str(found.entries[0]["id"])


async def agenda(space: Space) -> str:
    made = await space.post(
        "Schedule",
        {
            "resourceType": "Schedule",
            "actor": [{"reference": f"PractitionerRole/{await role(space)}"}],
        },
        as_=SOFTWARE,
    )
    assert made.status == 201, made.body
    return str(made.json["id"])


def slot_of(space: Space, schedule: str, hours: int = 24, *types: str, **more: Any) -> Json:
    start = space.clock.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours)
    return {
        "resourceType": "Slot",
        "meta": {"security": [{"system": TYPES, "code": each} for each in types]} if types else {},
        "schedule": {"reference": f"Schedule/{schedule}"},
        "status": "free",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=20)).isoformat(),
        **more,
    }


async def slots(space: Space, *hours: int, types: tuple[str, ...] = ()) -> list[str]:
    schedule = await agenda(space)
    found = []
    for each in hours:
        sent = {k: v for k, v in slot_of(space, schedule, each, *types).items() if v}
        made = await space.post("Slot", sent, as_=SOFTWARE)
        assert made.status == 201, made.body
        found.append(str(made.json["id"]))
    return found


def appointment(space: Space, *slots: str, person: str = "patient", **more: Any) -> Json:
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{each}"} for each in slots],
        "participant": [
            {
                "actor": {"reference": f"Patient/{space.patient_id(person)}"},
                "status": "accepted",
            }
        ],
        **more,
    }


async def status(space: Space, slot: str) -> str:
    return str((await space.get(f"Slot/{slot}", as_=REGULATOR)).json["status"])


async def book(space: Space, *ids: str, as_: str = "gp", **more: Any) -> Answer:
    return await space.post("Appointment", appointment(space, *ids, **more), as_=as_)


async def test_a_slot_is_seen_by_everybody_taken_once_and_free_again(space: Space) -> None:
    one, other = await slots(space, 24, 25)
    for who in (REGULATOR, "gp", "patient", "outsider", SOFTWARE):
        found = await space.get("Slot?status=free&_count=50", as_=who)
        assert {one, other} <= {each["id"] for each in found.entries}, who
    made = await book(space, one)
    assert made.status == 201, made.body
    assert (await status(space, one), await status(space, other)) == ("busy", "free")
    again = await book(space, one)
    assert (again.status, again.json["issue"][0]["code"]) == (409, "conflict")
    moved = {**made.json, "slot": [{"reference": f"Slot/{other}"}]}
    answer = await space.put(f"Appointment/{made.json['id']}", moved, as_="gp")
    assert answer.status == 200, answer.body
    assert (await status(space, one), await status(space, other)) == ("free", "busy")
    ended = {**answer.json, "status": "cancelled"}
    assert (await space.put(f"Appointment/{made.json['id']}", ended, as_="gp")).status == 200
    assert await status(space, other) == "free"


async def test_of_sixty_four_who_want_one_slot_one_has_it(space: Space) -> None:
    (one,) = await slots(space, 24)
    await asyncio.gather(*(space.token(each) for each in (REGULATOR, "gp", "patient")))
    wanted = [book(space, one, as_=(REGULATOR, "gp", "patient")[n % 3]) for n in range(64)]
    answers = await asyncio.gather(*wanted)
    assert sorted({each.status for each in answers}) == [201, 409], {each.body for each in answers}
    assert sum(each.status == 201 for each in answers) == 1
    found = await space.get(f"Appointment?patient={space.patient_id()}", as_="patient")
    assert len(found.entries) == 1
    assert len(await space.rows("SELECT slot FROM care.taken")) == 1


async def test_conditional_put_books_once_moves_and_cancels(space: Space) -> None:
    one, other = await slots(space, 24, 25)
    system = "urn:oid:1.2.250.1.213.3.6"
    where = f"Appointment?identifier={system}|rdv-1"
    named: Json = {"identifier": [{"system": system, "value": "rdv-1"}]}
    first = await space.put(where, appointment(space, one, **named), as_="gp")
    again = await space.put(where, appointment(space, one, **named), as_="gp")
    assert (first.status, again.status) == (201, 200)
    assert again.json["meta"]["versionId"] == first.json["meta"]["versionId"]
    moved = await space.put(where, appointment(space, other, **named), as_="gp")
    assert moved.status == 200, moved.body
    assert (await status(space, one), await status(space, other)) == ("free", "busy")
    ended = await space.put(
        where, {**appointment(space, other, **named), "status": "cancelled"}, as_="gp"
    )
    assert ended.status == 200
    assert await status(space, other) == "free"
    found = await space.get(f"Appointment?patient={space.patient_id()}", as_="patient")
    assert [each["status"] for each in found.entries] == ["cancelled"]


@pytest.mark.parametrize(
    ("types", "who", "wanted"),
    [
        (("PUBLIC",), "patient", 201),
        (("PRO",), "patient", 422),
        (("PUBLIC", "PRO"), "patient", 201),
        (("PRO",), "gp", 201),
        (("SNP",), "gp", 422),
        (("SNP",), REGULATOR, 201),
        (("SNP",), SOFTWARE, 201),
        (("CPTS",), "patient", 422),
        (("CPTS",), REGULATOR, 201),
    ],
)
async def test_who_may_take_a_slot_hangs_on_its_types(
    space: Space, types: tuple[str, ...], who: str, wanted: int
) -> None:
    (one,) = await slots(space, 24, types=types)
    made = await book(space, one, as_=who)
    assert made.status == wanted, made.body
    assert await status(space, one) == ("busy" if wanted == 201 else "free")


async def test_the_agenda_s_own_software_reads_and_honours_what_others_booked(space: Space) -> None:
    (one,) = await slots(space, 24)
    made = await book(space, one, as_="patient")
    assert made.status == 201, made.body
    seen = await space.get(f"Appointment/{made.json['id']}", as_=SOFTWARE)
    assert seen.status == 200
    done = {**seen.json, "status": "fulfilled"}
    answer = await space.put(f"Appointment/{made.json['id']}", done, as_=SOFTWARE)
    assert answer.status == 200, answer.body
    assert (await space.get(f"Appointment/{made.json['id']}", as_="lab-software")).status == 404
    assert (await space.get(f"Appointment/{made.json['id']}", as_="outsider")).status == 404


async def test_a_person_cancels_or_moves_their_own_and_changes_nothing_else(space: Space) -> None:
    one, other = await slots(space, 24, 25)
    made = (await book(space, one)).json
    where = f"Appointment/{made['id']}"
    for change in ({"description": "autre"}, {"status": "fulfilled"}, {"priority": 1}):
        assert (await space.put(where, {**made, **change}, as_="patient")).status == 403, change
    moved = await space.put(
        where, {**made, "slot": [{"reference": f"Slot/{other}"}]}, as_="patient"
    )
    assert moved.status == 200, moved.body
    assert (
        await space.put(where, {**moved.json, "status": "cancelled"}, as_="outsider")
    ).status == 404
    ended = await space.put(where, {**moved.json, "status": "cancelled"}, as_="patient")
    assert ended.status == 200, ended.body
    assert (await status(space, one), await status(space, other)) == ("free", "free")
    over = await space.put(where, {**ended.json, "status": "booked"}, as_="patient")
    assert over.status == 403


async def test_what_is_refused_takes_nothing(space: Space) -> None:
    one, other = await slots(space, 24, 25)
    assert (await book(space, other)).status == 201
    assert (await book(space, one, other)).status == 409  # both, or none
    assert await status(space, one) == "free"
    late = appointment(space, one, start="2031-01-01T10:00:00Z", end="2031-01-01T10:20:00Z")
    assert (await space.post("Appointment", late, as_=REGULATOR)).status == 422
    space.clock.advance(timedelta(hours=25))
    assert (await book(space, one)).status == 422
    assert await space.rows("SELECT count(*) FROM care.taken") == [(1,)]


async def test_a_patch_or_a_deletion_frees_too(space: Space) -> None:
    one, other = await slots(space, 24, 25)
    made = (await book(space, one)).json
    steps = [{"op": "replace", "path": "/slot/0/reference", "value": f"Slot/{other}"}]
    patched = await space.call(
        "PATCH",
        f"Appointment/{made['id']}",
        as_="gp",
        body=json.dumps(steps).encode(),
        headers={"content-type": "application/json-patch+json"},
    )
    assert patched.status == 200, patched.body
    assert (await status(space, one), await status(space, other)) == ("free", "busy")
    gone = await space.call("DELETE", f"Appointment/{made['id']}", as_="gp")
    assert gone.status in (200, 204), gone.body
    assert await status(space, other) == "free"


async def test_an_agenda_is_written_by_its_organisation_alone(space: Space) -> None:
    schedule, doctor = await agenda(space), await role(space)
    sent = {k: v for k, v in slot_of(space, schedule).items() if v}
    assert (await space.post("Slot", sent, as_="lab-software")).status == 422
    mine = {"resourceType": "Schedule", "actor": [{"reference": f"PractitionerRole/{doctor}"}]}
    assert (await space.post("Schedule", mine, as_="lab-software")).status == 422
    assert (await space.post("Schedule", mine, as_="patient")).status == 403
    made = (await space.post("Slot", sent, as_=SOFTWARE)).json
    busy = {**made, "status": "busy"}
    assert (await space.put(f"Slot/{made['id']}", busy, as_="lab-software")).status in (403, 422)
    assert (await space.put(f"Slot/{made['id']}", busy, as_=SOFTWARE)).status == 200


async def test_a_taken_slot_is_neither_freed_nor_withdrawn_over_its_appointment(
    space: Space,
) -> None:
    (one,) = await slots(space, 24)
    assert (await book(space, one)).status == 201
    held = (await space.get(f"Slot/{one}", as_=SOFTWARE)).json
    free = await space.put(f"Slot/{one}", {**held, "status": "free"}, as_=SOFTWARE)
    assert (free.status, await status(space, one)) == (409, "busy")
    gone = await space.call("DELETE", f"Slot/{one}", as_=SOFTWARE)
    assert (gone.status, await status(space, one)) == (409, "busy")


async def test_without_the_lock_and_the_row_two_would_have_it(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: a slot is believed free, and nobody writes who has it."""
    from carnet.care.agenda import book as booking
    from carnet.care.agenda import queries

    async def always(*_: Any) -> bool:
        return True

    real = booking._locked

    async def believed(*given: Any) -> Any:
        found = await real(*given)
        for each in found:
            each.content["status"] = "free"
        return found

    monkeypatch.setattr(queries, "take", always)
    monkeypatch.setattr(booking, "_locked", believed)
    (one,) = await slots(space, 24)
    answers = [await book(space, one) for _ in range(2)]
    assert [each.status for each in answers] == [201, 201]


async def test_an_appointment_stays_with_the_organisation_that_offered_its_slot(
    space: Space,
) -> None:
    """Moved elsewhere, those who offered the new slot would not see whose it is."""
    (one,) = await slots(space, 24)
    made = await space.post(
        "Schedule",
        {"resourceType": "Schedule", "actor": [{"display": "Prélèvements"}]},
        as_="lab-software",
    )
    assert made.status == 201, made.body
    sent = {k: v for k, v in slot_of(space, made.json["id"], 25).items() if v}
    other = (await space.post("Slot", sent, as_="lab-software")).json["id"]
    assert (await book(space, one, other)).status == 422
    booked = (await book(space, one)).json
    moved = {**booked, "slot": [{"reference": f"Slot/{other}"}]}
    for who in ("gp", "patient"):
        answer = await space.put(f"Appointment/{booked['id']}", moved, as_=who)
        assert answer.status == 422, answer.body
    assert (await status(space, one), await status(space, other)) == ("busy", "free")
