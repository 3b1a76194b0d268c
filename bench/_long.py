# SPDX-License-Identifier: EUPL-1.2
"""A long record to measure acts on: one person's, filled through the store, and what is in it.

Two documents in five are laboratory reports of ten results, over twenty years, in thirty kinds.
`CARNET_BENCH_DOCUMENTS` makes a smaller one.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

from carnet.access import kinds
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.documents import nomenclature
from carnet.fhir import json
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
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LOINC = "http://loinc.org"

Filling = Callable[[AsyncConnection[Any], Door, int, int], Awaitable[int]]


@dataclass(frozen=True)
class Long:
    """The record, as its owner comes to it. results, more: rows that were put in it."""

    cluster: Cluster
    name: str  # of the database
    door: Door
    cid: int
    results: int
    more: tuple[int, ...]

    def visit(self) -> Visit:
        """One visit of the person themselves."""
        actor = Actor(ActorKind.PATIENT, "patient:bench", "BENCH", "bench", patient=self.cid)
        return Visit(self.door, actor, "bench")


def on_a_record(act: Callable[[Long], Awaitable[None]], *more: Filling) -> None:
    """Fill the record once, then what is measured. more: what else is put in it."""
    folder = Path(tempfile.mkdtemp(prefix="carnet-bench-"))
    folder.chmod(0o755)
    cluster = Cluster.attach_or_start(folder / "server", settings={"shared_buffers": "512MB"})
    try:
        migrate.migrate(cluster.url())
        with populated(cluster, folder) as found, clone(cluster, found.name) as name:
            cid = found.where.people[people.PATIENT.key]
            org = next(iter(found.where.places.values()))
            asyncio.run(_run(act, more, cluster, name, folder, cid, org))
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _run(
    act: Callable[[Long], Awaitable[None]],
    more: tuple[Filling, ...],
    cluster: Cluster,
    name: str,
    folder: Path,
    cid: int,
    org: int,
) -> None:
    built = await build(pattern(cluster, name), folder, Clock(NOW), seed=5)
    try:
        async with await AsyncConnection.connect(cluster.url(database=name)) as conn:
            results = await _fill(conn, built.door, cid, org)
            counts = [await each(conn, built.door, cid, org) for each in more]
            await conn.commit()
            await conn.set_autocommit(True)
            await conn.execute("VACUUM ANALYZE")
        await act(Long(cluster, name, built.door, cid, results, tuple(counts)))
    finally:
        await built.pool.close()


async def times(act: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds of each time but the first."""
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
        yield row(door, cid, org, rid, None, document)
        if not biology:
            continue
        origin = {"reference": f"DocumentReference/{door.ids.encode(cid, rid)}"}
        for _ in range(RESULTS):
            analyte = chance.randrange(CODES)
            yield row(
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


def row(
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
