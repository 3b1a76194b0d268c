# SPDX-License-Identifier: EUPL-1.2
"""What the pages of appointments call, bound to this process: each through the door, as any software does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from carnet import errors
from carnet.access.actor import Actor
from carnet.access.door import DIRECTORY, Stored, Visit
from carnet.app import parts
from carnet.app.parts import Built
from carnet.care.agenda import calendar_file
from carnet.care.agenda.pages import Free, Meeting
from carnet.care.agenda.rules import ENDED, instant, may_take, span
from carnet.fhir.search.identifiers import IdFilter
from carnet.fhir.search.query import Query, Sort
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.tokens import TokenFilter
from carnet.identity import titles
from carnet.rest.acts import Entry, Plan
from carnet.rest.plans import carry_out
from carnet.summary.gather import opened

MOST: Final = 200  # appointments shown
AHEAD: Final = timedelta(days=60)
HOW: Final = ("VR", "HH", "AMB")


class AgendaPages:
    """A person's appointments."""

    def __init__(self, built: Built) -> None:
        self._built = built

    async def appointments(self, actor: Actor, patient: str) -> Sequence[Meeting]:
        visit = parts.visit(self._built, actor)
        cid = await opened(visit, patient)
        newest = Sort("date", descending=True, plain=True)
        query = Query("Appointment", compartments=(cid,), count=MOST, sort=newest)
        found = (await visit.search(query)).matches
        return await self._shown(visit, found)

    async def cancel(self, actor: Actor, patient: str, id: str) -> None:
        await self._change(actor, patient, id, {"status": "cancelled"})

    async def move(self, actor: Actor, patient: str, id: str, slot: str) -> None:
        visit = parts.visit(self._built, actor)
        found = await visit.search(Query("Slot", (IdFilter((slot,)),), (DIRECTORY,), count=1))
        if not found.matches:
            raise errors.NotFound
        taken = found.matches[0].resource
        change = {
            "slot": [{"reference": f"Slot/{slot}"}],
            "start": taken.get("start"),
            "end": taken.get("end"),
        }
        await self._change(actor, patient, id, change)

    async def free(self, actor: Actor, patient: str, id: str) -> Sequence[Free]:
        visit = parts.visit(self._built, actor)
        stored = await self._one(visit, patient, id)
        slots = await self._of(visit, "Slot", _references(stored.resource.get("slot"), "Slot"))
        schedules = {
            str(each.resource.get("schedule", {}).get("reference", "")) for each in slots
        } - {""}
        if not schedules:
            return []
        params = visit.door.definitions.params["Slot"]
        now = visit.door.clock()
        filters = (
            ReferenceFilter(params["schedule"].number, tuple(sorted(schedules))),
            TokenFilter(params["status"].number, ((None, "free"),)),
        )
        order = Sort("start", descending=True, plain=True)
        query = Query("Slot", filters, (DIRECTORY,), count=MOST, sort=order)
        made = []
        for each in (await visit.search(query)).matches:
            at = span(each.resource)
            if at and now < at[0] < now + AHEAD and may_take(actor, each.resource, regulator=False):
                made.append(Free(each.id, *at))
        return sorted(made, key=lambda one: one.start)

    async def file(self, actor: Actor, patient: str, id: str, title: str) -> tuple[str, bytes]:
        visit = parts.visit(self._built, actor)
        (meeting,) = await self._shown(visit, [await self._one(visit, patient, id)])
        host = urlsplit(self._built.settings.base_url).hostname or "carnet"
        made = calendar_file.written(meeting, title, host, visit.door.clock())
        return calendar_file.NAME, made

    async def _change(self, actor: Actor, patient: str, id: str, change: Mapping[str, Any]) -> None:
        visit = parts.visit(self._built, actor)
        stored = await self._one(visit, patient, id)
        entry = Entry(
            "PUT", "Appointment", id, resource={**stored.resource, **change}, if_match=stored.ver
        )
        await carry_out(visit, self._built.desk.acts, Plan([entry]))

    async def _one(self, visit: Visit, patient: str, id: str) -> Stored:
        cid = await opened(visit, patient)
        query = Query("Appointment", (IdFilter((id,)),), compartments=(cid,), count=1)
        found = (await visit.search(query)).matches
        if not found:
            raise errors.NotFound
        return found[0]

    async def _shown(self, visit: Visit, found: Sequence[Stored]) -> Sequence[Meeting]:
        """With the names of those they are with: of the directory, which everybody reads."""
        told = [each.resource for each in found]
        actors = [a.get("actor") for each in told for a in each.get("participant", ())]
        roles = await self._of(visit, "PractitionerRole", _references(actors, "PractitionerRole"))
        of_roles = {each.id: each.resource for each in roles}
        people = _references(
            [*actors, *(each.get("practitioner") for each in of_roles.values())], "Practitioner"
        )
        places = _references(
            [each.get("organization") for each in of_roles.values()], "Organization"
        )
        names = {
            each.id: _name(each.resource) for each in await self._of(visit, "Practitioner", people)
        }
        houses = {
            each.id: str(each.resource.get("name", ""))
            for each in await self._of(visit, "Organization", places)
        }
        now = visit.door.clock()
        return [_meeting(each, of_roles, names, houses, now) for each in found]

    async def _of(self, visit: Visit, rtype: str, ids: Iterable[str]) -> Sequence[Stored]:
        wanted = tuple(sorted(set(ids)))[:MOST]
        if not wanted:
            return []
        query = Query(rtype, (IdFilter(wanted),), (DIRECTORY,), count=len(wanted))
        return (await visit.search(query)).matches


def _references(given: Any, rtype: str) -> list[str]:
    """Ids that references of this type name."""
    found = []
    for each in given or ():
        said, _, id = str((each or {}).get("reference", "")).rpartition("/")
        if said.rpartition("/")[2] == rtype and id:
            found.append(id)
    return found


def _name(practitioner: Mapping[str, Any]) -> str:
    name: Mapping[str, Any] = next(iter(practitioner.get("name", ())), {})
    words = [
        *(titles.title(str(each)) for each in name.get("prefix", ())),
        *name.get("given", ()),
        name.get("family", ""),
    ]
    return " ".join(str(each) for each in words if each)


def _meeting(
    stored: Stored,
    roles: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, str],
    houses: Mapping[str, str],
    now: datetime,
) -> Meeting:
    own = stored.resource
    actors = [each.get("actor") for each in own.get("participant", ())]
    mine = [roles[id] for id in _references(actors, "PractitionerRole") if id in roles]
    people = _references([*actors, *(each.get("practitioner") for each in mine)], "Practitioner")
    places = _references([each.get("organization") for each in mine], "Organization")
    codes = {
        str(one.get("code"))
        for each in own.get("serviceType", ())
        for one in each.get("coding", ())
    }
    start = instant(own.get("start"))
    status = str(own.get("status", ""))
    return Meeting(
        id=stored.id,
        start=start,
        end=instant(own.get("end")),
        who=", ".join(dict.fromkeys(names[id] for id in people if id in names)),
        where=", ".join(dict.fromkeys(houses[id] for id in places if id in houses)),
        how=next((each for each in HOW if each in codes), ""),
        status=status,
        open=status not in ENDED and (start is None or start > now),
    )
