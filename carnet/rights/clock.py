# SPDX-License-Identifier: EUPL-1.2
"""Time: what the platform does of itself when it has come, and a clock that a demonstration may move."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from carnet import errors
from carnet.access.door import Door, Visit, platform
from carnet.access.door import now as system
from carnet.config import Settings
from carnet.postgres.pool import Pool
from carnet.rights import erase, statements
from carnet.rights.life import length, opening_after
from carnet.rights.open import announce, open_at_term

log = structlog.get_logger("carnet.rights")
TOGETHER = 500  # records of one look


class NotMovable(errors.Forbidden):
    """Only the clock of a demonstration or test instance moves."""


class Backwards(errors.Invalid):
    """A clock moves forward: what was done stays done."""


class Shifted:
    """The system's clock, ahead by what the instance's table says; a production never reads it."""

    def __init__(self, clock: Callable[[], datetime] = system) -> None:
        self._clock = clock
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return self._clock() + self.shift

    async def refresh(self, conn: AsyncConnection[Any]) -> None:
        """Read how far ahead it is."""
        row = await (await conn.execute(statements.SHIFT)).fetchone()
        self.shift = row[0] if row else timedelta()


async def follow(clock: Shifted, pool: Pool) -> None:
    """Until cancelled: a clock that was moved is followed within a second."""
    while True:
        await asyncio.sleep(1)
        try:
            async with pool.connection() as conn:
                await clock.refresh(conn)
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("clock waits", error=type(error).__name__)


async def move(conn: AsyncConnection[Any], settings: Settings, by: timedelta) -> timedelta:
    """Move the instance's clock forward; returns how far ahead it is. By the migrating role."""
    if not settings.lenient:
        raise NotMovable
    if by < timedelta():
        raise Backwards
    row = await (await conn.execute(statements.MOVE, {"by": by})).fetchone()
    assert row is not None
    shift: timedelta = row[0]
    return shift


@dataclass(slots=True)
class Done:
    """What a look did."""

    announced: int = 0
    started: int = 0
    opened: int = 0
    erased: int = 0
    overdue: int = 0  # deletions that should have been done: to be looked at


async def due(door: Door) -> Done:
    """Do all that is due now: a job's, of the worker. Each record in a transaction of its own."""
    done, now = Done(), door.clock()
    visit = platform.visit(door, "timers")

    async def announced(conn: AsyncConnection[Any], cid: int) -> bool:
        await announce(visit, conn, cid, now)
        return True

    async def opened(conn: AsyncConnection[Any], cid: int) -> bool:
        return await open_at_term(visit, conn, cid, now)

    done.announced = await _each(visit, statements.UNNOTICED, (TOGETHER,), announced)
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        done.started = (await conn.execute(statements.START_CLOCKS)).rowcount
    before = {"before": now - opening_after(), "limit": TOGETHER}
    done.opened = await _each(visit, statements.TO_OPEN, before, opened)
    waited = timedelta(days=length("erase_wait_days"))
    asked = {"now": now, "asked": now - waited, "limit": TOGETHER}
    async with door.pool.connection() as conn:
        found = await (await conn.execute(statements.TO_ERASE, asked)).fetchall()
    for cids, motive in found:
        await erase.erase(door, cids, motive)
        done.erased += 1
    async with door.pool.connection() as conn:
        row = await (await conn.execute(statements.OVERDUE, (now,))).fetchone()
    done.overdue = int(row[0]) if row else 0
    if done.overdue:
        log.error("deletions overdue", count=done.overdue)
    return done


async def _each(
    visit: Visit,
    query: str,
    values: Any,
    act: Callable[[AsyncConnection[Any], int], Awaitable[bool]],
) -> int:
    door, count = visit.door, 0
    async with door.pool.connection() as conn:
        async with conn.transaction():
            await platform.enter(door, conn)
            found = [
                cid for (cid,) in await (await conn.execute(query.encode(), values)).fetchall()
            ]
        for cid in found:
            try:
                async with conn.transaction():
                    await platform.enter(door, conn)
                    count += await act(conn, cid)
            except (psycopg.Error, errors.CarnetError) as wrong:  # the others are done all the same
                log.error("a timer failed", error=type(wrong).__name__)
                if conn.closed:
                    raise
    return count
