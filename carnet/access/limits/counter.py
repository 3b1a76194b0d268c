# SPDX-License-Identifier: EUPL-1.2
"""Counting: what is frequent in this process, told to the others every second; what is rare in the database.

A frequent act costs a hash and two looks in a dictionary. Between two tellings a process does not know
what the others counted, so that all together may let pass, in one second, as much more as they are.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from carnet.access.limits import queries
from carnet.access.limits.queries import Key
from carnet.access.limits.refusals import TooFast
from carnet.access.limits.table import Rate
from carnet.postgres.pool import Pool

log = structlog.get_logger("carnet.limits")

EVERY = 1.0  # seconds between two tellings
KEPT = 200_000  # keys counted in this process; beyond, the oldest are told and let go


class Counter:
    """Of one process."""

    def __init__(
        self,
        pool: Pool,
        rates: Mapping[str, Rate],
        key: bytes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """key: of the hashes of accounts and addresses, the same in every process."""
        self.pool = pool
        self.rates = rates
        self._key = key
        self._clock = clock
        self._all: dict[Key, int] = {}  # what all had counted at the last telling
        self._own: dict[Key, int] = {}  # what was counted here since

    def key(self, rate: Rate, who: str, now: float) -> Key:
        """Where it is counted; nobody reads there who it is."""
        made = hashlib.blake2b(who.encode(), key=self._key, digest_size=16).digest()
        return rate.name, made, int(now) // rate.seconds * rate.seconds

    def take(self, name: str, who: str) -> None:
        """Count a frequent act; TooFast when there were enough in this window."""
        rate, now = self.rates[name], self._clock()
        key = self.key(rate, who, now)
        own = self._own.get(key, 0)
        if own + self._all.get(key, 0) >= rate.most:
            raise TooFast(name, wait(rate, key, now))
        self._own[key] = own + 1

    async def take_exactly(
        self, conn: AsyncConnection[Any], name: str, who: str, *, times: int = 1
    ) -> int:
        """Count a rare act in the transaction of `conn`; TooFast when there were enough."""
        rate, now = self.rates[name], self._clock()
        key = self.key(rate, who, now)
        found = await queries.share(conn, [(key, key[2] + rate.seconds, times)])
        if found[key] > rate.most:
            raise TooFast(name, wait(rate, key, now))
        return found[key]

    async def exactly(self, name: str, who: str) -> int:
        """The same in a transaction of its own: it counts whatever becomes of the act."""
        async with self.pool.connection() as conn:
            return await self.take_exactly(conn, name, who)

    async def give_back(self, name: str, who: str) -> None:
        """An act that turned out to be right: a password that was."""
        rate = self.rates[name]
        async with self.pool.connection() as conn:
            await queries.give_back(conn, self.key(rate, who, self._clock()))

    async def tell(self) -> None:
        """What was counted here goes to all, what all counted comes here, what is over is forgotten."""
        now = int(self._clock())
        own, self._own = self._own, {}
        try:
            async with self.pool.connection() as conn:
                if own:
                    told = [
                        (key, key[2] + self.rates[key[0]].seconds, count)
                        for key, count in own.items()
                    ]
                    self._all |= await queries.share(conn, told)
                await queries.forget(conn, now)
        except BaseException:
            for key, count in own.items():  # told the next time
                self._own[key] = self._own.get(key, 0) + count
            raise
        over = [key for key in self._all if key[2] + self.rates[key[0]].seconds <= now]
        for key in over:
            del self._all[key]
        while len(self._all) > KEPT:
            del self._all[next(iter(self._all))]

    async def run(self) -> None:
        """Until cancelled; a database that is away is waited for."""
        while True:
            try:
                await self.tell()
            except (psycopg.Error, PoolTimeout) as error:
                log.warning("rates wait", error=type(error).__name__)
            await asyncio.sleep(EVERY)


def wait(rate: Rate, key: Key, now: float) -> int:
    """Seconds until the window ends, one at least."""
    return max(1, int(key[2] + rate.seconds - now) + 1)
