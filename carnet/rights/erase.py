# SPDX-License-Identifier: EUPL-1.2
"""Erase a record: at the term of its archive, or within three months of being asked.

Rows, versions, index rows, files, traits, rights and the wrapped key go; the state `deleted`, the trace
(numbers only) and a tombstone stay. Tombstones are also a file outside the database, replayed before a
restored one opens. What two people own stays in the other's record.
Source: CSP R.1111-36; DESIGN §3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from carnet.access import audit, notices, stepup
from carnet.access.door import Door, Visit, platform
from carnet.access.door.tombstones import Tombstone, Tombstones, WrongTombstones, after, same
from carnet.config import Settings
from carnet.rights import statements
from carnet.rights.close import archive, close_rest
from carnet.rights.life import WEB, WrongState, later, length, ruling


async def ask(visit: Visit, patient: str = "", *, how: str = WEB) -> None:
    """The person asks for the deletion: the record is closed at once, and erased after a time to think."""
    stepup.fresh(visit.actor, visit.door.clock())
    states = ("open", "closed")
    async with ruling(visit, patient, "ask-erasure", motive="request", how=how, of=states) as on:
        if on.life.erase_asked is not None:
            raise WrongState
        if on.life.state == "open":
            await archive(on, "holder")
        else:  # in a set, what another's closing shut is closed for good too
            await close_rest(on, "holder")
            await on.conn.execute(statements.CLOSED_BY_THEM, on.values)
            await on.conn.execute(statements.SAY_SO, on.values)
        due = later(on.now, months=length("erase_months"))
        await on.conn.execute(statements.SET_ERASURE, {**on.values, "due": due})
        await notices.send(visit.door, on.conn, on.cid, "erasure-asked", due=due)


async def keep(visit: Visit, patient: str = "", *, how: str = WEB) -> None:
    """The person changes their mind: the record stays closed, in its archive."""
    async with ruling(visit, patient, "keep", motive="request", how=how, of=("closed",)) as on:
        if on.life.erase_asked is None:
            raise WrongState
        nothing = {**on.values, "now": None, "due": None}
        await on.conn.execute(statements.SET_ERASURE, nothing)


def stones_of(settings: Settings) -> Tombstones:
    """The file of an installation."""
    return Tombstones(settings.data / "tombstones.jsonl")


async def erase(door: Door, cids: Sequence[int], motive: str) -> None:
    """Erase a record now, all of it; a job's, by the worker. Doing it again changes nothing."""
    async with door.pool.connection() as conn:
        addresses = await _erased(door, conn, cids, motive)
    await _forget(door, cids, addresses)


async def _erased(
    door: Door, conn: AsyncConnection[Any], cids: Sequence[int], motive: str
) -> list[bytes]:
    """In one transaction, the tombstones' lines on disk first; returns the addresses of the files."""
    file, now = stones_of(door.settings), door.clock()
    visit = platform.visit(door, "erasure")
    found: list[bytes] = []
    async with conn.transaction():
        await conn.execute(statements.ALONE)
        stones = await asyncio.to_thread(file.read)
        known = {one.cid: one for one in stones}
        last, made = stones[-1] if stones else None, []
        for cid in cids:
            if cid not in known:
                last = known[cid] = after(last, cid, now, motive)
                made.append(last)
        if made:
            await asyncio.to_thread(file.append, made)
        for cid in cids:
            await platform.enter_erasure(door, conn, cid)
            rows = await conn.execute(statements.ERASE, {"cid": cid, "now": now})
            found += [bytes(address) for (address,) in await rows.fetchall()]
            await conn.execute(statements.ADD_TOMBSTONE, _values(known[cid]))
            trace = visit.trace("erase", f"erase-{known[cid].motive}")
            await audit.write(conn, trace, granted=True, cids=[cid])
    return found


async def _forget(door: Door, cids: Sequence[int], addresses: list[bytes]) -> None:
    """The files, sealed under a key that is gone; what a crash leaves, the sweeper takes."""
    for cid in cids:
        door.vault.destroy(cid)
    for address in addresses:
        await asyncio.to_thread(door.attachments.remove, address)


def _values(stone: Tombstone) -> dict[str, object]:
    return {"n": stone.n, "cid": stone.cid, "at": stone.at, "motive": stone.motive,
            "hash": stone.hash}  # fmt: skip


async def replay(door: Door) -> int:
    """Before serving: erase again what a restored database brought back; returns how many records.

    A file that was restored from before the database's own list is completed from it; two lists that
    tell different stories are refused.
    """
    file = stones_of(door.settings)
    async with door.pool.connection() as conn:
        async with conn.cursor(row_factory=class_row(Tombstone)) as cur:
            await cur.execute(statements.TOMBSTONES)
            known = await cur.fetchall()
        kept = await asyncio.to_thread(file.read)
        if not same(known, kept):
            raise WrongTombstones
        if len(known) > len(kept):
            await asyncio.to_thread(file.append, known[len(kept) :])
        count = 0
        for stone in max(known, kept, key=len):
            if stone.n > len(known) or await _left(conn, stone.cid):
                addresses = await _erased(door, conn, [stone.cid], stone.motive)
                await _forget(door, [stone.cid], addresses)
                count += 1
    return count


async def _left(conn: AsyncConnection[Any], cid: int) -> bool:
    """Whether a key is there of a record that was erased."""
    return await (await conn.execute(statements.ANYTHING_LEFT, (cid,))).fetchone() is not None
