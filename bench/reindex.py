# SPDX-License-Identifier: EUPL-1.2
"""Reindex: index rows made anew from sealed bodies, confirmed where they are right, and verified.

The job runs here, as `carnet reindex` does, beside a database on a disk; nobody else asks anything.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import psycopg

from bench._place import place
from bench._told import costing, tell
from carnet.access import door
from carnet.access.door.reindex import Reindex, Report
from carnet.app import parts
from carnet.fhir.search.own.queries import keep
from carnet.fhir.search.own.understood import Given
from carnet.postgres.pool import JOB, open_pool

# As if nothing had been indexed but references: what a row had before there were numbers, and less.
STRIPPED = (
    "DELETE FROM record.idx_number", "DELETE FROM record.idx_date", "DELETE FROM record.idx_string",
    "UPDATE record.resource SET indexed = 0, toks = toks[1:1]",
    "VACUUM ANALYZE record.resource",
)  # fmt: skip


def run() -> None:
    """The same rows three times."""
    here = place()
    url = here.installation.url("carnet_admin")
    with psycopg.connect(url, autocommit=True) as conn:
        for each in STRIPPED:
            conn.execute(each.encode())
    _told("every index row made anew", verify=False)
    given = Given("urn:bench", "bench", "token", ("Basic",), "Basic.extension.value")
    with psycopg.connect(url, autocommit=True) as conn:
        keep(conn, [given])
    _told("a parameter loaded that changes no row", verify=False)
    _told("verified", verify=True)


def _told(name: str, *, verify: bool) -> None:
    here = place()
    before, own, start = here.spent_by_postgres(), time.process_time(), time.perf_counter()
    report = asyncio.run(_run(verify=verify))
    seconds = time.perf_counter() - start
    after = here.spent_by_postgres()
    rows = report.verified if verify else report.indexed + report.right
    assert report.good, report
    mine = time.process_time() - own
    tell(
        f"reindex, {name}" + ("" if verify else ", and verified"),
        f"{rows / seconds:,.0f} resources/s" + costing((0.0, before), (mine, after), rows),
        f"{report.indexed} made anew, {report.right} right, {report.verified} verified",
    )


async def _run(*, verify: bool) -> Report:
    installation = place().installation
    settings = installation.settings()
    pool = await open_pool(installation.url("carnet_worker"), min_size=1, max_size=2, limits=JOB)
    try:
        keyring = door.load_or_make(settings.keys)
        made = door.make(pool, settings, parts.matrix_of(settings), keyring)
        return await Reindex(made, verify=verify, settled=timedelta(0)).run()
    finally:
        await pool.close()
