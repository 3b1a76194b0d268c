# SPDX-License-Identifier: EUPL-1.2
"""Statements of what tells that documents are one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import AsyncConnection

from carnet.fhir.search.columns import Side
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array

FORGET: LiteralString = "DELETE FROM documents.same WHERE cid = %(cid)s AND rid = %(rid)s"
KEEP: LiteralString = """
    INSERT INTO documents.same (cid, rid, key, exact, results, narrative)
    SELECT %(cid)s, %(rid)s, key, key = ANY (%(exact)s::bigint[]), %(results)s, %(narrative)s
      FROM unnest(%(keys)s::bigint[]) key ORDER BY key
"""
# Rows whose key another row has. Index same_shared.
SHARED = Side("documents.same", "s.key, s.exact, s.results, s.narrative, r.dep_org", "s.shared")


async def keep(conn: AsyncConnection[Any], values: dict[str, object]) -> None:
    """What a document is recognised by; under a context that may write its record. Primary key."""
    await conn.execute(FORGET, values)
    await conn.execute(KEEP, values)


async def forget(conn: AsyncConnection[Any], cid: int, rid: int) -> None:
    """Nothing is kept of a document. Primary key."""
    await conn.execute(FORGET, {"cid": cid, "rid": rid})


@dataclass(frozen=True, slots=True)
class Rows:
    """These rows alone, or all but these, by compartment and number."""

    places: tuple[tuple[int, int], ...]
    but: bool = False

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[f"{name}c"] = array(cid for cid, _ in self.places)
        values[f"{name}r"] = array(rid for _, rid in self.places)
        # NOT IN of a list that is hashed once, not looked through for each row.
        return (
            f"(r.cid, r.rid) {'NOT ' if self.but else ''}IN (SELECT * FROM"
            f" unnest(%({name}c)s::bigint[], %({name}r)s::bigint[]))"
        )


def places(every: Iterable[tuple[int, int]], *, but: bool = False) -> Rows:
    """The condition of these rows, in a stable order."""
    return Rows(tuple(sorted(set(every))), but)
