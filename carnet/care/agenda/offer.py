# SPDX-License-Identifier: EUPL-1.2
"""Offering: an organisation writes its own schedules and slots, where everybody reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carnet import errors
from carnet.access.actor import ActorKind
from carnet.access.door import DIRECTORY, Unit, Written
from carnet.care.agenda import queries
from carnet.care.agenda.rules import SlotTaken, WrongSlot, span
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.rest.acts import Acts, Entry, Plan

ROLES = 50  # of one professional


class NotYourAgenda(errors.BusinessRule):
    """An agenda is of somebody who practises in your organisation, or of a place or service of it."""


async def schedule(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A new agenda."""
    await _theirs(unit, entry.resource)
    return _created(unit, entry)


async def schedule_again(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """An agenda, changed by who wrote it."""
    await _theirs(unit, entry.resource)
    return await _updated(unit, entry)


async def slot(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A new slot of an agenda of the same organisation."""
    assert entry.address is not None
    if entry.address.cid == DIRECTORY:  # else its agenda is not here, and it is nobody's to take
        await _its_schedule(unit, plan, entry.resource)
    return _created(unit, entry)


async def slot_again(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A slot, changed by who offers it; one that is taken stays so until its appointment is cancelled."""
    assert entry.id is not None
    held = await unit.held("Slot", entry.id)
    if held.cid == DIRECTORY:
        await _its_schedule(unit, plan, entry.resource)
    free = entry.resource.get("status") == "free"
    if free and await queries.taken(unit.conn, held.rid) is not None:
        raise SlotTaken("This slot is taken: it is free again when its appointment is cancelled.")
    return await _updated(unit, entry)


async def slot_patched(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """The same, by what a patch makes of it."""
    assert entry.id is not None
    assert entry.patch is not None
    held = await unit.held("Slot", entry.id)
    if held.gone:
        raise errors.Deleted
    entry.resource = await entry.patch(await unit.current(held, "Slot"))
    return await slot_again(unit, plan, entry)


async def slot_withdrawn(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A slot that is taken is not withdrawn: its appointment is cancelled first."""
    assert entry.id is not None
    held = await unit.held("Slot", entry.id)
    if await queries.taken(unit.conn, held.rid) is not None:
        raise SlotTaken("This slot is taken: cancel its appointment first.")
    return await unit.delete("Slot", entry.id, if_match=entry.if_match)


def _created(unit: Unit, entry: Entry) -> Written:
    assert entry.address is not None
    return unit.put(entry.address, entry.resource)


async def _updated(unit: Unit, entry: Entry) -> Written:
    assert entry.id is not None
    return await unit.update(entry.rtype, entry.id, entry.resource, if_match=entry.if_match)


async def _its_schedule(unit: Unit, plan: Plan, slot: Mapping[str, Any]) -> None:
    """The slot's own agenda, which the same organisation wrote."""
    if span(slot) is None:
        raise WrongSlot
    reference = str(slot.get("schedule", {}).get("reference", ""))
    new = plan.pointed(reference)
    if new is not None and new.rtype == "Schedule" and not new.existing:
        return  # of this very transaction
    rtype, _, id = reference.rpartition("/")
    if rtype != "Schedule":
        raise WrongSlot
    held = await unit.held("Schedule", id, lock=False)
    if held.dep_org is None or held.dep_org != unit.visit.actor.org:
        raise NotYourAgenda


async def _theirs(unit: Unit, schedule: Mapping[str, Any]) -> None:
    """Every actor of the directory practises in this organisation, or is a place or service of it."""
    actor = unit.visit.actor
    if actor.kind is ActorKind.PATIENT or actor.org is None:
        raise NotYourAgenda
    for each in schedule.get("actor", ()):
        reference = str(each.get("reference", ""))
        rtype, _, id = reference.rpartition("/")
        rtype = rtype.rpartition("/")[2]
        place = unit.visit.door.ids.decode(id)
        if place is None or place[0] != DIRECTORY:
            continue  # what the organisation wrote itself, in its own bucket
        if not await _practises(unit, rtype, id):
            raise NotYourAgenda


async def _practises(unit: Unit, rtype: str, id: str) -> bool:
    """Whether something of the directory is of the caller's organisation."""
    org = unit.visit.actor.org
    assert org is not None
    ours = unit.visit.door.ids.encode(DIRECTORY, org)
    if rtype == "Practitioner":
        params = unit.visit.door.definitions.params["PractitionerRole"]
        of = ReferenceFilter(params["practitioner"].number, (f"Practitioner/{id}",))
        found = await unit.find(Query("PractitionerRole", (of,), (DIRECTORY,), count=ROLES))
        return any(_of(each.resource, "organization", ours) for each in found)
    held = await unit.held(rtype, id, lock=False)
    element = {
        "PractitionerRole": "organization",
        "HealthcareService": "providedBy",
        "Location": "managingOrganization",
    }.get(rtype, "")
    return _of(await unit.current(held, rtype), element, ours)


def _of(resource: Mapping[str, Any], element: str, ours: str) -> bool:
    return str(resource.get(element, {}).get("reference", "")) == f"Organization/{ours}"


def register(table: Acts) -> None:
    """In the table of acts."""
    table.register("Schedule", "create", schedule)
    table.register("Schedule", "update", schedule_again)
    table.register("Slot", "create", slot)
    table.register("Slot", "update", slot_again)
    table.register("Slot", "patch", slot_patched)
    table.register("Slot", "delete", slot_withdrawn)
