# SPDX-License-Identifier: EUPL-1.2
"""The documents that resources were read in: those this actor may see, each with what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from carnet.access.door.visit import Visit, decided
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.scope import array, condition
from carnet.fhir.store.rows import Stored

# A resource follows its document, in the same compartment; `mark` says which came of each.
ORIGINS = """
    SELECT {columns}, o.rids AS mark
      FROM (SELECT r.cid, r.origin, string_agg(r.rid::text, ',') AS rids
              FROM unnest(%(o_cids)s::bigint[], %(o_rids)s::bigint[]) w (cid, rid)
              JOIN record.resource r USING (cid, rid)
             WHERE r.origin IS NOT NULL AND NOT r.gone AND {seen} GROUP BY 1, 2) o
      JOIN record.resource r ON r.cid = o.cid AND r.rid = o.origin
     WHERE NOT r.gone AND {seen} ORDER BY r.rid DESC
"""


@decided
async def origins(
    visit: Visit, cid: int, resources: Iterable[Stored]
) -> dict[tuple[int, int], Stored]:
    """The document of each resource of one record, by its place; what came with none has none."""
    places = sorted({(each.cid, each.rid) for each in resources})
    if not places:
        return {}
    async with visit.door.pool.connection() as conn:
        decision = await visit._decide(conn, [cid])
        values: dict[str, object] = {
            "o_cids": array(place[0] for place in places),
            "o_rids": array(place[1] for place in places),
        }
        seen = condition(decision.scope, values, public=False)
        text = ORIGINS.format(columns=search_sql.COLUMNS, seen=seen)
        rows = await visit._fetch_traced(
            conn, decision, text, values, "search", [cid], len(places), whatever=decision.granted
        )
    found = {}
    for stored in await visit.opened(rows):
        for rid in stored.mark.split(","):
            found[stored.cid, int(rid)] = stored
    return found
