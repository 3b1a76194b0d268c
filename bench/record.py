# SPDX-License-Identifier: EUPL-1.2
"""A record of ten thousand documents: its list, a filter, a page far away, its curves, one curve.

The acts are called in process as the pages call them: decision, audit, statements, opening and reading are
measured; laying out the page is told beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable

from psycopg import AsyncConnection

from bench._long import Long, on_a_record, times
from bench._told import tell
from carnet.documents import consult
from carnet.documents.pages import Asked
from carnet.fhir.search.query import Query
from carnet.postgres.cluster import Cluster


def run() -> None:
    """Each act several times."""
    on_a_record(_acts)


async def _acts(long: Long) -> None:
    first = await consult.documents(long.visit(), "")
    kind, year = first.kinds[0].value, int(first.years[len(first.years) // 2].value)
    far = first
    for _ in range(20):
        far = await consult.documents(long.visit(), "", Asked(after=far.older))
    code = "10000-0"
    drawn = await consult.curve(long.visit(), "", code)
    count = Query("DocumentReference", compartments=(long.cid,), only_total=True)
    bare = await _bare(
        long.cluster, long.name, long.cid, long.door.definitions.types["DocumentReference"]
    )
    acts: list[tuple[str, str, Callable[[], Awaitable[object]]]] = [
        (
            "how many of them are seen, by scope, row security and trace",
            f"counted without any rule: {bare:.1f} ms",
            lambda: long.visit().search(count),
        ),
        ("its list", "goal 200 ms", lambda: consult.documents(long.visit(), "")),
        (
            "its list by kind and year",
            "",
            lambda: consult.documents(long.visit(), "", Asked(kind=kind, year=year)),
        ),
        (
            "its 21st page",
            "",
            lambda: consult.documents(long.visit(), "", Asked(after=far.older)),
        ),
        ("its curves, all of them", "", lambda: consult.curves(long.visit(), "")),
        (
            f"one curve of {len(drawn.points)} points",
            "",
            lambda: consult.curve(long.visit(), "", code),
        ),
    ]
    for what, beside, act in acts:
        seen = await times(act)
        tell(
            f"a record of {first.total:,} documents and {long.results:,} results: {what}",
            f"median {statistics.median(seen):.0f} ms, worst {max(seen):.0f} ms",
            beside,
        )


async def _bare(cluster: Cluster, name: str, cid: int, rtype: int) -> float:
    """Milliseconds to count the rows, by the superuser, whom no rule binds."""
    counted = b"SELECT count(*) FROM record.resource WHERE cid = %s AND rtype = %s AND NOT gone"
    async with await AsyncConnection.connect(cluster.url(database=name)) as conn:
        return statistics.median(await times(lambda: conn.execute(counted, (cid, rtype))))
