# SPDX-License-Identifier: EUPL-1.2
"""Writing through the door: one unit of work, one transaction.

A unit places each new resource (whose is it, what is its address), then puts its content; at the end
everything goes in one statement, with the outbox and the trace. Nothing is half written.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar, cast

from psycopg import AsyncConnection
from psycopg import errors as pg

from carnet import errors
from carnet.access import audit
from carnet.access.door import counting
from carnet.access.door.changing import Changing
from carnet.access.door.visit import Visit, within
from carnet.access.door.written import Busy, UnknownOwner
from carnet.access.limits.refusals import TooManyPatientsRead
from carnet.fhir.search.scope import Scope
from carnet.fhir.store import write
from carnet.fhir.store.ids import DIRECTORY
from carnet.postgres.pool import Pool

ATTEMPTS = 4  # of a unit that meets another

Result = TypeVar("Result")


class Unit(Changing):
    """One transaction of one visit; made by `commit`."""

    __slots__ = ()

    async def flush(self) -> None:
        """Everything put, the trace and the outbox; the caller's transaction commits."""
        door = self.visit.door
        traced = [(row.cid, row.rid, row.ver) for row in self.new] + self.changed + self.told
        released = [(rid, ver) for cid, rid, ver in traced if cid != DIRECTORY]
        cids = {cid for cid, _, _ in traced}
        cids -= {DIRECTORY, self.visit.actor.org or DIRECTORY}
        ciphers = await door.vault.ciphers(self.conn, {row.cid for row in self.new})
        async with within(self.conn, at_once=True):
            for made in self.made[self._opened :]:
                await write.add_compartment(self.conn, made, self.at)
            self._opened = len(self.made)
            if self.new:
                await self._enter(Scope(), {row.cid for row in self.new})
                # Deterministic order, so that two transactions never wait for each other in a ring.
                rows = sorted(self.new, key=lambda row: (row.cid, row.rid))
                await write.insert(self.conn, rows, ciphers, door.hasher, self.at)
            if self.finds and not self._counted:
                self._counted = True
                trace = self.visit.trace("find", "find-to-feed")
                await audit.write(self.conn, trace, granted=True)
            if traced:
                await audit.write(
                    self.conn,
                    self.visit.trace(self.act, self.rule),
                    granted=True,
                    cids=sorted(cids),
                    released=released,
                )
        # What is written is not written again by the flush of the end.
        self.new, self.changed, self.told = [], [], []

    def reading(self) -> Visit:
        """A visit that reads inside this transaction: what it has written and flushed is seen."""
        joined = cast(Pool, Joined(self.conn))
        return replace(self.visit, door=replace(self.visit.door, pool=joined))


class Joined:
    """Stands for the pool where what is read belongs to a transaction already open."""

    def __init__(self, conn: AsyncConnection[Any]) -> None:
        self._conn = conn

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """The transaction's own connection."""
        yield self._conn


async def commit(visit: Visit, work: Callable[[Unit], Awaitable[Result]], act: str) -> Result:
    """Run `work` in one transaction, again when it met another one (40001, 40P01)."""
    door = visit.door
    for attempt in range(ATTEMPTS):
        try:
            async with door.pool.connection() as conn:
                unit = Unit(visit, conn, door.clock(), act=act)
                try:
                    async with conn.transaction():
                        result = await work(unit)
                        await unit.flush()
                except BaseException:
                    for made in unit.made:
                        door.vault.forget(made.cid)
                    raise
                return result
        # The last: of what reads within, whose decision had changed and which tried again.
        except (pg.SerializationFailure, pg.DeadlockDetected, pg.InFailedSqlTransaction):
            await asyncio.sleep(0.01 * 2**attempt)
            async with door.pool.connection() as conn:  # it may have indexed by less than there is
                await door.catalogue.look(conn)
        except errors.CarnetError as refusal:
            if unit.finds:
                await visit.refused("find", "find-to-feed")
            if unit.looked or isinstance(
                refusal,
                errors.Forbidden | errors.NotFound | UnknownOwner | TooManyPatientsRead,
            ):
                tried = unit.tried - {DIRECTORY, visit.actor.org}
                await visit.refused(act, _rule(refusal), sorted(tried))
            if isinstance(refusal, TooManyPatientsRead):
                async with door.pool.connection() as conn:
                    await counting.told(visit, conn, refusal)
            raise
    raise Busy


def _rule(refusal: errors.CarnetError) -> str:
    """The name of a refusal as traces write it: NotDepositor is not-depositor."""
    return re.sub("(?<!^)([A-Z])", r"-\1", type(refusal).__name__).lower()
