# SPDX-License-Identifier: EUPL-1.2
"""What the pages of appointments do: through the door, as the person, and no word of health in a calendar."""

from datetime import timedelta

import pytest
from icalendar import Calendar

from carnet import errors
from carnet.app.agenda import AgendaPages
from tests.care.agenda.test_booking import appointment, role, slots, status
from tests.space import Space

pytestmark = [pytest.mark.anyio, pytest.mark.db]


async def booked(space: Space, slot: str) -> str:
    said = appointment(space, slot, description="secret motif", comment="autre motif")
    held = (await space.get(f"Slot/{slot}", as_="gp")).json
    said |= {"start": held["start"], "end": held["end"]}
    said["participant"].append(
        {
            "actor": {"reference": f"PractitionerRole/{await role(space)}"},
            "status": "accepted",
        }
    )
    made = await space.post("Appointment", said, as_="gp")
    assert made.status == 201, made.body
    return str(made.json["id"])


async def test_a_person_sees_moves_and_cancels_an_appointment(space: Space) -> None:
    one, other, taken = await slots(space, 24, 25, 26)
    id = await booked(space, one)
    await booked(space, taken)
    pages, me = AgendaPages(space.built), await space.actor("patient")
    seen = {each.id: each for each in await pages.appointments(me, "")}
    assert seen[id].open and "EL AMRANI" in seen[id].who.upper() and seen[id].where
    assert [each.id for each in await pages.free(me, "", id)] == [other]
    with pytest.raises(errors.Conflict):
        await pages.move(me, "", id, taken)
    assert await status(space, one) == "busy"
    await pages.move(me, "", id, other)
    assert (await status(space, one), await status(space, other)) == ("free", "busy")
    await pages.cancel(me, "", id)
    assert await status(space, other) == "free"
    assert not next(each for each in await pages.appointments(me, "") if each.id == id).open


async def test_whose_appointment_it_is_not_finds_nothing(space: Space) -> None:
    (one,) = await slots(space, 24)
    id = await booked(space, one)
    pages = AgendaPages(space.built)
    other = await space.actor("carer")
    with pytest.raises(errors.NotFound):
        await pages.cancel(other, "", id)
    with pytest.raises(errors.NotFound):
        await pages.cancel(await space.actor("outsider"), space.patient_id(), id)
    assert await status(space, one) == "busy"


async def test_a_calendar_file_says_when_and_where_and_never_why(space: Space) -> None:
    (one,) = await slots(space, 24)
    id = await booked(space, one)
    pages, me = AgendaPages(space.built), await space.actor("patient")
    name, made = await pages.file(me, "", id, "Rendez-vous")
    (event,) = Calendar.from_ical(made).walk("VEVENT")
    assert name.endswith(".ics")
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(minutes=20)
    assert str(event["summary"]) == "Rendez-vous"
    assert b"motif" not in made
    assert b"GARNIER" not in made.upper()
