# SPDX-License-Identifier: EUPL-1.2
"""What has happened, told once, after it is committed.

The writing transaction adds a row to the outbox and nothing else; the relay reads it and tells each
listener. `app.py` says who listens. A listener may be told twice after a crash: it keeps what it has
done by the event's number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from carnet.postgres.pool import Pool

log = structlog.get_logger("carnet.events")


@dataclass(frozen=True, slots=True)
class Event:
    """One committed write of one compartment.

    name: written or deleted. cid: the compartment. rids, types, versions: what changed, in order.
    """

    seq: int
    at: datetime
    name: str
    cid: int
    rids: tuple[int, ...]
    types: tuple[int, ...]
    versions: tuple[int, ...]


Listener = Callable[[Event], Awaitable[None]]


# Rows whose transaction no running one precedes: what commits later cannot slip in before.
TAKE: LiteralString = """
    SELECT seq, at, name, cid, rids, rtypes, vers FROM record.outbox
     WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
     ORDER BY seq LIMIT 500
"""
FORGET: LiteralString = "DELETE FROM record.outbox WHERE seq = ANY (%s)"
ALONE: LiteralString = "SELECT pg_try_advisory_xact_lock(7309451)"  # one relay at a time
TELL: LiteralString = "SELECT pg_notify('carnet_written', %s)"

BUSY, IDLE = 0.05, 0.5  # seconds between two looks


class Relay:
    """Reads the outbox, tells the listeners, then forgets what was told.

    The notification goes out in the relay's transaction, never in a writer's: a NOTIFY makes every
    commit wait for its turn.
    """

    def __init__(self, pool: Pool, listeners: Sequence[Listener] = ()) -> None:
        self._pool = pool
        self._listeners = tuple(listeners)

    async def run(self) -> None:
        """Until cancelled; a database that is away is waited for."""
        while True:
            try:
                told = await self.once()
            except (psycopg.OperationalError, PoolTimeout) as error:
                log.warning("relay waits", error=type(error).__name__)
                told = 0
            except Exception as error:
                # A listener's fault: nothing was forgotten, all of it is told again.
                log.error("relay failed", error=type(error).__name__, exc_info=error)
                told = 0
            await asyncio.sleep(BUSY if told else IDLE)

    async def once(self) -> int:
        """Tell what is there now; returns how many events."""
        async with self._pool.connection() as conn, conn.transaction():
            cursor = await conn.execute(ALONE)
            alone = await cursor.fetchone()
            if not alone or not alone[0]:
                return 0
            cursor = await conn.execute(TAKE)
            found = [
                Event(seq, at, name, cid, tuple(rids), tuple(types), tuple(versions))
                for seq, at, name, cid, rids, types, versions in await cursor.fetchall()
            ]
            for event in found:
                for listener in self._listeners:
                    await listener(event)
            if found:
                await conn.execute(FORGET, ([event.seq for event in found],))
                await conn.execute(TELL, (str(len(found)),))
        return len(found)
