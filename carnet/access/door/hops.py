# SPDX-License-Identifier: EUPL-1.2
"""Chains and reverse chains followed: each hop is a statement with the scope of the visit in it.

What a hop finds is what the caller may see, so nothing hidden is counted by a limit, and a search whose
hop is hidden is the same search as one whose hop is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from carnet import errors
from carnet.access import queries
from carnet.access.actor import ActorKind
from carnet.access.door.decide import Decision
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.chains import Chain, Nothing
from carnet.fhir.search.query import Filter, Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.reverse import AnyHash, Reverse, Rows, pointed

if TYPE_CHECKING:
    from carnet.access.door.visit import Visit

MOST_FOUND = 5000  # resources one hop may lead to, or come from


class TooWide(errors.TooCostly):
    """A chained parameter leads by too many resources: add parameters that narrow it."""


@dataclass(frozen=True, slots=True)
class Hops:
    """The hops of one search of one visit."""

    visit: Visit
    conn: AsyncConnection[Any]
    decision: Decision

    async def followed(self, query: Query) -> Query:
        """The same search with the rows its chains lead to in their place."""
        if not any(isinstance(each, Chain | Reverse) for each in query.filters):
            return query
        kept = replace(
            query, filters=tuple(f for f in query.filters if not isinstance(f, Chain | Reverse))
        )
        for each in query.filters:
            if isinstance(each, Chain):
                kept = await self._along(kept, each)
        for each in query.filters:
            if isinstance(each, Reverse):
                kept = await self._back(kept, each)
        return kept

    async def _along(self, query: Query, chain: Chain) -> Query:
        """With the reference to what the chain's queries find."""
        targets: list[str] = []
        patients: set[int] | None = set()
        for each in chain.targets:
            found = await self.found(await self._plain(each))
            targets += [f"{each.rtype}/{id}" for _, _, id in found]
            if len(targets) > MOST_FOUND:
                raise TooWide
            if found and each.rtype != "Patient":
                patients = None
            elif patients is not None:
                patients |= {cid for cid, _, _ in found}
        if not targets:
            return _with(query, Nothing())
        owners = self.visit.door.owners
        if chain.code not in owners.parameters(query.rtype) or owners.several(query.rtype):
            patients = None
        if patients is not None and query.compartments is not None:
            patients &= set(query.compartments)
        made = _with(query, ReferenceFilter(chain.number, tuple(targets)))
        if patients is not None:
            made = replace(made, compartments=tuple(sorted(patients)))
        return await self.widened(made)

    async def _back(self, query: Query, reverse: Reverse) -> Query:
        """With the rows that a match of the reverse chain's source points to."""
        found = await self.found(query)
        door = self.visit.door
        place = door.place(reverse.source.rtype)
        hashes = pointed(place, reverse.number, query.rtype, [id for _, _, id in found])
        if not found:
            return _with(query, Nothing())
        source = await self.widened(reverse.source)
        if any(isinstance(each, Chain | Reverse) for each in source.filters):
            source = await self.followed(_with(source, AnyHash(tuple(hashes))))
        text, values = search_sql.pointing(source, hashes, self.decision.scope, place)
        bearing = {h for (h,) in await self._asked(text, values)}
        rows = tuple(
            (cid, rid)
            for (cid, rid, _), hashed in zip(found, hashes, strict=True)
            if hashed in bearing
        )
        return _with(query, Rows(rows) if rows else Nothing())

    async def _plain(self, query: Query) -> Query:
        return await self.followed(await self.widened(query))

    async def widened(self, query: Query) -> Query:
        """About all the records that are one person's with those it names."""
        ids = self.visit.door.ids
        merged = self.decision.merged
        if self.visit.actor.kind is ActorKind.SOFTWARE:
            named = query.patients(ids)
            merged = await queries.sets(self.conn, sorted(named)) if named else {}
        return query.widened(merged, ids) if merged else query

    async def found(self, query: Query) -> list[tuple[int, int, str]]:
        """Place and id of each visible match; TooWide when they are too many."""
        place = self.visit.door.place(query.rtype)
        text, values = search_sql.naming(query, self.decision.scope, place, MOST_FOUND + 1)
        found = await self._asked(text, values)
        if len(found) > MOST_FOUND:
            raise TooWide
        return sorted((cid, rid, id) for cid, rid, id in found)

    async def _asked(self, text: str, values: dict[str, object]) -> Sequence[tuple[Any, ...]]:
        from carnet.access.door.visit import within

        async with self.conn.cursor(row_factory=tuple_row) as cur:
            async with within(self.conn):
                await self.visit.enter(self.conn, self.decision.scope)
                await cur.execute(text.encode(), values, prepare=search_sql.prepare(values))
            return await cur.fetchall()


def _with(query: Query, more: Filter) -> Query:
    return replace(query, filters=(*query.filters, more))
