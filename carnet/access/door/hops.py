# SPDX-License-Identifier: EUPL-1.2
"""Chains and reverse chains followed: each hop is a statement with the scope of the visit in it.

What a hop finds is what the caller may see, so nothing hidden is counted by a limit, and a search whose
hop is hidden is the same search as one whose hop is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from carnet import errors
from carnet.access import audit, queries
from carnet.access.actor import ActorKind
from carnet.access.door.decide import Decision
from carnet.access.remembered import MOST_TOGETHER
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.chains import Chain, Nothing
from carnet.fhir.search.codes import told
from carnet.fhir.search.query import Filter, Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.reverse import AnyHash, Reverse, Rows, pointed
from carnet.fhir.search.scope import PUBLIC

if TYPE_CHECKING:
    from carnet.access.door.visit import Visit

MOST_FOUND = 5000  # resources one hop may lead to, or come from


def public(query: Query) -> bool:
    """Whether a search reads the directory alone, whatever it follows."""
    return (
        query.rtype in PUBLIC
        and all(each.source in PUBLIC for each in query.includes)
        and all(public(next) for each in query.filters for next in _next(each))
    )


def _next(followed: Filter) -> tuple[Query, ...]:
    match followed:
        case Chain():
            return followed.targets
        case Reverse():
            return (followed.source,)
        case _:
            return ()


class TooWide(errors.TooCostly):
    """A chained parameter leads by too many resources: add parameters that narrow it."""


@dataclass(frozen=True, slots=True)
class Hops:
    """The hops of one search of one visit.

    named: records that a hop named by an id, or patients that one led to when they are few: what the
    search tells is of them, whether the page shows anything of theirs or not.
    """

    visit: Visit
    conn: AsyncConnection[Any]
    decision: Decision
    named: set[int] = field(default_factory=set)

    async def followed(self, query: Query) -> Query:
        """The same search with the rows its chains lead to, and the codes it names, in their place."""
        query = await self._coded(query)
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

    async def _coded(self, query: Query) -> Query:
        """The same search with the codes a terminology has for its value sets and hierarchies."""
        codes = self.visit.door.codes
        filters = [await told(codes, self.conn, each) for each in query.filters]
        return replace(query, filters=tuple(filters))

    async def _along(self, query: Query, chain: Chain) -> Query:
        """With the reference to what the chain's queries find."""
        targets: list[str] = []
        patients: set[int] | None = set()
        for each in chain.targets:
            found = await self._found(await self._plain(each))
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
        found = await self._found(query)
        self.named.update(reverse.source.compartments or ())
        door = self.visit.door
        place = door.place(reverse.source.rtype)
        hashes = pointed(place, reverse.number, query.rtype, [id for _, _, id in found])
        if not found:
            return _with(query, Nothing())
        source = await self.widened(reverse.source)
        if any(isinstance(each, Chain | Reverse) for each in source.filters):
            source = await self.followed(_with(source, AnyHash(tuple(hashes))))
        source = await self._coded(source)
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

    async def traced(self, asked: Sequence[int] | None, shown: Iterable[int] = ()) -> None:
        """A line in each record that was named, but the one the search's own trace names.

        asked: those the search names. shown: those of the page, which its trace names.
        """
        told = set(shown)
        if asked is not None and len(asked) == 1:
            told.add(asked[0])
        told.update(each for cid in list(told) for each in self.decision.merged.get(cid, ()))
        door, actor = self.visit.door, self.visit.actor
        for cid in sorted(self.named.union(asked or ()) - told - {0}):
            # By the rule of that record: the search's own is the least of all.
            made = await door.decide(self.conn, actor, [cid])
            trace = self.visit.trace("search", made.rule)
            await audit.write(self.conn, trace, granted=made.granted, cids=[cid])

    async def counted(self, query: Query) -> None:
        """Whose a number is of, when they are few: it is told of them."""
        place = self.visit.door.place(query.rtype)
        text, values = search_sql.records(query, self.decision.scope, place, MOST_TOGETHER + 1)
        found = await self._asked(text, values)
        if len(found) <= MOST_TOGETHER:
            self.named.update(cid for (cid,) in found)

    async def _found(self, query: Query) -> list[tuple[int, int, str]]:
        self.named.update(query.compartments or ())
        found = await self.found(query)
        if query.rtype == "Patient" and len(found) <= MOST_TOGETHER:
            self.named.update(cid for cid, _, _ in found)
        return found

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
