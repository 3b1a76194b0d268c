# SPDX-License-Identifier: EUPL-1.2
"""Addresses of what a plan makes: patients first, then what is about them, then the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from carnet import errors
from carnet.access.door import Address, Unit
from carnet.rest import conditions
from carnet.rest.acts import Acts, Entry, Place, Plan
from carnet.rest.links import Named, key_of, owned_part

PLACED_FIRST = ("Patient", "Schedule")  # others are about them, or in them


class Ring(errors.Invalid):
    """Entries of the Bundle are about each other in a ring."""


@contextmanager
def placed(entry: Entry) -> Iterator[None]:
    """A refusal of an entry says which it is, unless it says more."""
    try:
        yield
    except errors.CarnetError as refusal:
        refusal.path = refusal.path or entry.where or None
        raise


async def place_all(unit: Unit, acts: Acts, plan: Plan, named: Named) -> None:
    """Addresses of everything new: patients first, then what is about them, then the rest."""
    waiting = [entry for entry in plan.entries if entry.method == "POST" and not entry.existing]
    if len(plan.entries) > 1:  # alone, an update finds out by itself that it is a create
        waiting += [entry for entry in plan.entries if _chooses(unit, acts, plan, entry)]
    for entry in plan.entries:
        place = unit.visit.door.ids.decode(entry.id) if entry.id is not None else None
        if place is not None and entry.full_url and entry.method in ("PUT", "PATCH"):
            there = Address(*place, entry.rtype, str(entry.id))
            plan.known.setdefault(entry.full_url, there)
    waiting.sort(key=lambda entry: entry.rtype not in PLACED_FIRST)
    about = unit.visit.door.owners.references
    if len(waiting) > 1:
        await unit.foresee(each for entry in waiting for each in about(entry.resource))
    while waiting:
        unplaced = {id(entry) for entry in waiting}
        later = []
        for entry in waiting:
            if _waits(unit, named, entry, unplaced):
                later.append(entry)
                continue
            with placed(entry):
                address = await _address(unit, acts, plan, entry, named)
            if entry.condition is not None:
                plan.found[entry.condition.key] = address
            unplaced.discard(id(entry))
            plan.known[address.literal] = address
            if entry.full_url:
                plan.known[entry.full_url] = address
        if len(later) == len(waiting):
            raise Ring
        waiting = later


async def _address(unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named) -> Address:
    """The address of one new resource, or of what is already there."""
    if entry.method == "PUT":
        assert entry.id is not None
        held = await unit.reserve(entry.rtype, entry.id)
        if held is not None:
            return held
        if entry.if_match is not None:
            raise errors.VersionConflict
        about = await owned_part(unit, acts, plan, entry, named)
        entry.address = await unit.place(about, plan.known, chosen=entry.id)
        return entry.address
    unit.may_create(entry.rtype)  # whether a person is known here is not told to anyone
    given, found = entry.place, None
    if given is not None and given.there:
        found = Address(given.cid, given.rid, entry.rtype, _id(unit, given))
    elif given is None or entry.rtype == "Patient":
        found = await existing(unit, acts, entry)
    if found is None and entry.condition is not None and entry.method == "POST":
        found = plan.found.get(entry.condition.key)  # two entries with one condition are one
        if found is None and entry.condition is not None:
            found = await conditions.held(unit, entry.condition)
    if found is not None:
        entry.address, entry.existing = found, True
    elif entry.rtype == "Patient":
        acts.find("Patient", "create", plan.profiles)  # without its act, nobody may
        entry.address = await unit.place_patient(given.cid if given is not None else None)
    else:
        about = await owned_part(unit, acts, plan, entry, named)
        if given is None:
            entry.address = await unit.place(about, plan.known)
        else:
            at, beside = (given.cid, given.rid), entry.follow[0] if entry.follow else None
            entry.address = await unit.place(
                about, plan.known, chosen=given.chosen, at=at, beside=beside
            )
    return entry.address


def _id(unit: Unit, place: Place) -> str:
    return unit.visit.door.ids.encode(place.cid, place.rid)


def _chooses(unit: Unit, acts: Acts, plan: Plan, entry: Entry) -> bool:
    """Whether an entry is a PUT to an id of the caller's own, by no act."""
    return (
        entry.method == "PUT"
        and not unit.visit.door.ids.ours(str(entry.id))
        and acts.find(entry.rtype, "update", plan.profiles) is None
    )


def _waits(unit: Unit, named: Named, entry: Entry, unplaced: set[int]) -> bool:
    """Whether an entry is about another that has no address yet."""
    for reference in unit.visit.door.owners.references(entry.resource):
        key = key_of(named, entry, reference)
        if key is not None and named[key] is not entry and id(named[key]) in unplaced:
            return True
    return False


async def existing(unit: Unit, acts: Acts, entry: Entry) -> Address | None:
    """A person with this INS, a professional or a place of the directory with this identifier.

    What is not in the directory lands with the organisation that sends it: once, when it is the same.
    """
    resolver = acts.resolver(entry.rtype)
    if resolver is None:
        return None
    for identifier in entry.resource.get("identifier", []):
        if identifier.get("value"):
            found = await resolver(unit, identifier.get("system", ""), identifier["value"])
            if found is not None:
                await acts.check(unit, found, entry.resource)
                return found
    return await conditions.copy(unit, entry.resource) if entry.rtype != "Patient" else None
