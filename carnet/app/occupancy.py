# SPDX-License-Identifier: EUPL-1.2
"""Rooms and devices of one's own organisation, and how much of a day each is taken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import DIRECTORY, Stored, Unit, commit
from carnet.app import parts
from carnet.app.parts import Built
from carnet.ecosystem import occupancy
from carnet.ecosystem.indicators import HERE
from carnet.ecosystem.occupancy import Occupancy
from carnet.fhir.search import dates
from carnet.fhir.search.dates import DateFilter
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import ReferenceFilter

MOST: Final = (
    1000  # rooms, services or agendas of one organisation; slots of one agenda in two days
)
LOOKS: Final = (ActorKind.PROFESSIONAL, ActorKind.ASSISTANT)


async def day(built: Built, actor: Actor, when: date) -> Sequence[Occupancy]:
    """Each room of the caller's organisation, and each device an agenda of a room or a service names.

    Of agendas it wrote itself; NotFound for who practises nowhere. A device is called what the agenda says:
    who practises there does not read the Device its software wrote.
    """
    if actor.kind not in LOOKS or actor.org is None:
        raise errors.NotFound
    org = actor.org
    begin = datetime.combine(when, time(0), HERE).astimezone(UTC)
    end = datetime.combine(when + timedelta(days=1), time(0), HERE).astimezone(UTC)

    async def work(unit: Unit) -> list[Occupancy]:
        slots: dict[str, list[Any]] = {}
        rooms, services = await _places(unit, org)
        names = dict(rooms)
        for schedule in await _agendas(unit, (*rooms, *services)):
            if (await unit.held("Schedule", schedule.id, lock=False)).dep_org != org:
                continue  # written by others, about what is ours
            found = [each.resource for each in await unit.find(_slots(unit, schedule, begin, end))]
            for each in schedule.resource.get("actor", ()):
                reference = str(each.get("reference", ""))
                if reference in rooms or reference.startswith("Device/"):
                    names.setdefault(reference, str(each.get("display", "")) or reference)
                    slots.setdefault(reference, []).extend(found)
        made = [occupancy.of(names[each], slots[each], begin, end) for each in slots]
        return sorted(made, key=lambda each: each.name)

    return await commit(parts.visit(built, actor), work, "read")


async def _places(unit: Unit, org: int) -> tuple[dict[str, str], dict[str, str]]:
    """The rooms and the services of an organisation, and what each is called."""
    door = unit.visit.door
    ours = f"Organization/{door.ids.encode(DIRECTORY, org)}"
    found = []
    for rtype in ("Location", "HealthcareService"):
        of = ReferenceFilter(door.definitions.params[rtype]["organization"].number, (ours,))
        some = await unit.find(Query(rtype, (of,), (DIRECTORY,), count=MOST))
        found.append(
            {f"{rtype}/{each.id}": str(each.resource.get("name", each.id)) for each in some}
        )
    return found[0], found[1]


async def _agendas(unit: Unit, used: tuple[str, ...]) -> Sequence[Stored]:
    """The agendas of some rooms and services, and of the devices there."""
    if not used:
        return ()
    number = unit.visit.door.definitions.params["Schedule"]["actor"].number
    return await unit.find(
        Query("Schedule", (ReferenceFilter(number, used),), (DIRECTORY,), count=MOST)
    )


def _slots(unit: Unit, schedule: Stored, begin: datetime, end: datetime) -> Query:
    """Those that begin in the day, or in the one before and may last until it."""
    params = unit.visit.door.definitions.params["Slot"]
    of = ReferenceFilter(params["schedule"].number, (f"Schedule/{schedule.id}",))
    start = params["start"].number
    since = dates.read(f"ge{begin - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")
    until = dates.read(f"lt{end:%Y-%m-%dT%H:%M:%SZ}")
    filters = (of, DateFilter("start", start, (since,)), DateFilter("start", start, (until,)))
    return Query("Slot", filters, (DIRECTORY,), count=MOST)
