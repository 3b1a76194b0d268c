# SPDX-License-Identifier: EUPL-1.2
"""A record of ten thousand documents: its list, a filter, a page far away, its curves, one curve.

One person's record, filled through the store: two documents in five are laboratory reports of ten results,
over twenty years, in thirty kinds. The acts are called in process as the pages call them: decision, audit,
statements, opening and reading are measured; laying out the page is told beside it.
`CARNET_BENCH_DOCUMENTS` makes a smaller one.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

from bench._told import tell
from carnet.access import kinds
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.documents import consult, nomenclature
from carnet.documents.pages import Asked
from carnet.fhir import json
from carnet.fhir.search.query import Query
from carnet.fhir.store import write as store
from carnet.fhir.store.rows import New
from carnet.postgres import migrate
from carnet.postgres.cluster import Cluster
from tests import people
from tests.space import Clock, build, clone, pattern, populated

DOCUMENTS = int(os.environ.get("CARNET_BENCH_DOCUMENTS", "10000"))
REPORTS, RESULTS, CODES, KINDS, YEARS = 0.4, 10, 60, 30, 20
TIMES = 9
START = datetime(2006, 1, 1, 9, tzinfo=UTC)
LOINC = "http://loinc.org"


def run() -> None:
    """Fill the record once, then each act `TIMES` times."""
    folder = Path(tempfile.mkdtemp(prefix="carnet-bench-"))
    folder.chmod(0o755)
    cluster = Cluster.attach_or_start(folder / "server", settings={"shared_buffers": "512MB"})
    try:
        migrate.migrate(cluster.url())
        with populated(cluster, folder) as found, clone(cluster, found.name) as name:
            cid = found.where.people[people.PATIENT.key]
            org = next(iter(found.where.places.values()))
            asyncio.run(_run(cluster, name, folder, cid, org))
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _run(cluster: Cluster, name: str, folder: Path, cid: int, org: int) -> None:
    clock = Clock(datetime(2026, 11, 22, 9, tzinfo=UTC))
    built = await build(pattern(cluster, name), folder, clock, seed=5)
    try:
        async with await AsyncConnection.connect(cluster.url(database=name)) as conn:
            results = await _fill(conn, built.door, cid, org)
            await conn.commit()
            await conn.set_autocommit(True)
            await conn.execute("VACUUM ANALYZE")
        actor = Actor(ActorKind.PATIENT, "patient:bench", "BENCH", "bench", patient=cid)

        def visit() -> Visit:
            return Visit(built.door, actor, "bench")

        first = await consult.documents(visit(), "")
        kind, year = first.kinds[0].value, int(first.years[len(first.years) // 2].value)
        far = first
        for _ in range(20):
            far = await consult.documents(visit(), "", Asked(after=far.older))
        code = "10000-0"
        drawn = await consult.curve(visit(), "", code)
        count = Query("DocumentReference", compartments=(cid,), only_total=True)
        bare = await _bare(cluster, name, cid, built.door.definitions.types["DocumentReference"])
        acts: list[tuple[str, str, Callable[[], Awaitable[object]]]] = [
            (
                "how many of them are seen, by scope, row security and trace",
                f"counted without any rule: {bare:.1f} ms",
                lambda: visit().search(count),
            ),
            ("its list", "goal 200 ms", lambda: consult.documents(visit(), "")),
            (
                "its list by kind and year",
                "",
                lambda: consult.documents(visit(), "", Asked(kind=kind, year=year)),
            ),
            (
                "its 21st page",
                "",
                lambda: consult.documents(visit(), "", Asked(after=far.older)),
            ),
            ("its curves, all of them", "", lambda: consult.curves(visit(), "")),
            (
                f"one curve of {len(drawn.points)} points",
                "",
                lambda: consult.curve(visit(), "", code),
            ),
        ]
        for what, beside, act in acts:
            seen = await _times(act)
            tell(
                f"a record of {first.total:,} documents and {results:,} results: {what}",
                f"median {statistics.median(seen):.0f} ms, worst {max(seen):.0f} ms",
                beside,
            )
    finally:
        await built.pool.close()


async def _bare(cluster: Cluster, name: str, cid: int, rtype: int) -> float:
    """Milliseconds to count the rows, by the superuser, whom no rule binds."""
    counted = b"SELECT count(*) FROM record.resource WHERE cid = %s AND rtype = %s AND NOT gone"
    async with await AsyncConnection.connect(cluster.url(database=name)) as conn:
        return statistics.median(await _times(lambda: conn.execute(counted, (cid, rtype))))


async def _times(act: Callable[[], Awaitable[object]]) -> list[float]:
    await act()
    seen = []
    for _ in range(TIMES):
        started = time.perf_counter()
        await act()
        seen.append((time.perf_counter() - started) * 1000)
    return seen


async def _fill(conn: AsyncConnection[Any], door: Door, cid: int, org: int) -> int:
    """Documents and results as rows; how many results."""
    ciphers = await door.vault.ciphers(conn, [cid])
    rows: list[New] = []
    results = 0
    at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    for row in _rows(door, cid, org, random.Random(3)):
        rows.append(row)
        results += row.rtype == "Observation"
        if len(rows) >= 2000:
            await store.insert(conn, rows, ciphers, door.hasher, at)
            rows.clear()
    await store.insert(conn, rows, ciphers, door.hasher, at)
    return results


def _rows(door: Door, cid: int, org: int, chance: random.Random) -> Iterator[New]:
    types = nomenclature.types()[:KINDS]
    subject = {"reference": f"Patient/{door.ids.encode(cid, cid)}"}
    step = timedelta(days=365 * YEARS) / DOCUMENTS
    for number in range(DOCUMENTS):
        moment = (START + number * step).isoformat()
        biology = chance.random() < REPORTS
        code = "11502-2" if biology else chance.choice(types)
        rid = door.ids.new()
        document = {
            "resourceType": "DocumentReference",
            "contained": [
                {"resourceType": "Practitioner", "id": "a", "name": [{"text": "Dr Anne Moreau"}]},
                {"resourceType": "Organization", "id": "c", "name": "Laboratoire des Tilleuls"},
            ],
            "status": "current",
            "type": {"coding": [{"system": LOINC, "code": code}]},
            "subject": subject,
            "date": moment,
            "author": [{"reference": "#a"}],
            "custodian": {"reference": "#c"},
            "content": [
                {"attachment": {"contentType": "text/xml", "title": f"Compte rendu {number}"}}
            ],
        }
        yield _row(door, cid, org, rid, None, document)
        if not biology:
            continue
        origin = {"reference": f"DocumentReference/{door.ids.encode(cid, rid)}"}
        for _ in range(RESULTS):
            analyte = chance.randrange(CODES)
            yield _row(
                door,
                cid,
                org,
                door.ids.new(),
                rid,
                {
                    "resourceType": "Observation",
                    "status": "final",
                    "code": {
                        "coding": [{"system": LOINC, "code": f"{10000 + analyte}-{analyte % 10}"}],
                        "text": f"Analyse {analyte}",
                    },
                    "subject": subject,
                    "effectiveDateTime": moment,
                    "valueQuantity": {
                        "value": chance.randrange(40, 90),
                        "unit": "mmol/L",
                        "system": "http://unitsofmeasure.org",
                        "code": "mmol/L",
                    },
                    "referenceRange": [{"low": {"value": 45}, "high": {"value": 80}}],
                    "derivedFrom": [origin],
                },
            )


def _row(
    door: Door, cid: int, org: int, rid: int, origin: int | None, resource: dict[str, Any]
) -> New:
    rtype = resource["resourceType"]
    id = door.ids.encode(cid, rid)
    return New(
        cid=cid,
        rid=rid,
        rtype=rtype,
        rtype_number=door.definitions.types[rtype],
        id=id,
        ver=1,
        kind=kinds.of(resource),
        labels=0,
        dep_pro=None,
        dep_org=org,
        origin=origin,
        body=json.dump({**resource, "id": id}),
        index=door.indexer.index({**resource, "id": id}),
    )
