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

KINDS: Final = ("Location", "Device")
MOST: Final = 1000  # agendas that are looked at; slots of one agenda in two days
LOOKS: Final = (ActorKind.PROFESSIONAL, ActorKind.ASSISTANT)


async def day(built: Built, actor: Actor, when: date) -> Sequence[Occupancy]:
    """Each room and device whose agenda the caller's organisation wrote, by name; NotFound for others."""
    if actor.kind not in LOOKS or actor.org is None:
        raise errors.NotFound
    begin = datetime.combine(when, time(0), HERE).astimezone(UTC)
    end = datetime.combine(when + timedelta(days=1), time(0), HERE).astimezone(UTC)

    async def work(unit: Unit) -> list[Occupancy]:
        found: dict[str, list[Any]] = {}
        names: dict[str, str] = {}
        for schedule in await unit.find(Query("Schedule", (), (DIRECTORY,), count=MOST)):
            used = _used(schedule)
            if used and (await unit.held("Schedule", schedule.id, lock=False)).dep_org == actor.org:
                slots = [
                    each.resource for each in await unit.find(_slots(unit, schedule, begin, end))
                ]
                for reference, name in used.items():
                    found.setdefault(reference, []).extend(slots)
                    names[reference] = names.get(reference) or name
        made = []
        for reference, slots in found.items():
            name = names[reference] or await _name(unit, reference)
            made.append(occupancy.of(name, slots, begin, end))
        return sorted(made, key=lambda each: each.name)

    return await commit(parts.visit(built, actor), work, "read")


def _used(schedule: Stored) -> dict[str, str]:
    """The rooms and devices of an agenda, and what it calls them."""
    found = {}
    for each in schedule.resource.get("actor", ()):
        reference = str(each.get("reference", ""))
        if reference.partition("/")[0] in KINDS:
            found[reference] = str(each.get("display", ""))
    return found


def _slots(unit: Unit, schedule: Stored, begin: datetime, end: datetime) -> Query:
    """Those that begin in the day, or in the one before and may last until it."""
    params = unit.visit.door.definitions.params["Slot"]
    of = ReferenceFilter(params["schedule"].number, (f"Schedule/{schedule.id}",))
    start = params["start"].number
    since = dates.read(f"ge{begin - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")
    until = dates.read(f"lt{end:%Y-%m-%dT%H:%M:%SZ}")
    filters = (of, DateFilter("start", start, (since,)), DateFilter("start", start, (until,)))
    return Query("Slot", filters, (DIRECTORY,), count=MOST)


async def _name(unit: Unit, reference: str) -> str:
    """What it is called where it is described; its number when nobody says."""
    rtype, _, id = reference.partition("/")
    held = await unit.held(rtype, id, lock=False)
    resource = await unit.current(held, rtype)
    device = next((str(each.get("name", "")) for each in resource.get("deviceName", ())), "")
    return str(resource.get("name", "")) or device or id
