# SPDX-License-Identifier: EUPL-1.2
"""Search in one patient's record, 20 results, and 50 with what they point to; beside the same SQL.

CARNET_GROWN=2000000 has the same record searched among 200,000 resources and among that many: the other
records are copies of those there are, made in the database (a quarter of an hour, 4 GB).
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, LiteralString

import psycopg

from bench._client import Rate
from bench._place import Place, place
from bench._told import costing, rated, tell
from carnet.access.door import Visit
from carnet.access.seal import SET
from carnet.app import parts
from carnet.fhir.search import sql
from carnet.fhir.search.scope import context_parts
from carnet.postgres.server import External
from tests.durability.installation import SOFTWARE

CLIENTS = 8
TWENTY = "Observation?patient=Patient/{}&_sort=-date&_count=20"
INCLUDE = "Observation?patient=Patient/{}&_include=Observation:encounter&_count=50"
CODED = "Observation?patient=Patient/{}&code=http://loinc.org|8302-2&_count=20"


def run() -> None:
    """With one worker and with two."""
    here, chance = place(), random.Random(7)
    limit = asyncio.run(driver(here))
    for workers in (1, 2):
        with here.serving(workers) as client:
            for name, form in (
                ("20 results", TWENTY),
                ("50 results and their encounters", INCLUDE),
            ):
                asked = [client.request("GET", "/fhir/" + form.format(id)) for id in here.patients]
                before = here.spent()
                seen = client.rate(
                    lambda asked=asked: chance.choice(asked),  # type: ignore[misc]
                    clients=CLIENTS,
                    warm=0,
                )
                cost = costing(before, here.spent(), len(seen.times))
                beside = f"the same SQL through the driver: {limit:,.0f} /s"
                tell(
                    f"search in one record, {name}, {workers} worker{'s' * (workers > 1)},"
                    f" {CLIENTS} clients",
                    rated(seen) + cost,
                    beside if form is TWENTY else "",
                )
    walls(here)
    if most := int(os.environ.get("CARNET_GROWN", "0").replace("_", "")):
        grown(here, most)


# --------------------------------------------------------------------------- the statement by itself


@dataclass(frozen=True)
class Asked:
    """The first search's statement for each patient, with the context row-level security believes."""

    statements: list[tuple[str, dict[str, object]]]
    context: list[str]
    visit: Visit


async def statements(here: Place, built: Any) -> Asked:
    """As the door makes them."""
    visit = Visit(built.door, await parts.actor(built, SOFTWARE, client="bench"), "bench")
    found, context = [], [""]
    async with built.pool.connection() as conn:
        for id in here.patients:
            given = [("patient", f"Patient/{id}"), ("_sort", "-date"), ("_count", "20")]
            query = built.desk.parser.parse("Observation", given)
            decision = await built.door.decide(conn, visit.actor, query.compartments)
            found.append(sql.matches(query, decision.scope, built.door.place("Observation")))
            context = context_parts(decision.scope)
    return Asked(found, context, visit)


async def driver(here: Place, seconds: float = 3.0) -> float:
    """The statement of the first search alone, by the owner (no row-level security, no trace)."""
    url = External(here.url("carnet_admin"))
    built = await parts.build(here.installation.settings(), url, name="bench")
    try:
        asked = (await statements(here, built)).statements
    finally:
        await built.pool.close()
    rate, chance = Rate(), random.Random(7)
    end = time.perf_counter() + seconds

    async def one() -> None:
        url = here.url("carnet_admin")
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
            conn.prepare_threshold = 3
            while (started := time.perf_counter()) < end:
                text, values = chance.choice(asked)
                await (await conn.execute(text.encode(), values)).fetchall()
                rate.times.append(time.perf_counter() - started)

    await asyncio.gather(*(one() for _ in range(CLIENTS)))
    return len(rate.times) / seconds


# ----------------------------------------------------------------------------- row-level security


ROUNDS, EACH = 15, 300  # by turns: a machine that slows down slows both


def walls(here: Place) -> None:
    """The statement under its context, by the service's role and by one no policy binds, by turns."""
    told = asyncio.run(_walls(here))
    ratios = sorted(bound / free for bound, free in told)
    bound, free = (statistics.median(each) for each in zip(*told, strict=True))
    tell(
        "the search's statement with row-level security, one client",
        f"{bound:,.0f} µs of PostgreSQL's CPU",
        f"without: {free:,.0f} µs, so {statistics.median(ratios):.2f} times"
        f" ({ratios[0]:.2f} to {ratios[-1]:.2f} in {ROUNDS} rounds)",
    )


async def _walls(here: Place) -> list[tuple[float, float]]:
    url = External(here.url("carnet_admin"))
    built = await parts.build(here.installation.settings(), url, name="bench")
    found: list[tuple[float, float]] = []
    try:
        asked = await statements(here, built)
        async with (
            await psycopg.AsyncConnection.connect(here.url("carnet_app"), autocommit=True) as bound,
            await psycopg.AsyncConnection.connect(
                here.url("carnet_admin"), autocommit=True
            ) as free,
        ):
            for conn in (bound, free):
                conn.prepare_threshold = 0
                await _round(conn, asked, 0)
            for number in range(ROUNDS):
                pair = [await _round(conn, asked, number) for conn in (bound, free)]
                found.append((pair[0], pair[1]))
    finally:
        await built.pool.close()
    return found


async def _round(conn: psycopg.AsyncConnection[Any], asked: Asked, number: int) -> float:
    """Microseconds of processor a statement; the same statements for the same number."""
    before, chance = _of(conn), random.Random(number)
    for _ in range(EACH):
        text, values = chance.choice(asked.statements)
        context = asked.visit.door.context(conn, asked.context)
        async with conn.pipeline(), conn.cursor() as cur:
            await conn.execute(SET, (context,))
            await cur.execute(text.encode(), values)
            assert len(await cur.fetchall()) > 1
    return (_of(conn) - before) / EACH * 1e6


def _of(conn: psycopg.AsyncConnection[Any]) -> float:
    """CPU seconds of the process behind a connection."""
    with open(f"/proc/{conn.info.backend_pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


# --------------------------------------------------------------------------- among many more records

# A copy of every record for each number: other compartments, and other hashes but those many share.
COMMON: LiteralString = """
    CREATE TABLE bare.common AS
    SELECT t AS h FROM record.resource, unnest(toks) t GROUP BY t HAVING count(*) > 300
"""
COPIED: LiteralString = """
    INSERT INTO record.resource (cid, rid, owners, rtype, id, ver, upd, lo, hi, kind, labels, dep_pro,
                                 dep_org, origin, gone, dict, toks, body)
    SELECT r.cid - (n << 42), r.rid, NULL, rtype, id || '-' || n, ver, upd, lo, hi, kind, labels,
           dep_pro, dep_org, origin, gone, dict,
           ARRAY(SELECT CASE WHEN c.h IS NULL THEN t # hashint8extended(n, 8) ELSE t END
                   FROM unnest(toks) t LEFT JOIN bare.common c ON c.h = t), body
      FROM record.resource r, generate_series(%s::bigint, %s::bigint) n
     WHERE r.cid IN (SELECT cid FROM bare.own)
"""
SIDES: tuple[LiteralString, ...] = (
    "INSERT INTO record.idx_date SELECT cid - (n << 42), rid, param, lo, hi FROM record.idx_date,"
    " generate_series(%s::bigint, %s::bigint) n WHERE cid IN (SELECT cid FROM bare.own)",
    "INSERT INTO record.idx_string SELECT cid - (n << 42), rid, param, value FROM record.idx_string,"
    " generate_series(%s::bigint, %s::bigint) n WHERE cid IN (SELECT cid FROM bare.own)",
    "INSERT INTO record.idx_number SELECT cid - (n << 42), rid, salt, lo, hi, lo2, hi2, tags"
    " FROM record.idx_number, generate_series(%s::bigint, %s::bigint) n"
    " WHERE cid IN (SELECT cid FROM bare.own)",
)


def grown(here: Place, most: int) -> None:
    """The same searches among 200,000 resources and among `most`."""
    seen: dict[tuple[int, str], float] = {}
    copies, sizes = 0, (200_000, most)
    for size in sizes:
        copies = grow(here, copies, size)
        with here.serving(2) as client:
            for name, form in (("20 results", TWENTY), ("by code", CODED)):
                asked = [client.request("GET", "/fhir/" + form.format(id)) for id in here.patients]
                draw = partial(random.Random(7).choice, asked)
                client.rate(draw, clients=CLIENTS, seconds=2)
                before = here.spent()
                rate = client.rate(draw, clients=CLIENTS, seconds=8, warm=0)
                cost = costing(before, here.spent(), len(rate.times))
                seen[size, name] = rate.percentile(0.95)
                tell(
                    f"search in one record among {size:,} resources, {name}, 2 workers,"
                    f" {CLIENTS} clients",
                    f"{rated(rate)}, p95 {rate.percentile(0.95):.1f} ms{cost}",
                    "" if size == sizes[0] else
                    f"p95 {seen[size, name] / seen[sizes[0], name]:.2f} times that of {sizes[0]:,}",
                )  # fmt: skip
        with here.installation.database() as conn:
            row = conn.execute(
                "SELECT pg_total_relation_size('record.resource')::float / count(*)"
                " FROM record.resource"
            ).fetchone()
            print(f"  {row[0] if row else 0:,.0f} bytes a row of record.resource", flush=True)


def grow(here: Place, copies: int, size: int) -> int:
    """Copy until there are so many resources; how many copies of each there are now."""
    with here.installation.database() as conn:
        conn.execute("SET synchronous_commit = off")
        conn.execute("SET maintenance_work_mem = '1GB'")
        conn.execute("CREATE SCHEMA IF NOT EXISTS bare")
        if not copies:
            conn.execute(
                "CREATE TABLE bare.own AS SELECT cid FROM record.compartment WHERE nature = 1"
            )
            conn.execute(COMMON)
        ((there,),) = conn.execute(
            "SELECT count(*) FROM record.resource WHERE cid IN (SELECT cid FROM bare.own)"
        ).fetchall()
        wanted = -(-size // there) - 1
        ((made,),) = conn.execute(
            "SELECT pg_get_indexdef('record.resource_toks'::regclass)"
        ).fetchall()
        conn.execute("DROP INDEX record.resource_toks")  # it is made again at once, in order
        for first in range(copies + 1, wanted + 1, 10):
            last = min(first + 9, wanted)
            for text in (COPIED, *SIDES):
                conn.execute(text, (first, last))
        conn.execute(made)
        conn.execute("VACUUM ANALYZE")
    return int(wanted)
