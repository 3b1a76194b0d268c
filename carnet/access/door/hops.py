# SPDX-License-Identifier: EUPL-1.2
"""Chains, reverse chains and their like followed: each hop is a statement with the scope of the visit in it.

So are the Lists that `_list` names, the parts and wholes of a hierarchy, and what is opened for its words.
What a hop finds is what the caller may see, so nothing hidden is counted by a limit, and a search whose
hop is hidden is the same search as one whose hop is not there.
"""

from __future__ import annotations

import asyncio
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
from carnet.fhir.search import contents, hierarchies, logic, ranks, sorting
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.chains import Chain, Nothing
from carnet.fhir.search.codes import told
from carnet.fhir.search.contained import Reached
from carnet.fhir.search.extract import extract
from carnet.fhir.search.identifiers import IdFilter
from carnet.fhir.search.lists import Listed
from carnet.fhir.search.query import Filter, Query
from carnet.fhir.search.references import LITERAL, ReferenceFilter, literal
from carnet.fhir.search.reverse import AnyHash, Reverse, Rows, pointed
from carnet.fhir.search.scope import PUBLIC
from carnet.fhir.store.rows import Stored

if TYPE_CHECKING:
    from carnet.access.door.visit import Visit

MOST_FOUND = 5000  # resources one hop may lead to, or come from
TOGETHER = 200  # opened before others have their turn
# What is followed, what costs least first: so little is left to the next.
AHEAD = (Chain, Listed, hierarchies.Parts)
AMONG = (Reverse, contents.Words, contents.Within)  # the visible matches of the rest
FOLLOWED = (*AHEAD, *AMONG)


def public(query: Query) -> bool:
    """Whether a search reads the directory alone, whatever it follows."""
    return (
        PUBLIC.issuperset(dict(query.types) or (query.rtype,))
        and all(each.source in PUBLIC for each in query.includes)
        and all(public(next) for each in query.filters for next in _next(each))
    )


def _next(followed: Filter) -> tuple[Query, ...]:
    match followed:
        case Chain():
            return followed.targets
        case Reverse():
            return (followed.source,)
        case Listed():
            return (Query("List"),)
        case logic.Together():
            return tuple(query for part in followed.parts for query in _next(part))
        case logic.Across():
            return tuple(query for each in followed.of for query in _next(each.filter))
        case logic.Not():
            return _next(followed.of)
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
        plain = tuple(each for each in query.filters if not _followed(each, FOLLOWED))
        if len(plain) == len(query.filters):
            return query
        kept = replace(query, filters=plain)
        later = [each for each in query.filters if _followed(each, FOLLOWED)]
        for each in sorted(later, key=lambda one: _followed(one, AMONG)):
            try:
                if isinstance(each, Chain):
                    kept = await self._along(kept, each)
                else:
                    kept = _with(kept, await self._instead(kept, each))
            except errors.TooCostly as refused:
                raise self._naming(query.rtype, each, refused) from None
        return kept

    async def ordered(self, query: Query) -> Query:
        """The same search, with the places of its matches where what it is sorted by rests sealed."""
        sealed = [each for each in query.order if sorting.sealed(query.rtype, each)]
        if not sealed:
            return query
        try:
            found = await self._opened(query, ranks.MOST_ORDERED, ranks.TooManyToOrder)
        except errors.TooCostly as refused:
            refused.args = (f"_sort: {refused}",)
            raise
        own = self.visit.door.definitions.own.get(query.rtype, ())
        order = list(query.order)
        for at, each in enumerate(order):
            if each in sealed:
                places = await asyncio.to_thread(
                    ranks.ranked, found, each.param, each.kind, own, last=each.descending
                )
                order[at] = replace(each, ranks=places)
        return replace(query, sort=order[0], then=tuple(order[1:]))

    def _naming(self, rtype: str, followed: Filter, refused: errors.TooCostly) -> errors.TooCostly:
        """The same refusal, with the name of the parameter that is followed so far."""
        match followed:
            case Chain(code):
                name = code
            case contents.Words(where):
                name = str(where)
            case contents.Within(param):
                name = param
            case Listed():
                name = "_list"
            case Reverse():
                name = "_has"
            case hierarchies.Parts(number):
                known = self.visit.door.definitions.params.get(rtype, {})
                name = next((each for each, one in known.items() if one.number == number), "")
            case _:
                name = "_filter"
        refused.args = (f"{name}: {refused}",)
        return refused

    async def _instead(self, query: Query, followed: Filter) -> Filter:
        """What stands in a statement for one that is followed, among the matches of a query."""
        match followed:
            case Chain():
                targets, _ = await self._targets(followed)
                return await self._reaching(query.rtype, followed, targets)
            case Reverse():
                return await self._back(query, followed)
            case Listed():
                return await self._listed(query, followed)
            case hierarchies.Parts():
                return await self._pointing(await self._parts(followed))
            case contents.Words() | contents.Within():
                return await self._saying(query, followed)
            case logic.Together(how, parts):
                if how == "and":  # what holds beside it narrows what is looked at
                    beside = [part for part in parts if not _followed(part, FOLLOWED)]
                    query = replace(query, filters=(*query.filters, *beside))
                made = [await self._instead(query, part) for part in parts]
                return logic.Together(how, tuple(made))
            case logic.Not(of):
                return logic.Not(await self._instead(query, of))
            case logic.Across(of):
                apart = [
                    replace(each, filter=await self._instead(_on(query, each.rtype), each.filter))
                    for each in of
                ]
                return logic.Across(tuple(apart))
            case _:
                return followed

    async def _reaching(self, rtype: str, chain: Chain, targets: Sequence[str]) -> Filter:
        """A reference to the targets, or to what a resource contains; who owns it is not contained in it."""
        made = await self._pointing(ReferenceFilter(chain.number, tuple(targets)))
        owners, types = self.visit.door.owners, self.visit.door.definitions.types
        if chain.code in owners.parameters(rtype):
            return made
        named = made.targets if isinstance(made, ReferenceFilter) else ()
        inside = [(types[each.rtype], await self._inside(each)) for each in chain.targets]
        return Reached(chain.number, named, tuple(inside))

    async def _inside(self, query: Query) -> Query:
        """What is asked of a contained resource, a chain of its own by what may be contained beside it."""
        query = await self._coded(query)
        filters: list[Filter] = []
        for each in query.filters:
            if isinstance(each, Chain):
                targets, _ = await self._targets(each)
                each = await self._reaching(query.rtype, each, targets)
            filters.append(each)
        return replace(query, filters=tuple(filters))

    async def _pointing(self, made: ReferenceFilter) -> Filter:
        """A reference to these, each patient by all the compartments of their set."""
        if not made.targets:
            return Nothing()
        return (await self.widened(Query("Patient", (made,)))).filters[0]

    async def _listed(self, query: Query, listed: Listed) -> Filter:
        """What the visible Lists name."""
        lists = IdFilter(listed.lists)
        places = lists.compartments(self.visit.door.ids)
        asked = Query("List", (lists,), None if places is None else tuple(sorted(places)))
        self.named.update(places or ())
        found = await self._opened(await self.widened(asked), MOST_FOUND)
        bodies, door = [each.resource for each in found], self.visit.door
        types = query.types or ((query.rtype, door.definitions.types[query.rtype]),)
        named = [(rtype, number, listed.items(rtype, bodies)) for rtype, number in types]
        if sum(len(ids) for _, _, ids in named) > MOST_FOUND:
            raise TooWide
        made = [logic.Each(rtype, n, None, IdFilter(ids)) for rtype, n, ids in named if ids]
        return made[0].filter if made and not query.types else logic.Across(tuple(made))

    async def _parts(self, asked: hierarchies.Parts) -> ReferenceFilter:
        """A reference to the targets, and to their parts or their wholes that are seen."""
        known = dict.fromkeys(asked.targets)
        front = tuple(known)
        for _ in range(hierarchies.DEEPEST):
            beyond = await self._beyond(front, asked.side)
            front = tuple(each for each in beyond if each not in known)
            if not front:
                return ReferenceFilter(asked.number, tuple(known))
            known |= dict.fromkeys(front)
            if len(known) > MOST_FOUND:
                raise TooWide
        raise hierarchies.TooHigh

    async def _beyond(self, front: Sequence[str], side: str) -> list[str]:
        """One step further down, or up."""
        door = self.visit.door
        by_type: dict[str, list[str]] = {}
        for target in front:
            named = LITERAL.fullmatch(target)
            if named and named[1] in hierarchies.PARTS:
                by_type.setdefault(named[1], []).append(target)
        beyond: list[str] = []
        for rtype, targets in by_type.items():
            code = hierarchies.PARTS[rtype]
            if side == "below":
                number = door.definitions.params[rtype][code].number
                query = Query(rtype, (ReferenceFilter(number, tuple(targets)),))
                beyond += [f"{rtype}/{id}" for _, _, id in await self._found(query)]
                continue
            ids = IdFilter(tuple(each.split("/")[1] for each in targets))
            for each in await self._opened(Query(rtype, (ids,)), MOST_FOUND):
                said = extract(each.resource, frozenset((code,))).references
                beyond += [literal(target, "") for _, target in said]
        return beyond

    async def _saying(self, query: Query, words: contents.Words | contents.Within) -> Filter:
        """The visible matches of a query whose texts answer, opened one by one."""
        found = await self._opened(query, contents.MOST_OPENED, contents.TooManyToOpen)
        holds, rows = words.test(), list[tuple[int, int]]()
        for at, each in enumerate(found):
            if holds(each.resource):
                rows.append((each.cid, each.rid))
            if at % TOGETHER == TOGETHER - 1:
                await asyncio.sleep(0)
        return Rows(tuple(rows)) if rows else Nothing()

    async def _opened(
        self, query: Query, most: int, refusal: type[errors.TooCostly] = TooWide
    ) -> list[Stored]:
        """The visible matches of a query, opened to be compared here: nothing of them is released."""
        if any(isinstance(each, AnyHash) for each in query.filters):
            query = _with(replace(query, filters=()), await self._rows(query))
        place = self.visit.door.place(query.rtype)
        text, values = search_sql.opening(query, self.decision.scope, place, most + 1)
        rows = await self.visit.fetch(self.conn, self.decision, text, values)
        if len(rows) > most:
            raise refusal
        opened: list[Stored] = []
        for at in range(0, len(rows), TOGETHER):
            opened += await self.visit.opened(rows[at : at + TOGETHER], self.conn)
            await asyncio.sleep(0)
        return opened

    async def _coded(self, query: Query) -> Query:
        """The same search with the codes a terminology has for its value sets and hierarchies."""
        codes = self.visit.door.codes
        filters = [await told(codes, self.conn, each) for each in query.filters]
        return replace(query, filters=tuple(filters))

    async def _along(self, query: Query, chain: Chain) -> Query:
        """With the reference to what the chain's queries find."""
        targets, patients = await self._targets(chain)
        owners = self.visit.door.owners
        if chain.code not in owners.parameters(query.rtype) or owners.several(query.rtype):
            return _with(query, await self._reaching(query.rtype, chain, targets))
        if not targets:
            return _with(query, Nothing())
        if patients is not None and query.compartments is not None:
            patients &= set(query.compartments)
        made = _with(query, ReferenceFilter(chain.number, tuple(targets)))
        if patients is not None:
            made = replace(made, compartments=tuple(sorted(patients)))
        return await self.widened(made)

    async def _targets(self, chain: Chain) -> tuple[list[str], set[int] | None]:
        """What the chain's queries find, and whose records these are when all are patients."""
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
        return targets, patients

    async def _back(self, query: Query, reverse: Reverse) -> Filter:
        """The visible rows that a match of the reverse chain's source points to."""
        found = await self._found(query)
        self.named.update(reverse.source.compartments or ())
        door = self.visit.door
        place = door.place(reverse.source.rtype)
        hashes = pointed(place, reverse.number, query.rtype, [id for _, _, id in found])
        if not found:
            return Nothing()
        source = await self.widened(reverse.source)
        if any(_followed(each, FOLLOWED) for each in source.filters):
            narrow = AnyHash(tuple(hashes))  # for what it follows: each row it finds bears one
            source = await self.followed(_with(source, narrow))
            others = tuple(each for each in source.filters if each is not narrow)
            source = replace(source, filters=others)
        source = await self._coded(source)
        text, values = search_sql.pointing(source, hashes, self.decision.scope, place)
        bearing = {h for (h,) in await self._asked(text, values)}
        rows = tuple(
            (cid, rid)
            for (cid, rid, _), hashed in zip(found, hashes, strict=True)
            if hashed in bearing
        )
        return Rows(rows) if rows else Nothing()

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

    async def _rows(self, query: Query) -> Filter:
        """Its visible matches, one by one."""
        found = await self.found(query)
        return Rows(tuple((cid, rid) for cid, rid, _ in found)) if found else Nothing()

    async def _asked(self, text: str, values: dict[str, object]) -> Sequence[tuple[Any, ...]]:
        from carnet.access.door.visit import within

        if search_sql.looks(values):
            await self.conn.execute(search_sql.GATHER)
        async with self.conn.cursor(row_factory=tuple_row) as cur:
            async with within(self.conn):
                await self.visit.enter(self.conn, self.decision.scope)
                await cur.execute(text.encode(), values, prepare=search_sql.prepare(values))
            return await cur.fetchall()


def _followed(filter: Filter, kinds: tuple[type, ...]) -> bool:
    return any(logic.holds(filter, kind) for kind in kinds)


def _on(query: Query, rtype: str) -> Query:
    """A search on several types, on one of them: what is not followed yet in it is left out."""
    filters = [each.on(rtype) if isinstance(each, logic.Across) else each for each in query.filters]
    plain = tuple(each for each in filters if not _followed(each, FOLLOWED))
    return replace(query, rtype=rtype, types=(), filters=plain)


def _with(query: Query, more: Filter) -> Query:
    return replace(query, filters=(*query.filters, more))
