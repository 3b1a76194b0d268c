# SPDX-License-Identifier: EUPL-1.2
"""The sealer: what was written since becomes leaves, and the tree's new root is signed and handed out.

It reads and adds apart from the requests, so that it slows none of them. A row is sealed in the order of
its number, and only once no row of a lower number can still come: the sealer notes the last number given
and who was writing at that moment, and waits for those to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from carnet import errors
from carnet.access.limits import alarms
from carnet.access.log import queries, roots, rows
from carnet.access.log.heads import Signer
from carnet.access.log.rows import FORM, SALT, Leaf
from carnet.access.log.tree import Edge
from carnet.postgres.pool import Pool

log = structlog.get_logger("carnet.audit")

TOGETHER = 10_000  # rows sealed by one head at most
LOOKS, BETWEEN = (
    40,
    0.025,
)  # how often, and how far apart in seconds, it looks whether writers ended
OFTEN = 3  # heads in one delay, so that one that fails is not yet late


class Forked(errors.Conflict):
    """The database's log does not continue the roots handed out: it is of an older backup, or rewritten.
    Nothing is sealed until `roots.ndjson` is put aside by somebody who knows why."""


class Sealing:
    """Seals one installation's audit."""

    def __init__(
        self,
        pool: Pool,
        signer: Signer,
        file: Path,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        *,
        delay: float,
    ) -> None:
        """pool: of the worker's role. file: the roots'. delay: seconds a row may wait."""
        self._pool = pool
        self._signer = signer
        self._file = file
        self._clock = clock
        self._random = random
        self._delay = delay
        self._upto = 0  # the last number given when it looked
        self._looked = clock()
        self._writing: set[str] = set()  # who was writing then and has not ended

    async def run(self) -> None:
        """Until cancelled; a database that is away is waited for."""
        while True:
            sealed = 0
            try:
                sealed = await self.once()
            except (psycopg.OperationalError, PoolTimeout) as error:
                log.warning("sealer waits", error=type(error).__name__)
            except Forked as error:
                log.error("audit forked", error=type(error).__name__)
            except Exception as error:
                log.error("sealer failed", error=type(error).__name__, exc_info=error)
            await asyncio.sleep(0 if sealed == TOGETHER else self._delay / OFTEN)

    async def once(self) -> int:
        """Seal what is there now, a batch; returns how many rows."""
        async with self._pool.connection() as conn, conn.transaction():
            if not await queries.alone(conn):
                return 0
            found = await queries.last(conn)
            before, edge = found if found else (None, Edge())
            await self._continues(conn)
            after = before.upto if before else 0
            if not await self._settled(conn, after):
                return 0
            batch = await queries.unsealed(conn, after, self._upto, TOGETHER)
            if batch:
                upto, at = self._upto, self._looked
                if len(batch) == TOGETHER:  # the next head tells of the rest
                    upto, at = int(batch[-1][rows.SEQ]), min(at, batch[-1][rows.AT])
                leaves, made = await asyncio.to_thread(self._leaves, edge, batch)
                await queries.add(conn, leaves, made)
                # A clock set back does not set the log back.
                at = max(at, before.at) if before else at
                signed = self._signer.sign(edge.size, edge.root(), at, upto)
                await queries.add_head(conn, signed, edge)
                for seq, reason, at, sub, client in await queries.alerts(conn, after, upto):
                    log.warning("alert", seq=seq, reason=reason)
                    if reason == "canary":  # the door told of the others when they happened
                        await alarms.tell(conn, reason, at, sub=sub, client=client, seq=seq)
            else:
                self._upto = 0  # nobody who took those numbers committed: the next look begins anew
        if batch:
            await self.hand_out()
        return len(batch)

    async def hand_out(self) -> None:
        """Add to the file the heads it lacks."""
        while True:
            before = await asyncio.to_thread(roots.last, self._file)
            async with self._pool.connection() as conn:
                found = await queries.heads_after(conn, before.size if before else 0, TOGETHER)
            if not found:
                return
            await asyncio.to_thread(roots.append, self._file, found)

    async def _continues(self, conn: AsyncConnection[Any]) -> None:
        """Forked unless the last head handed out is one of the database's."""
        handed = await asyncio.to_thread(roots.last, self._file)
        if handed is not None and await queries.head(conn, handed.size) != handed:
            raise Forked

    async def _settled(self, conn: AsyncConnection[Any], after: int) -> bool:
        """Whether every row up to the number noted is there or never will be."""
        if self._upto <= after:
            self._looked = self._clock()
            # The number first: who took a lower one holds the lock already.
            self._upto = await queries.given(conn)
            self._writing = await queries.writing(conn)
        for look in range(LOOKS):
            if look or self._writing:
                self._writing &= await queries.writing(conn)
            if not self._writing:
                return self._upto > after
            await asyncio.sleep(BETWEEN)
        return False

    def _leaves(self, edge: Edge, batch: list[rows.Row]) -> tuple[list[Leaf], list[Any]]:
        leaves, made = [], []
        salts = self._random(SALT * len(batch))
        for number, row in enumerate(batch):
            salt = salts[number * SALT : (number + 1) * SALT]
            hashed = rows.hashed(row, FORM, salt)
            assert hashed is not None
            leaves.append(Leaf(edge.size, row[rows.SEQ], FORM, salt, hashed))
            made += edge.add(hashed)
        return leaves, made
