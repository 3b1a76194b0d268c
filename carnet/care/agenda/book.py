# SPDX-License-Identifier: EUPL-1.2
"""Booking: an appointment takes its slots, moves, or gives them back, in the transaction that writes it.

Each slot is locked first, in one order for everybody: of those who want the same, one has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from carnet import errors
from carnet.access.actor import ActorKind
from carnet.access.door import Unit, Written
from carnet.care.agenda import queries
from carnet.care.agenda.rules import (
    ENDED,
    NotForYou,
    SlotTaken,
    TooLate,
    WrongAppointment,
    fits,
    instant,
    may_take,
    table,
    wanted,
)
from carnet.rest.acts import Acts, Entry, Plan


class OtherAgenda(errors.BusinessRule):
    """An appointment stays with the organisation that offered its slot: elsewhere, another one is made."""


class NotTheirs(errors.Forbidden):
    """A person cancels or moves their own appointment, and changes nothing else of it."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A slot this transaction holds."""

    rid: int
    id: str
    org: int | None  # whose agenda it is in
    content: dict[str, Any]


async def create(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A new appointment, with the slots it takes."""
    assert entry.address is not None
    by = _number(unit, entry.address.cid, entry.address.rid)
    slots = await _locked(unit, wanted(entry.resource))
    await _take(unit, entry.resource, slots, by)
    org = next((each.org for each in slots), None)
    if any(each.org != org for each in slots):
        raise OtherAgenda
    return unit.put(entry.address, entry.resource, org=org)


async def update(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """An appointment moved, cancelled, honoured or not: what it no longer takes is free again."""
    assert entry.id is not None
    held = await unit.held("Appointment", entry.id)
    before = await unit.current(held, "Appointment")
    by = _number(unit, held.cid, held.rid)
    theirs = unit.visit.actor.kind in (ActorKind.PATIENT, ActorKind.HELPER)
    if theirs:
        unit.may("update", "Appointment")
        await unit.may_feed(held.cid)
        entry.resource = _by_its_person(before, entry.resource)
    kept, now = wanted(before), wanted(entry.resource)
    slots = {each.id: each for each in await _locked(unit, {*kept, *now})}
    if any(slots[id].org != held.dep_org for id in now if id not in kept):
        raise OtherAgenda
    written = await unit.update(
        "Appointment", entry.id, entry.resource, if_match=entry.if_match, platform=theirs
    )
    for id in kept:
        if id not in now:
            await _give_back(unit, slots[id], by)
    new = [slots[id] for id in now if id not in kept]
    if new:
        await _take(unit, entry.resource, [slots[id] for id in now], by, only=new)
    return written


async def patch(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """The same, by what a patch makes of it."""
    assert entry.id is not None
    assert entry.patch is not None
    held = await unit.held("Appointment", entry.id)
    if held.gone:
        raise errors.Deleted
    unit.looked = True
    entry.resource = await entry.patch(await unit.current(held, "Appointment"))
    return await update(unit, plan, entry)


async def delete(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """An appointment taken back gives its slots back."""
    assert entry.id is not None
    held = await unit.held("Appointment", entry.id)
    kept = () if held.gone else wanted(await unit.current(held, "Appointment"))
    slots = await _locked(unit, kept)
    written = await unit.delete("Appointment", entry.id, if_match=entry.if_match)
    for each in slots:
        await _give_back(unit, each, _number(unit, held.cid, held.rid))
    return written


def _by_its_person(before: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """What a person may change of their appointment: that it is cancelled, or when it takes place."""
    if before.get("status") in ENDED:
        raise NotTheirs("This appointment is over.")
    moved = {"slot", "start", "end", "minutesDuration"}
    cancelled = {"status", "cancelationReason"}
    free = moved if sent.get("status") == before.get("status") else cancelled
    if free is cancelled and sent.get("status") != "cancelled":
        raise NotTheirs
    same = {"meta", "id", "text"} | free
    if {k: v for k, v in sent.items() if k not in same} != {
        k: v for k, v in before.items() if k not in same
    }:
        raise NotTheirs
    return dict(sent)


def _number(unit: Unit, cid: int, rid: int) -> int:
    """Of an appointment: keyed, so that the table of what is taken names nobody."""
    return unit.visit.door.hasher.number(f"appointment:{cid}:{rid}")


async def _locked(unit: Unit, ids: tuple[str, ...] | set[str]) -> list[Locked]:
    """The slots, each locked, in the order of their numbers."""
    decode = unit.visit.door.ids.decode
    found = []
    for id in sorted(set(ids), key=lambda each: (decode(each) or (0, 0), each)):
        held = await unit.held("Slot", id)
        if held.gone:
            raise SlotTaken
        content = await unit.current(held, "Slot")
        found.append(Locked(held.rid, held.id, held.dep_org, content))
    return found


async def _take(
    unit: Unit,
    appointment: Mapping[str, Any],
    slots: list[Locked],
    by: int,
    *,
    only: list[Locked] | None = None,
) -> None:
    """Take them all, or refuse: of two who want one, the second is told that it is taken."""
    if not fits(appointment, [each.content for each in slots]):
        raise WrongAppointment
    regulator = await _regulates(unit)
    for each in slots if only is None else only:
        ours = each.org is not None and each.org == unit.visit.actor.org
        if not ours and not may_take(unit.visit.actor, each.content, regulator=regulator):
            raise NotForYou
        start = instant(each.content.get("start"))
        if start is None or (
            start <= unit.at and appointment.get("status") in ("booked", "pending")
        ):
            raise TooLate
        if each.content.get("status") != "free":
            raise SlotTaken
        if not await queries.take(unit.conn, each.rid, by, unit.at):
            raise SlotTaken
        await _become(unit, each, "busy")


async def _give_back(unit: Unit, slot: Locked, by: int) -> None:
    """Free it, when it was this appointment's."""
    if await queries.free(unit.conn, slot.rid, by) and slot.content.get("status") == "busy":
        await _become(unit, slot, "free")


async def _become(unit: Unit, slot: Locked, status: str) -> None:
    await unit.update("Slot", slot.id, {**slot.content, "status": status}, platform=True)


async def _regulates(unit: Unit) -> bool:
    """Whether the caller acts for an emergency call centre."""
    actor = unit.visit.actor
    if actor.org is None or actor.kind not in (ActorKind.PROFESSIONAL, ActorKind.SOFTWARE):
        return False
    return await queries.setting(unit.conn, actor.org) in table()["settings"]


def register(acts: Acts) -> None:
    """In the table of acts."""
    acts.register("Appointment", "create", create)
    acts.register("Appointment", "update", update)
    acts.register("Appointment", "patch", patch)
    acts.register("Appointment", "delete", delete)
