# SPDX-License-Identifier: EUPL-1.2
"""The access decision, by kind of actor; beside an empty statement on the same connection.

A software's needs no statement. A patient's and a professional's ask the live links of the record, so
their time is that of a round trip; what is ours is the difference.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench._place import place
from bench._told import tell
from carnet.app import demonstration, parts
from carnet.population import make
from carnet.postgres.server import External

TIMES = 2000


def run() -> None:
    """Mean of many, one after the other, on one connection."""
    asyncio.run(decide())


async def decide() -> None:
    """The doctor and the patient of the cast, on the patient's record."""
    here, population = place(), make(2026, 7)
    built = await parts.build(
        here.installation.settings(), External(here.url("carnet_admin")), name="bench"
    )
    try:
        personas = {each.key: each for each in population.personas}
        async with built.pool.connection() as conn:
            empty = await mean(lambda: conn.execute("SELECT 1"))
            for key in ("hospital-software", "patient", "gp"):
                subject = demonstration.subject_of(personas[key], population)
                who = await parts.actor(built, subject, client="bench")
                owner = await parts.actor(
                    built, demonstration.subject_of(personas["patient"], population), client="bench"
                )
                assert owner.patient is not None
                cids = [owner.patient]
                took = await mean(lambda: built.door.decide(conn, who, cids))  # noqa: B023
                rule = (await built.door.decide(conn, who, cids)).rule
                tell(
                    f"access decision, {who.kind} ({rule})",
                    f"{took * 1e6:,.1f} µs",
                    f"an empty statement: {empty * 1e6:,.1f} µs",
                )
    finally:
        await built.pool.close()


async def mean(act: Callable[[], Awaitable[Any]]) -> float:
    """Seconds of one."""
    for _ in range(50):
        await act()
    started = time.perf_counter()
    for _ in range(TIMES):
        await act()
    return (time.perf_counter() - started) / TIMES
