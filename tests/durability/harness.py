# SPDX-License-Identifier: EUPL-1.2
"""Kill everything in mid-load, start again, compare: again and again.

    figures = run(folder, kills=20, seed=7)
    assert not figures.report.violations

The control is the same run on a PostgreSQL told to answer before the flush
(`synchronous_commit="off"`): it must lose acknowledged writes, or the harness sees nothing.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.durability.checker import Checker, Report
from tests.durability.installation import Installation
from tests.durability.writers import Outcome, Write, Writer, load

WRITERS = 8


@dataclass
class Figures:
    """What a run did and found."""

    seed: int
    kills: int = 0
    writes: Counter[Outcome] = field(default_factory=Counter)
    resources: int = 0  # acknowledged
    seconds: float = 0.0  # of load
    recoveries: list[float] = field(default_factory=list)  # from start to the first answer
    report: Report = field(default_factory=Report)

    def __str__(self) -> str:
        found = self.report
        return (
            f"seed {self.seed}: {self.kills} kills in {self.seconds:.0f} s of load by {WRITERS} writers;"
            f" {self.writes[Outcome.OK]} writes acknowledged ({self.resources} resources),"
            f" {self.writes[Outcome.UNKNOWN]} unknown ({found.present_unknown} of them there),"
            f" {self.writes[Outcome.FAILED]} refused; lost {len(found.lost)},"
            f" doubled {len(found.doubled)}, torn {len(found.torn)},"
            f" unequal {len(found.unequal)}; {found.orphans} orphan files;"
            f" serving again after {statistics.median(self.recoveries):.1f} s"
            f" (longest {max(self.recoveries):.1f} s)"
        )


def run(
    folder: Path,
    *,
    kills: int,
    seed: int,
    workers: int = 2,
    until_lost: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    postgres: Mapping[str, str] | None = None,
) -> Figures:
    """A new installation in `folder`, killed `kills` times.

    until_lost: stop at the first kill after which something was lost (the control needs no more).
    postgres: its settings, changed behind the server's back.
    """
    chance = random.Random(seed)
    figures = Figures(seed)
    installation = Installation.make(folder, workers=workers, postgres=postgres)
    history: list[Write] = []
    writers = [
        Writer(
            number,
            f"{seed}",
            installation.base,
            installation.token,
            installation.people,
            random.Random(chance.random()),
            history,
        )
        for number in range(WRITERS)
    ]
    try:
        installation.start()
        floor = highest(installation)
        for number in range(1, kills + 1):
            before = len(history)
            figures.seconds += asyncio.run(
                loaded_until_killed(installation, writers, chance.uniform(0.6, 1.8))
            )
            figures.kills = number
            figures.recoveries.append(installation.start())
            # What was touched since the last kill, so that a fault is told beside its own; then all.
            since = before if number < kills else 0
            figures.report = asyncio.run(Checker(installation, floor).check(history, since))
            tell(
                f"kill {number}: {len(history)} writes, {len(figures.report.violations)} violations"
            )
            if figures.report.violations and (until_lost or not postgres):
                break
    finally:
        installation.stop()
    figures.writes = Counter(write.outcome for write in history)
    figures.resources = sum(
        len(write.resources) for write in history if write.outcome is Outcome.OK
    )
    return figures


async def loaded_until_killed(
    installation: Installation, writers: list[Writer], seconds: float
) -> float:
    """Have the writers send, kill everything under them; returns the seconds of load."""
    stop = asyncio.Event()
    started = time.perf_counter()
    sending = asyncio.create_task(load(writers, stop))
    await asyncio.sleep(seconds)
    await asyncio.to_thread(installation.kill)
    stop.set()
    took = time.perf_counter() - started
    await sending
    return took


def highest(installation: Installation) -> int:
    """The highest row number there is."""
    with installation.database() as conn:
        row = conn.execute("SELECT coalesce(max(rid), 0) FROM record.resource").fetchone()
        assert row is not None
        return int(row[0])
