# SPDX-License-Identifier: EUPL-1.2
"""The same document, sent again: it is the one that was there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from carnet import errors
from carnet.access import kinds
from carnet.access.door import Address, Unit, Written
from carnet.access.labels import Label
from carnet.documents import queries, unique
from carnet.documents.content import File
from carnet.documents.replace import all_of
from carnet.rest.acts import Entry, Plan
from carnet.rest.links import copied


class OtherBytes(errors.Conflict):
    """A document with this uniqueId was already deposited with another content."""


async def already(
    unit: Unit,
    plan: Plan,
    entry: Entry,
    resource: dict[str, Any],
    held: list[File],
    number: str | None,
) -> Written | None:
    """The document already deposited with the same uniqueId and bytes, by the same depositor.

    The first file is the document; others are the same thing printed, and must have been there too.
    """
    assert entry.address is not None
    address, actor, door = entry.address, unit.visit.actor, unit.visit.door
    if number is None:
        return None
    digest = door.hasher.long(b"doc|" + held[0].data)
    key = unique.key(door, actor, number)
    for other in (await all_of(unit, address.cid))[
        1:
    ]:  # deposited under another of their identities
        await unit.allow(other)
        there = await queries.deposited(unit.conn, other, actor.org or 0, key)
        if there is not None:
            address = replace(address, cid=other)
            break
    await unit.allow(address.cid)
    found = await queries.deposit(
        unit.conn,
        address.cid,
        actor.org or 0,
        key,
        digest,
        address.rid,
    )
    if found is None:
        return None
    same = Address(
        address.cid, found.rid, "DocumentReference", door.ids.encode(address.cid, found.rid)
    )
    if any(row.rid == found.rid for row in unit.new):  # twice in one lot
        await unit.flush()
    try:
        row = await unit.held(same.rtype, same.id, lock=False)
        if row.gone:
            # Its author deleted it: the number is free for the same document, or for a right one.
            await unit.allow(address.cid)
            org, rid = actor.org or 0, entry.address.rid
            await queries.take_over(unit.conn, address.cid, org, key, digest, rid)
            return None
        if found.digest != digest:
            raise OtherBytes
        stored = await unit.current(row, same.rtype)
    except errors.NotFound:  # fed without the right to read: told of their own deposit, no more
        if found.digest != digest:
            raise OtherBytes from None
        # Kind and masks are not theirs to know: what names it beside others is kept close.
        entry.follow = (address.cid, found.rid, kinds.UNCLASSIFIED, Label.MASQUE_PS)
        known_here = Written(same, 1, unit.at, b"", created=False, changed=False)
        for file in held:
            if file.entry is not None:
                file.entry.written = known_here
        _follow(plan, entry, same)
        return known_here
    known = {
        content["attachment"].get("hash"): content["attachment"].get("url")
        for content in stored.get("content", [])
    }
    if any(file.hash not in known for file in held[1:]):
        raise OtherBytes
    entry.follow = plan.follow = (address.cid, row.rid, row.kind, Label(row.labels))
    unit.told.append((address.cid, row.rid, row.ver))
    for file in held:
        if file.entry is not None:
            file.entry.written = _known(unit, address.cid, "Binary", known.get(file.hash)) or (
                Written(same, row.ver, row.upd, b"", created=False, changed=False)
            )
    _follow(plan, entry, same)
    return Written(same, row.ver, row.upd, b"", created=False, changed=False)


def _known(unit: Unit, cid: int, rtype: str, literal: str | None) -> Written | None:
    """Something of a record that was there, by its address."""
    id = (literal or "").removeprefix(f"{rtype}/")
    place = unit.visit.door.ids.decode(id)
    if place is None or place[0] != cid:
        return None
    return unit.known(Address(cid, place[1], rtype, id))


def _follow(plan: Plan, entry: Entry, same: Address) -> None:
    """What came along points to the document that was there."""
    assert entry.address is not None
    for other in plan.entries:
        if other is not entry and other.written is None:
            other.resource = copied(other.resource, {entry.address.literal: same.literal})
