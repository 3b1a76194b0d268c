# SPDX-License-Identifier: EUPL-1.2
"""Search in one patient's record, 20 results, and 50 with what they point to; beside the same SQL."""

from __future__ import annotations

import asyncio
import random
import time

import psycopg

from bench._client import Rate
from bench._place import Place, place
from bench._told import rated, tell
from carnet.access.door import Visit
from carnet.app import parts
from carnet.fhir.search import sql
from carnet.postgres.server import External
from tests.durability.installation import SOFTWARE

CLIENTS = 8
TWENTY = "Observation?patient=Patient/{}&_sort=-date&_count=20"
INCLUDE = "Observation?patient=Patient/{}&_include=Observation:encounter&_count=50"


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
                seen = client.rate(lambda asked=asked: chance.choice(asked), clients=CLIENTS)  # type: ignore[misc]
                beside = f"the same SQL through the driver: {limit:,.0f} /s"
                tell(
                    f"search in one record, {name}, {workers} worker{'s' * (workers > 1)},"
                    f" {CLIENTS} clients",
                    rated(seen),
                    beside if form is TWENTY else "",
                )


async def driver(here: Place, seconds: float = 3.0) -> float:
    """The statement of the first search alone, by the owner (no row-level security, no trace)."""
    built = await parts.build(
        here.installation.settings(), External(here.url("carnet_admin")), name="bench"
    )
    try:
        visit = Visit(built.door, await parts.actor(built, SOFTWARE, client="bench"), "bench")
        statements = []
        async with built.pool.connection() as conn:
            for id in here.patients:
                given = [("patient", f"Patient/{id}"), ("_sort", "-date"), ("_count", "20")]
                query = built.desk.parser.parse("Observation", given)
                decision = await built.door.decide(conn, visit.actor, query.compartments)
                place = built.door.place("Observation")
                statements.append(sql.matches(query, decision.scope, place))
    finally:
        await built.pool.close()
    rate, chance = Rate(), random.Random(7)
    end = time.perf_counter() + seconds

    async def one() -> None:
        url = here.url("carnet_admin")
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
            conn.prepare_threshold = 3
            while (started := time.perf_counter()) < end:
                text, values = chance.choice(statements)
                await (await conn.execute(text.encode(), values)).fetchall()
                rate.times.append(time.perf_counter() - started)

    await asyncio.gather(*(one() for _ in range(CLIENTS)))
    return len(rate.times) / seconds
