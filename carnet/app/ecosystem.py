# SPDX-License-Identifier: EUPL-1.2
"""The public pages and the counting of indicators, bound to this process."""

from __future__ import annotations

from collections.abc import Sequence

import procrastinate
import structlog

from carnet.access.door import Door
from carnet.app.parts import Built
from carnet.ecosystem import indicators
from carnet.ecosystem.indicators import Shown

log = structlog.get_logger("carnet.ecosystem")


class EcosystemPages:
    """What anybody may read."""

    def __init__(self, built: Built) -> None:
        self._built = built

    async def indicators(self) -> Sequence[Shown]:
        async with self._built.pool.connection() as conn:
            return await indicators.told(conn, self._built.door.clock())


def jobs(app: procrastinate.App, made: Door) -> None:
    """Once a day, and once a month there is something to do."""

    @app.periodic(cron="20 3 * * *")
    @app.task(name="indicators", queueing_lock="indicators")
    async def count(timestamp: int) -> None:
        async with made.pool.connection() as conn:
            log.info("indicators", months=await indicators.count(conn, made.clock()))
