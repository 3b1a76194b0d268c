# SPDX-License-Identifier: EUPL-1.2
"""Sealing the audit: lines a second, beside reading the same lines; and verifying them.

The lines are written straight into the table of an installation that serves nobody. Sealing is apart
from the requests (another process, another connection): what it costs them is its share of the cores.
"""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta

import psycopg

from bench._place import place
from bench._told import tell
from carnet.access.log import heads, queries, roots, sources, verify
from carnet.access.log.sealing import TOGETHER, Sealing
from carnet.postgres.pool import JOB, open_pool

LINES = 100_000
WRITERS, WRITING = 8, 10.0  # at once; seconds
DELAY = 6.0  # seconds a line may wait here: the tenth of the default, to see it in a short run
LINE = """
    INSERT INTO access.audit (at, request, sub, client, purpose, act, granted, rule, matrix, cid,
                              rids, vers)
    VALUES (now(), 'bench', 'rpps:1', 'carnet-pages', 'TREAT', 'read', true, 'care-team', 'm', 1,
            '{1}', '{1}')
"""
FILL = """
    INSERT INTO access.audit (at, request, sub, situation, org, client, purpose, act, granted, rule,
                              matrix, cid, rids, vers)
    SELECT now(), md5(n::text), 'rpps:' || n %% 900, 'situation', n %% 40, 'carnet-pages', 'TREAT',
           'search', true, 'care-team', 'demonstration-1', n %% 2000,
           ARRAY[n, n + 1, n + 2, n + 3, n + 4]::bigint[], '{1,1,1,1,1}'
      FROM generate_series(1, %s) n
"""


def run() -> None:
    """Seal what is there, then so many lines."""
    here = place()
    settings = here.installation.settings()
    with here.installation.database() as conn:
        conn.execute(FILL, (LINES,))
    rows, took, reading = asyncio.run(sealed())
    tell(
        "sealing the audit, one process",
        f"{rows / took:,.0f} lines/s",
        f"reading the same lines: {rows / reading:,.0f} lines/s",
    )
    source = sources.Database(here.url("carnet_admin"), datetime.now(UTC))
    started = time.perf_counter()
    report = verify.verify(source, roots.read(settings.roots), delay=timedelta(minutes=5))
    took = time.perf_counter() - started
    source.close()
    assert not report.found, report.found[:3]
    tell("verifying the audit against its roots", f"{report.rows / took:,.0f} lines/s")
    alone, _ = asyncio.run(written(sealing=False))
    beside, late = asyncio.run(written(sealing=True))
    tell(
        f"writing lines, {WRITERS} writers, each committed, sealed meanwhile",
        f"{beside:,.0f} lines/s, the oldest sealed after {late:.0f} s",
        f"without a sealer: {alone:,.0f} lines/s",
    )


async def written(*, sealing: bool) -> tuple[float, float]:
    """Lines a second that writers commit, and how long the oldest waited for its head, in seconds."""
    here = place()
    settings = here.installation.settings()
    pool = await open_pool(
        here.url("carnet_worker"), min_size=1, max_size=2, name="bench", limits=JOB
    )
    sealer = Sealing(
        pool, heads.load_or_make(settings.keys), settings.roots, lambda: datetime.now(UTC),
        random.randbytes, delay=DELAY,
    )  # fmt: skip
    ends = time.perf_counter() + WRITING

    async def write() -> int:
        count = 0
        conn = await psycopg.AsyncConnection.connect(here.url("carnet_app"), autocommit=True)
        async with conn:
            while time.perf_counter() < ends:
                await conn.execute(LINE)
                count += 1
        return count

    async def watch() -> float:
        """The age of the oldest line that waits, as it was at worst."""
        worst = 0.0
        while time.perf_counter() < ends:
            await asyncio.sleep(0.5)
            async with pool.connection() as conn:
                oldest = await queries.waiting(conn)
            if oldest is not None:
                worst = max(worst, (datetime.now(UTC) - oldest).total_seconds())
        return worst

    run = asyncio.ensure_future(sealer.run()) if sealing else None
    try:
        *counts, late = await asyncio.gather(*(write() for _ in range(WRITERS)), watch())
        return sum(counts) / WRITING, float(late)
    finally:
        if run is not None:
            run.cancel()
        while await sealer.once():
            pass
        await pool.close()


async def sealed() -> tuple[int, float, float]:
    """Lines, seconds to seal them, seconds to read them."""
    here = place()
    settings = here.installation.settings()
    pool = await open_pool(
        here.url("carnet_worker"), min_size=1, max_size=2, name="bench", limits=JOB
    )
    signer = heads.load_or_make(settings.keys)
    sealing = Sealing(
        pool, signer, settings.roots, lambda: datetime.now(UTC), random.randbytes,
        delay=settings.seal_delay,
    )  # fmt: skip
    try:
        async with pool.connection() as conn:
            last = await queries.last(conn)
            first = last[0].upto if last else 0
            given = await queries.given(conn)
            started = time.perf_counter()
            after = first
            while batch := await queries.unsealed(conn, after, given, TOGETHER):
                after = int(batch[-1][0])
            reading = time.perf_counter() - started
        rows = 0
        started = time.perf_counter()
        while count := await sealing.once():
            rows += count
        return rows, time.perf_counter() - started, reading
    finally:
        await pool.close()
