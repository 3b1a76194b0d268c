# SPDX-License-Identifier: EUPL-1.2
"""What no request tells: the clock of the machine jumped, the keys that sign changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from carnet.access.limits import alarms
from carnet.app.parts import Built

log = structlog.get_logger("carnet.alarms")

EVERY = 5.0  # seconds between two looks
JUMP = 5.0  # seconds the clock may be moved without an alarm: as much as a token's times are given


class Watch:
    """Of one process: what it saw at the last look."""

    def __init__(
        self,
        built: Built,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._built = built
        self._wall, self._steady = wall, steady
        self._ahead = wall() - steady()
        self._keys = self._signing()

    def _signing(self) -> frozenset[str]:
        keys = self._built.desk.tokens.keys
        keys.look()
        return frozenset(str(each["kid"]) for each in keys.published()["keys"])

    async def look(self) -> None:
        """Tell what changed since."""
        ahead, signing = self._wall() - self._steady(), self._signing()
        changed = [
            reason
            for reason, is_new in (
                ("clock", abs(ahead - self._ahead) > JUMP),
                ("keys", signing != self._keys),
            )
            if is_new
        ]
        if changed:
            async with self._built.pool.connection() as conn:
                for reason in changed:
                    await alarms.tell(conn, reason, self._built.door.clock())
        self._ahead, self._keys = ahead, signing

    async def run(self) -> None:
        """Until cancelled; a database that is away is waited for."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except (psycopg.Error, PoolTimeout, OSError) as error:
                log.warning("watch waits", error=type(error).__name__)
