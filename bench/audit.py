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

from bench._place import place
from bench._told import tell
from carnet.access.log import heads, queries, roots, sources, verify
from carnet.access.log.sealing import TOGETHER, Sealing
from carnet.postgres.pool import JOB, open_pool

LINES = 100_000
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
