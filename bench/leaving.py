# SPDX-License-Identifier: EUPL-1.2
"""The whole platform written to an encrypted archive, verified, and put back on an empty machine."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from pathlib import Path

import psycopg

from bench._place import place
from bench._told import costing, tell
from carnet import app as composition
from carnet import portal
from carnet.access.door import Visit
from carnet.cli import common, leaving
from carnet.config import Instance, Settings
from carnet.export.platform import ask, restore, sealed
from carnet.postgres.server import Server

ONE, TWO = "operator:bench-one", "operator:bench-two"


def run() -> None:
    """What the place holds, once out and once in."""
    here, settings = place(), place().installation.settings()
    with psycopg.connect(here.installation.url("carnet_admin"), autocommit=True) as conn:
        for sub in (ONE, TWO):
            conn.execute(
                "INSERT INTO access.subject (sub, kind, name) VALUES (%s, 'operator', '')"
                " ON CONFLICT DO NOTHING",
                (sub,),
            )
    with tempfile.TemporaryDirectory() as folder:
        path, key = Path(folder) / "all.age", Path(folder) / "key"
        private, public = sealed.new_key()
        key.write_text(private)
        before, own, peak = here.spent_by_postgres(), time.process_time(), _peak()
        with common.server_of(settings) as server:
            seconds, count = asyncio.run(_taken(settings, server, public, path))
        spent = (0.0, before), (time.process_time() - own, here.spent_by_postgres())
        tell(
            f"the whole platform written, {count} resources ({path.stat().st_size / 1e6:,.0f} MB)",
            f"{count / seconds:,.0f} resources/s" + costing(*spent, count),
            f"the goal of 5,000; memory {peak:.0f} MB before, {_peak():.0f} MB at most",
        )
        there = Settings(data=Path(folder) / "there", instance=Instance.TEST, log_level="ERROR")
        with common.server_of(there) as server:
            common.bring_up_to_date(there, server)
            composition.set_up_pages(there, server, None)
            portal.migrate(server.url("carnet_admin"))
            start = time.perf_counter()
            verified = restore.examine(path, sealed.identity(key), None, there.data)
            examined = time.perf_counter() - start
            asyncio.run(leaving.put_back(there, server, verified, path, sealed.identity(key), ONE))
            seconds = time.perf_counter() - start
        tell(
            f"the same put back on an empty machine, {count} resources",
            f"{count / seconds:,.0f} resources/s, verified, indexed and compared",
            f"verified in {examined:.1f} s of {seconds:.1f} s",
        )


async def _taken(settings: Settings, server: Server, public: str, path: Path) -> tuple[float, int]:
    """Seconds, and how many resources."""
    async with leaving.at(settings, server) as (made, conn):
        visits = []
        for sub in (ONE, TWO):
            who = await common.operator(made, sub, "bench")
            visits.append(Visit(made, who, sub))
        number = await ask.ask(conn, visits[0], public)
        await ask.confirm(conn, visits[1], number, public)
        agreed = await ask.begin(conn, visits[0], number)
        start = time.perf_counter()
        done = await leaving.taking(settings, made).write(conn, agreed, path)
        return time.perf_counter() - start, sum(done.resources.values())


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
