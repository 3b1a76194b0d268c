# SPDX-License-Identifier: EUPL-1.2
"""How much of a day a room is taken: minutes once, days of 23 hours too, and nobody else's rooms."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from carnet import errors
from carnet.app.demonstration import LOADER
from carnet.app.occupancy import day
from carnet.app.parts import visit
from carnet.directory.load import load
from carnet.ecosystem.occupancy import of
from tests.space import Space

BEGIN = datetime(2026, 11, 24, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
SOFTWARE, DOCTOR = "hospital-software", "hospital-doctor"


def slot(status: str, start: str, end: str) -> dict[str, Any]:
    return {
        "status": status,
        "start": f"2026-11-{start}:00Z",
        "end": f"2026-11-{end}:00Z",
    }


DAYS: dict[str, tuple[list[dict[str, Any]], tuple[int, int, int, int | None]]] = {
    "half of it": (
        [slot("busy", "24T08:00", "24T09:00"), slot("free", "24T09:00", "24T10:00")],
        (60, 120, 0, 50),
    ),
    "two slots at once": (
        [slot("busy", "24T08:00", "24T09:00"), slot("busy-tentative", "24T08:30", "24T09:30")],
        (90, 90, 0, 100),
    ),
    "one inside another": (
        [slot("free", "24T08:00", "24T12:00"), slot("busy", "24T09:00", "24T10:00")],
        (60, 240, 0, 25),
    ),
    "over midnight": ([slot("busy", "23T23:00", "24T01:00")], (60, 60, 0, 100)),
    "another day": ([slot("busy", "25T00:00", "25T01:00")], (0, 0, 0, None)),
    "closed": ([slot("busy-unavailable", "24T08:00", "24T12:00")], (0, 0, 240, None)),
    "an error": ([slot("entered-in-error", "24T08:00", "24T12:00")], (0, 0, 0, None)),
    "no moment": ([{"status": "busy", "start": "2026-11-24"}], (0, 0, 0, None)),
}


@pytest.mark.parametrize("which", sorted(DAYS))
def test_a_day_is_counted_once(which: str) -> None:
    slots, wanted = DAYS[which]
    found = of("Salle", slots, BEGIN, END)
    assert (found.taken, found.offered, found.closed, found.share) == wanted


@pytest.mark.anyio
@pytest.mark.db
async def test_an_organisation_sees_its_own_rooms_by_what_is_booked(space: Space) -> None:
    ours = (await space.actor(SOFTWARE)).org
    room = {
        "resourceType": "Location",
        "id": "room",
        "name": "Salle d’échographie 2",
        "managingOrganization": {
            "reference": f"Organization/{space.built.door.ids.encode(0, ours or 0)}"
        },
    }
    (place,) = await load(visit(space.built, LOADER), [room])
    made = await space.post(
        "Schedule",
        {"resourceType": "Schedule", "actor": [{"reference": place.literal}]},
        as_=SOFTWARE,
    )
    assert made.status == 201, made.body
    device = await space.post(
        "Device",
        {
            "resourceType": "Device",
            "deviceName": [{"name": "Scanner", "type": "user-friendly-name"}],
        },
        as_=SOFTWARE,
    )
    assert device.status == 201, device.body
    agenda = await space.post(
        "Schedule",
        {
            "resourceType": "Schedule",
            "actor": [
                {"reference": f"Device/{device.json['id']}", "display": "Scanner"},
                {"reference": place.literal},
            ],
        },
        as_=SOFTWARE,
    )
    assert agenda.status == 201, agenda.body
    tomorrow = (space.clock.now + timedelta(days=1)).date()
    for hour, status in ((9, "busy"), (10, "free"), (11, "free")):
        start = datetime(tomorrow.year, tomorrow.month, tomorrow.day, hour, tzinfo=UTC)
        sent = {
            "resourceType": "Slot",
            "schedule": {"reference": f"Schedule/{made.json['id']}"},
            "status": status,
            "start": start.isoformat(),
            "end": (start + timedelta(hours=1)).isoformat(),
        }
        assert (await space.post("Slot", sent, as_=SOFTWARE)).status == 201
    doctor = await space.actor(DOCTOR)
    assert doctor.org != ours, "a doctor with two situations, here in the other one"
    here = replace(doctor, org=ours)
    found = await day(space.built, here, tomorrow)
    mine = [each for each in found if each.name == "Salle d’échographie 2"]
    assert [(each.taken, each.offered, each.share) for each in mine] == [(60, 180, 33)]
    assert "Scanner" in [each.name for each in found]
    for other in ("gp", "pharmacist", DOCTOR):
        elsewhere = await day(space.built, await space.actor(other), tomorrow)
        assert not [each for each in elsewhere if each.name == "Salle d’échographie 2"], other
    after = await day(space.built, here, tomorrow + timedelta(days=2))
    assert [each.offered for each in after if each.name == "Salle d’échographie 2"] == [0]


@pytest.mark.anyio
@pytest.mark.db
@pytest.mark.parametrize("persona", ["patient", "operator", SOFTWARE])
async def test_who_does_not_practise_somewhere_has_no_such_page(space: Space, persona: str) -> None:
    with pytest.raises(errors.NotFound):
        await day(space.built, await space.actor(persona), date(2026, 11, 24))
