# SPDX-License-Identifier: EUPL-1.2
"""Carrying out a plan: place what is new, resolve references, let each act or the store write.

A single create is a plan of one entry, so that every write takes the same path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from carnet import errors
from carnet.access.door import Nothing, Unit, Visit, Written, commit
from carnet.access.door.written import OtherOwner
from carnet.rest import conditions
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.links import Named, named_by, resolved
from carnet.rest.placing import place_all, placed


class NeedsVersion(errors.Conflict):
    """This server asks an update or a patch to say in If-Match which version it changes."""

    status = 428


class SameTwice(errors.Invalid):
    """Two entries of a transaction write the same resource, or bear the same fullUrl."""


class OtherId(errors.Invalid):
    """The id of the body is not that of its address, nor of what the condition means."""


class Unanswering(errors.Conflict):
    """The id of the body is that of a resource which does not answer to the condition."""


INTERACTIONS = {"POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "patch"}
Then = Callable[[Visit], Awaitable[None]]


async def carry_out(visit: Visit, acts: Acts, plan: Plan, *, then: Then | None = None) -> None:
    """Write every entry of the plan in one transaction, or none.

    then: what to read in the same transaction, once all is written.
    """
    for prepare in acts.prepares:
        prepare(plan)
    pristine = [(entry.method, entry.id, entry.resource) for entry in plan.entries]

    async def work(unit: Unit) -> None:
        for entry, (method, given, resource) in zip(plan.entries, pristine, strict=True):
            entry.method, entry.id, entry.resource = method, given, resource
            entry.address, entry.written = None, None
            entry.existing, entry.warnings = False, ()
        plan.known.clear()
        plan.found.clear()
        plan.follow = None
        if plan.before is not None:
            await plan.before(unit, plan)
        void = await _meant(unit, acts, plan)
        # Deletions first: what is created, or referred to, does not find what goes.
        for entry in sorted(plan.entries, key=_rank):
            if entry.method == "DELETE" and id(entry) not in void:
                with placed(entry):
                    await _write(unit, acts, plan, entry, {})
        named = named_by(plan)
        await place_all(unit, acts, plan, named)
        for entry in plan.entries:
            if entry.method in ("POST", "PUT") and not entry.existing:
                with placed(entry):
                    entry.resource = await resolved(unit, acts, plan, entry, named)
        for entry in sorted(plan.entries, key=_rank):
            if entry.written is None and id(entry) not in void:
                with placed(entry):
                    await _write(unit, acts, plan, entry, named)
        if plan.after is not None:
            await plan.after(unit, plan)
        if then is not None:
            await unit.flush()
            await then(unit.reading())

    act = plan.entries[0].method if len(plan.entries) == 1 else "transaction"
    names = INTERACTIONS | {"PATCH": "update"}  # in the trace
    await commit(visit, work, names.get(act, act))


def _rank(entry: Entry) -> tuple[int, int, str]:
    """FHIR's order: DELETE, POST, PUT; a document before what came with it.

    What is changed is locked in the order of its address, so that Bundles do not wait in a ring.
    """
    first = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 3}[entry.method]
    second = {"Patient": 0, "DocumentReference": 1, "Binary": 3}.get(entry.rtype, 2)
    return first, second, "" if entry.method == "POST" else f"{entry.rtype}/{entry.id}"


async def _meant(unit: Unit, acts: Acts, plan: Plan) -> set[int]:
    """Find what conditional updates, patches and deletes mean; give those entries that mean nothing.

    An update that means nothing is a create. All are looked for before anything is written, and the
    conditions are held in one order by all.
    """
    asked = [(entry, entry.condition) for entry in plan.entries if entry.condition is not None]
    for key in sorted({condition.key for _, condition in asked}):
        await unit.alone(key)
    void: set[int] = set()
    for entry, condition in asked:
        if entry.method == "POST":
            continue  # where it is placed
        interaction = INTERACTIONS[entry.method]
        acts.find(entry.rtype, interaction, plan.profiles)
        unit.may("update" if interaction == "patch" else interaction, entry.rtype)
        rows = await conditions.meant(unit, condition)
        if rows:
            found = conditions.sole(unit, rows)
            if entry.method == "PUT" and entry.resource.get("id", found.id) != found.id:
                raise OtherId
            entry.id = found.id
            if entry.method == "PUT":
                entry.resource = {**entry.resource, "id": found.id}
            plan.known[f"{entry.rtype}/{found.id}"] = conditions.address(found)
            if entry.full_url:
                plan.known[entry.full_url] = conditions.address(found)
        elif entry.if_match is not None:  # RFC 9110: nothing is there to match
            raise errors.VersionConflict
        elif entry.method == "PATCH":
            raise Nothing
        elif entry.method == "DELETE":
            void.add(id(entry))
        else:
            await _made(unit, entry)
    if asked:
        addresses = [(entry.rtype, entry.id) for entry in plan.entries if entry.id is not None]
        if len(set(addresses)) < len(addresses):
            raise SameTwice
    return void


async def _made(unit: Unit, entry: Entry) -> None:
    """A conditional update that means nothing: a create, under the id of its body if it has one."""
    id = entry.resource.get("id")
    if id is None:
        entry.method = "POST"
        return
    entry.id = id
    try:
        await unit.held(entry.rtype, id, lock=False)
    except errors.NotFound:
        return
    raise Unanswering


async def _write(unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named) -> None:
    """One entry, by its act or by the store."""
    if entry.existing:
        assert entry.address is not None
        entry.written = unit.known(entry.address)
        return
    act = acts.find(entry.rtype, INTERACTIONS[entry.method], plan.profiles)
    if act is not None:
        entry.written = await act(unit, plan, entry)
        return
    if entry.method == "PATCH":
        entry.written = await _patched(unit, acts, plan, entry, named)
    elif entry.method == "POST":
        assert entry.address is not None
        entry.written = unit.put(entry.address, entry.resource, **_followed(plan, entry))
    elif entry.method == "PUT":
        entry.written = await _put(unit, plan, entry)
    else:
        assert entry.id is not None
        entry.written = await unit.delete(entry.rtype, entry.id, if_match=entry.if_match)


async def _patched(unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named) -> Written:
    """A new version made by a patch of the current one, its references as those of any write."""
    assert entry.id is not None
    assert entry.patch is not None
    patch = entry.patch
    if _needs_version(unit, entry):
        await unit.held(entry.rtype, entry.id, lock=False)  # what is not there is not found
        raise NeedsVersion

    async def how(current: dict[str, Any]) -> dict[str, Any]:
        made = await patch(current)
        return await resolved(unit, acts, plan, replace(entry, resource=made), named)

    return await unit.change(entry.rtype, entry.id, how, if_match=entry.if_match)


def _needs_version(unit: Unit, entry: Entry) -> bool:
    """Whether the version should have been named; a condition says enough of what it means."""
    required = unit.visit.door.settings.require_version
    return required and entry.if_match is None and entry.condition is None


async def _is_there(unit: Unit, rtype: str, id: str) -> bool:
    try:
        return not (await unit.held(rtype, id, lock=False)).gone
    except errors.NotFound:
        return False


async def _put(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A new version, or the first one of an id the caller chose."""
    assert entry.id is not None
    rtype, id, if_match = entry.rtype, entry.id, entry.if_match
    if entry.address is None:
        if _needs_version(unit, entry) and await _is_there(unit, rtype, id):
            raise NeedsVersion
        try:
            return await unit.update(rtype, id, entry.resource, if_match=if_match)
        except errors.NotFound:
            if unit.visit.door.ids.ours(id):
                raise
            if if_match is not None:  # RFC 9110: nothing is there to match
                raise errors.VersionConflict from None
        if await unit.reserve(rtype, id) is not None:  # another made it in the meantime
            return await unit.update(rtype, id, entry.resource)
        entry.address = await unit.place(entry.resource, plan.known, chosen=id)
    return unit.put(entry.address, entry.resource, **_followed(plan, entry))


def _followed(plan: Plan, entry: Entry) -> dict[str, Any]:
    """What came with the one document of a lot follows it for ever."""
    address = entry.address
    assert address is not None
    if entry.follow is not None:
        cid, rid, kind, label = entry.follow
        if cid != address.cid:
            raise OtherOwner
        return {"kind": kind, "label": label, "origin": rid}
    documents = [entry for entry in plan.entries if entry.rtype == "DocumentReference"]
    if plan.follow is None or len(documents) != 1 or plan.follow[0] != address.cid:
        return {}
    _, rid, kind, label = plan.follow
    return {"kind": kind, "label": label, "origin": rid}
