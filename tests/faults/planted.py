# SPDX-License-Identifier: EUPL-1.2
"""Faults planted on purpose: each must turn the twin worlds red, or those prove nothing.

FAULTS is the list: what is broken, and as whom it is looked for. A fault in a statement is looked for by
a process that connects as a superuser, whom row-level security does not bind (WALL is off); one in a
decision, with the service's own role, for both walls believe the decision. `run` plants them all and
says which path found each: what `bench/campaign` calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import pytest
import structlog

from carnet import errors
from carnet.access import audit_events, kinds, notices, reach
from carnet.access import queries as access
from carnet.access.door import (
    Decision,
    Nothing,
    Page,
    Visit,
    bulk,
    decide,
    everything,
    includes,
    platform,
    takeout,
    versions,
)
from carnet.access.door import visit as visits
from carnet.access.door.hops import Hops
from carnet.access.door.includes import Included
from carnet.access.door.writing import Unit
from carnet.access.labels import Label
from carnet.access.matrix import Matrix
from carnet.app.pages import PageParts
from carnet.bulk import export
from carnet.cli import record
from carnet.documents import announce, hide
from carnet.documents import queries as documents
from carnet.fhir.search import numbers, sorting
from carnet.fhir.search import scope as scope_module
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.chains import NotFollowed
from carnet.fhir.search.composites import CompositeFilter
from carnet.fhir.search.missing import Missing
from carnet.fhir.search.near import NearFilter
from carnet.fhir.search.numbers import NumberFilter, QuantityFilter
from carnet.fhir.search.query import Place, Query
from carnet.fhir.search.scope import Admits, Scope
from carnet.fhir.search.uris import UriFilter
from carnet.notices import deliver, letters
from carnet.notices import queries as outgoing
from carnet.notices.render import Rendered
from carnet.portal import bridge
from carnet.rest import conditions, outcome, search
from carnet.rest import read as reads
from carnet.rights import explain, view
from carnet.rights import queries as rights
from carnet.rights.pages import Reason
from carnet.vigilance import find
from carnet.vigilance.pages import Person
from tests.agreement import twin
from tests.agreement.worlds import Original, Twins, World, campaigning, opened, original, twins
from tests.space import Peopled

SEED = 5
ITEMS = 90
PROBES = 6_000  # at most: a run stops at the first difference
SUPERUSER, SERVICE = "carnet_admin", "{role}"
OPEN: ContextVar[bool] = ContextVar("OPEN", default=False)  # the predicate is dropped here

HEADER: ContextVar[str] = ContextVar("HEADER", default="")

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass
class Pairs:
    """Twins by persona, made once; each asked through the role a test chooses."""

    runner: asyncio.Runner
    peopled: Peopled
    of: Original
    stack: contextlib.AsyncExitStack
    made: dict[str, Twins]
    seed: int = SEED

    def differences(
        self, persona: str, role: str, *, probes: int = PROBES, kinds: tuple[str, ...] = ()
    ) -> list[str]:
        """The first differences of a run as this persona; kinds: of paths, all when none is named."""
        return self.runner.run(self._differences(persona, role, probes, kinds))

    async def _differences(
        self, persona: str, role: str, probes: int, kinds: tuple[str, ...]
    ) -> list[str]:
        if persona not in self.made:
            made = await self.stack.enter_async_context(twins(self.of, persona))
            self.made[persona] = made
            await made.b.built.pool.close()  # it is asked through others: so many would not all fit
        pair = self.made[persona]
        report = twin.Report(self.seed)
        async with self._again(pair.a, role) as a, self._again(pair.b, role) as b:
            for world in (a, b):
                world.source.begin("asking", pair.now, frozen=True)
            grammar = {name: twin.GRAMMAR[name] for name in kinds or twin.GRAMMAR}
            again = replace(pair, a=a, b=b)
            await twin.compare(again, probes, report, first=True, grammar=grammar)
        return report.leaks

    @contextlib.asynccontextmanager
    async def _again(self, world: World, role: str) -> Any:
        """Another process on the same database."""
        name = psycopg.conninfo.conninfo_to_dict(world.admin_url)["dbname"]
        async with opened(self.peopled, str(name), world.source, role=role) as other:
            yield other


@contextlib.contextmanager
def pairing(peopled: Peopled, seed: int = SEED) -> Iterator[Pairs]:
    """Worlds for all the faults: always the same, for each must hold what its fault would show.

    seed: of what is asked of them.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    stack = contextlib.AsyncExitStack()
    with asyncio.Runner() as runner:
        of = runner.run(stack.enter_async_context(original(peopled, SEED, ITEMS)))
        yield Pairs(runner, peopled, of, stack, {}, seed)
        runner.run(stack.aclose())


# --------------------------------------------------------------------------------- how they are planted

CONDITION = scope_module.condition
JUDGING = (visits, includes, search_sql, everything, takeout, audit_events, versions)


def _open_condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
    """The condition, or none where a fault has opened it."""
    return "TRUE" if OPEN.get() else CONDITION(scope, values, **more)


@contextlib.contextmanager
def _opened() -> Iterator[None]:
    token = OPEN.set(True)
    try:
        yield
    finally:
        OPEN.reset(token)


def _conditions(patch: pytest.MonkeyPatch, made: Callable[..., str]) -> None:
    for module in JUDGING:
        patch.setattr(module, "condition", made)


def _without_scope(patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """No predicate in what `owner.name` makes or asks."""
    plain = getattr(owner, name)

    def made(*given: Any, **more: Any) -> Any:
        with _opened():
            return plain(*given, **more)

    async def asked(*given: Any, **more: Any) -> Any:
        with _opened():
            return await plain(*given, **more)

    _conditions(patch, _open_condition)
    patch.setattr(owner, name, asked if asyncio.iscoroutinefunction(plain) else made)


def _rewritten(patch: pytest.MonkeyPatch, module: Any, names: str, old: str, new: str) -> None:
    """The statements with a part of them replaced; a part that is not there plants nothing."""
    for name in names.split():
        text = getattr(module, name)
        assert old in text, f"{name} does not say {old!r} any more: plant this fault elsewhere"
        patch.setattr(module, name, text.replace(old, new))


def _judged(patch: pytest.MonkeyPatch, change: Callable[[access.Link], access.Link]) -> None:
    """Links that say more than they should."""
    plain = decide.judged

    def judged(actor: Any, rpps: int, links: Any, *given: Any) -> Decision:
        return plain(actor, rpps, [change(each) for each in links], *given)

    patch.setattr(decide, "judged", judged)


async def _there(visit: Visit, rtype: str, id: str) -> bool:
    """Whether somebody may see it."""
    text, values, _ = visit._address(rtype, id)
    async with visit.door.pool.connection() as conn:
        return bool(await (await conn.execute(text.encode(), values)).fetchall())


# ------------------------------------------------------------------------- faults of the statements


def include_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The predicate is dropped from the statement of _include."""
    _without_scope(patch, Included, "_fetched")


def total_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The total is counted over what everyone has."""
    _without_scope(patch, search_sql, "counting")


def read_without_scope(patch: pytest.MonkeyPatch) -> None:
    """Whoever knows an id reads."""
    _without_scope(patch, Visit, "_one")


def search_without_scope(patch: pytest.MonkeyPatch) -> None:
    """A search finds what everyone has."""
    _without_scope(patch, search_sql, "matches")


def facets_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The list of documents counts, by year and kind, those that are not shown."""
    _without_scope(patch, search_sql, "tallying")


def chain_without_scope(patch: pytest.MonkeyPatch) -> None:
    """A chain goes through what is hidden."""
    _without_scope(patch, search_sql, "naming")


def has_without_scope(patch: pytest.MonkeyPatch) -> None:
    """_has looks at what is hidden: the sharpest knife of a bisection."""
    _without_scope(patch, search_sql, "pointing")


def archive_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The record is taken away whole, hidden documents too."""
    plain = takeout.batch

    async def batch(*given: Any, **more: Any) -> Any:
        with _opened():
            return await plain(*given, **more)

    _conditions(patch, _open_condition)
    patch.setattr("carnet.export.take.batch", batch)


def everything_without_scope(patch: pytest.MonkeyPatch) -> None:
    """$everything is everything."""
    patch.setattr(everything, "condition", lambda *given, **more: "TRUE")


def readers_without_scope(patch: pytest.MonkeyPatch) -> None:
    """Who was there is told, of what is hidden too: that somebody wrote is enough to know."""
    _without_scope(patch, Visit, "lines")


def audit_without_scope(patch: pytest.MonkeyPatch) -> None:
    """AuditEvent shows every line of a record."""
    patch.setattr(audit_events, "condition", lambda *given, **more: "TRUE")


def history_not_judged(patch: pytest.MonkeyPatch) -> None:
    """Versions are served without asking whether the current row may be seen."""
    _without_scope(patch, Visit, "_version")
    _without_scope(patch, versions, "page")


def no_clause_is_everything(patch: pytest.MonkeyPatch) -> None:
    """A scope with no clause admits all: the oldest mistake there is."""

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        found = CONDITION(scope, values, **more)
        return found if scope.admits else "TRUE"

    _conditions(patch, condition)


def labels_ignored(patch: pytest.MonkeyPatch) -> None:
    """The mask bits are not looked at."""

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        bare = tuple(Admits(clause.cids, clause.kinds, 0) for clause in scope.admits)
        return CONDITION(replace(scope, admits=bare), values, **more)

    _conditions(patch, condition)


def kinds_ignored(patch: pytest.MonkeyPatch) -> None:
    """The row of the matrix is not looked at."""
    every = tuple(kind.number for kind in kinds.table().values())

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        bare = tuple(Admits(clause.cids, every, clause.refused) for clause in scope.admits)
        return CONDITION(replace(scope, admits=bare), values, **more)

    _conditions(patch, condition)


def owners_ignored(patch: pytest.MonkeyPatch) -> None:
    """What is also about somebody else is judged by its first owner."""

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        return CONDITION(scope, values, **more).replace("r.owners IS NULL OR", "TRUE OR")

    _conditions(patch, condition)


def deposits_of_all(patch: pytest.MonkeyPatch) -> None:
    """A software sees what any organisation deposited."""

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        made = CONDITION(scope, values, **more)
        return made.replace("r.dep_org =", "r.dep_org IS NOT NULL OR r.dep_org =")

    _conditions(patch, condition)


# --------------------------------------------------------- faults of what is said of what is hidden


def next_before_scope(patch: pytest.MonkeyPatch) -> None:
    """There is a next page when there are more rows, whoever may see them."""
    plain = Visit.search

    async def search(self: Visit, query: Query) -> Page:
        page = await plain(self, query)
        if page.next is not None or not page.matches or query.only_total:
            return page
        try:
            with _opened():
                text, values = search_sql.matches(query, Scope(), self.door.place(query.rtype))
        except NotFollowed:  # a chain asks for the scopes of others: not this fault's path
            return page
        async with self.door.pool.connection() as conn:
            decision = await self.door.decide(conn, self.actor, query.compartments)
            rows = await self.fetch(conn, decision, text, values)
        if len(rows) <= query.count:
            return page
        last = page.matches[-1]
        return replace(
            page, next=self.door.cursors.write(query.rtype, last.mark, last.rid, last.cid)
        )

    _conditions(patch, _open_condition)
    patch.setattr(Visit, "search", search)


def link_counts_rows(patch: pytest.MonkeyPatch) -> None:
    """The self link says how many rows were gone through."""
    plain = Visit.search

    async def search(self: Visit, query: Query) -> Page:
        page = await plain(self, query)
        async with self.door.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT count(*) FROM record.resource WHERE rtype = %s",
                (self.door.definitions.types[query.rtype],),
            )
            ((count,),) = await cursor.fetchall()
        return replace(page, shown=(*page.shown, ("_scanned", str(count))))

    patch.setattr(Visit, "search", search)


def includes_withheld_are_told(patch: pytest.MonkeyPatch) -> None:
    """A page says that something it would include is not shown."""
    plain = Visit.search

    async def search(self: Visit, query: Query) -> Page:
        page = await plain(self, query)
        if not query.includes or query.only_total:
            return page
        with _opened():
            every = await plain(self, query)
        if len(every.included) > len(page.included):
            return replace(page, shown=(*page.shown, ("_withheld", "true")))
        return page

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        return _open_condition(scope, values, **more)

    patch.setattr(includes, "condition", condition)
    patch.setattr(Visit, "search", search)


def forbidden_for_hidden(patch: pytest.MonkeyPatch) -> None:
    """403 where the resource is there and hidden, 404 where it is not."""
    _told_of_hidden(patch, errors.Forbidden())


def other_words_for_hidden(patch: pytest.MonkeyPatch) -> None:
    """The same 404, in other words."""
    _told_of_hidden(patch, Nothing("You may not read this."))


class _Later(Nothing):
    """Nothing is known at this address, or nothing you may read."""


def other_header_for_hidden(patch: pytest.MonkeyPatch) -> None:
    """The same 404, in the same words, with one header more."""
    told = _Later()
    _told_of_hidden(patch, told)
    plain = outcome.outcome

    def said(refusal: errors.CarnetError) -> Any:
        HEADER.set("1" if refusal is told else "")
        return plain(refusal)

    answer = outcome.fhir

    def fhir(body: Any, *given: Any, **headers: Any) -> Any:
        if HEADER.get():
            headers["Retry_After"] = "1"
        return answer(body, *given, **headers)

    patch.setattr(outcome, "outcome", said)
    patch.setattr(outcome, "fhir", fhir)


def gone_for_hidden(patch: pytest.MonkeyPatch) -> None:
    """410 for what was deleted, to whom it was never shown."""
    _told_of_hidden(patch, errors.Deleted())


def _told_of_hidden(patch: pytest.MonkeyPatch, said: errors.CarnetError) -> None:
    plain = Visit.read

    async def read(self: Visit, rtype: str, id: str) -> Any:
        try:
            return await plain(self, rtype, id)
        except Nothing:
            if await _there(self, rtype, id):
                raise said from None
            raise

    patch.setattr(Visit, "read", read)


def name_of_anybody(patch: pytest.MonkeyPatch) -> None:
    """The head of a page names whoever is asked for, before the record is opened."""

    async def person(visit: Visit, patient: str) -> Any:
        place = visit.door.ids.decode(patient)
        async with visit.door.pool.connection() as conn:
            found = await access.identity(conn, place[0] if place else -1)
        if found is None:
            raise errors.NotFound
        return Person(found.shown_name, found.birth_date, found.sex)

    patch.setattr(find, "person", person)


def a_hop_too_wide(patch: pytest.MonkeyPatch) -> None:
    """A chain is refused as too wide by the number of rows it might come through."""
    plain = Hops.found

    async def found(self: Hops, query: Query) -> Any:
        with _opened():
            every = await plain(self, query)
        if len(every) % 2:
            raise errors.TooCostly
        return await plain(self, query)

    _conditions(patch, _open_condition)
    patch.setattr(Hops, "found", found)


# ------------------------------------------------------------------------- faults of the decision


def block_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Who is blocked reads as before."""
    _rewritten(patch, access, "LINKS LINKS_PROVEN", "b.rpps = %(rpps)s", "b.rpps = -1")


def linked_with_everybody(patch: pytest.MonkeyPatch) -> None:
    """Every open record is linked, whoever consented to what."""
    plain = access.links

    async def links(conn: Any, rpps: int, cids: Any, now: Any, limit: int) -> Any:
        found = await plain(conn, rpps, cids, now, limit)
        held = {one.cid for one in found}
        cursor = await conn.execute("SELECT cid, person FROM access.record WHERE state = 'open'")
        rows = await cursor.fetchall()
        more = [access.Link(cid, False, True, person=person) for cid, person in rows
                if cid not in held and (cids is None or cid in cids)]  # fmt: skip
        return [*found, *more]

    async def never(*given: Any) -> Any:
        return None, await links(*given[:5])

    patch.setattr(access, "links", links)
    patch.setattr(access, "links_proven", never)


def everyone_is_treating(patch: pytest.MonkeyPatch) -> None:
    """Whoever is in the team reads as the médecin traitant does, masked and unclassified."""
    _judged(patch, lambda link: replace(link, treating=True))


def everyone_is_trusted(patch: pytest.MonkeyPatch) -> None:
    """Every link reads what is masked, as those the holder names do."""
    _judged(patch, lambda link: replace(link, trusted=True))


def every_profession_reads_all(patch: pytest.MonkeyPatch) -> None:
    """The matrix opens every row to everybody."""
    every = tuple(sorted(kind.number for kind in kinds.table().values()))
    patch.setattr(Matrix, "reads", lambda self, profession: every)


def assistant_is_the_doctor(patch: pytest.MonkeyPatch) -> None:
    """An assistant reads by the line of whom they assist."""
    patch.setattr(decide, "ASSISTANT", "10/SM54")


def every_mandate_holds_all(patch: pytest.MonkeyPatch) -> None:
    """A mandate for papers opens care."""
    patch.setattr(reach, "of_mandate", lambda name: reach.ALL_KINDS)


def secrets_told_at_home(patch: pytest.MonkeyPatch) -> None:
    """What a minor keeps from their parents is shown to them."""
    _holding(patch, int(Label.INVISIBLE_REPRESENTANTS_LEGAUX))


def announced_too_soon(patch: pytest.MonkeyPatch) -> None:
    """What waits to be announced is shown at once."""
    _holding(patch, int(Label.INVISIBLE_PATIENT))


def _holding(patch: pytest.MonkeyPatch, bit: int) -> None:
    plain = decide.holding

    def holding(held: Any) -> Decision:
        made = plain(held)
        admits = tuple(replace(one, refused=one.refused & ~bit) for one in made.scope.admits)
        return replace(made, scope=replace(made.scope, admits=admits))

    patch.setattr(decide, "holding", holding)


def lookup_before_right(patch: pytest.MonkeyPatch) -> None:
    """A caller who may create no Patient is told whether a number is known."""
    patch.setattr(Unit, "may_create", lambda self, rtype: None)


async def _consents(visit: Visit, patient: str) -> int:
    place = visit.door.ids.decode(patient)
    async with visit.door.pool.connection() as conn:
        given = await rights.consents(conn, [place[0] if place else -1], 1000)
    return len(given)


def explain_counts(patch: pytest.MonkeyPatch) -> None:
    """Why one sees nothing depends on the rights of others."""
    plain = explain.explain

    async def tells(visit: Visit, patient: str = "", handle: str = "") -> Any:
        found = await plain(visit, patient, handle)
        more = Reason("consents", str(await _consents(visit, patient)))
        return replace(found, reasons=(*found.reasons, more))

    patch.setattr(explain, "explain", tells)


class _Everybody:
    def __contains__(self, one: object) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter(())


def consents_of_all(patch: pytest.MonkeyPatch) -> None:
    """A professional reads every consent of a record they may read."""
    patch.setattr(view, "opened_to", lambda *given: _Everybody())


def hide_says_forbidden(patch: pytest.MonkeyPatch) -> None:
    """403 where a document is hidden, 404 where there is none, when one asks to mask it."""
    plain = Unit.held

    async def held(self: Unit, rtype: str, id: str, *, lock: bool = True) -> Any:
        try:
            return await plain(self, rtype, id, lock=lock)
        except errors.NotFound:
            place = self.visit.door.ids.decode(id)
            if place is not None:
                self.decided(place[0], Decision(hide._whole(place[0]), ""))
                await plain(self, rtype, id, lock=lock)
                raise errors.Forbidden from None
            raise

    patch.setattr(Unit, "held", held)


# --------------------------------- faults of what leaves: notices, letters, jobs, copies, pages sent


def _told_how_many(patch: pytest.MonkeyPatch, module: Any) -> None:
    """What `module` renders ends with how many resources its record holds."""
    fetched, render = outgoing.fetched, module.render

    async def counted(conn: Any, query: Any, values: Any) -> list[outgoing.Outgoing]:
        found = []
        for one in await fetched(conn, query, values):
            count = await _count(conn, "cid = %s", one.cid)
            found.append(replace(one, codes={**one.codes, "count": str(count)}))
        return found

    def said(door: Any, notice: outgoing.Outgoing) -> Rendered:
        made: Rendered = render(door, notice)
        return replace(made, text=f"{made.text} {notice.codes['count']}")

    patch.setattr(outgoing, "fetched", counted)
    patch.setattr(module, "render", said)


async def _count(conn: Any, where: str, *values: Any) -> int:
    text = f"SELECT count(*) FROM record.resource WHERE {where}"
    ((count,),) = await (await conn.execute(text, values)).fetchall()
    return int(count)


def notice_says_how_many(patch: pytest.MonkeyPatch) -> None:
    """An e-mail says how much there is in the record."""
    _told_how_many(patch, deliver)


def letter_says_how_many(patch: pytest.MonkeyPatch) -> None:
    """A letter says how much there is in the record."""
    _told_how_many(patch, letters)


def a_notice_a_document(patch: pytest.MonkeyPatch) -> None:
    """At two weeks the patient is told once for each document that waits."""

    async def tell(door: Any) -> int:
        async with door.pool.connection() as conn, conn.transaction():
            await platform.enter(door, conn)
            due = await documents.to_tell(conn, door.clock() - announce.TOLD_AFTER)
            for one in due:
                await notices.send(door, conn, one.cid, "see-a-professional")
        return len(due)

    patch.setattr(announce, "tell", tell)


def handed_over_whole(patch: pytest.MonkeyPatch) -> None:
    """The copy an operator hands over holds what its person may not see."""
    plain = record.handed_over

    async def handed_over(visit: Visit, id: str) -> AsyncIterator[bytes]:
        with _opened():
            async for chunk in plain(visit, id):
                yield chunk

    _conditions(patch, _open_condition)
    patch.setattr(record, "handed_over", handed_over)


def footer_counts(patch: pytest.MonkeyPatch) -> None:
    """The foot of every page says how much there is in all."""
    plain = vars(PageParts)["matrix"].fget

    async def count(parts: PageParts) -> int:
        async with parts._built.pool.connection() as conn:
            return await _count(conn, "NOT gone")

    def matrix(parts: PageParts) -> str:
        return f"{plain(parts)}, {bridge.run(count(parts))}"

    patch.setattr(PageParts, "matrix", property(matrix))


def page_is_forbidden(patch: pytest.MonkeyPatch) -> None:
    """The page of a document that is hidden says 403, of one that is not there 404."""
    from carnet.portal import desk, refusals

    plain = refusals.refusal

    async def there(document: str) -> bool:
        built: Any = getattr(desk.parts(), "_built")  # noqa: B009
        place = built.door.ids.decode(document)
        if place is None:
            return False
        async with built.pool.connection() as conn:
            return await _count(conn, "cid = %s AND rid = %s AND NOT gone", *place) > 0

    def refusal(request: Any, error: errors.CarnetError) -> Any:
        _, _, rest = request.path.partition("/documents/")
        if rest and bridge.run(there(rest.split("/")[0])):
            return refusals.FORBIDDEN
        return plain(request, error)

    patch.setattr(refusals, "refusal", refusal)


# ------------------------------------------- faults of FHIR's other paths: amounts, patches, exports


def _opened_for(patch: pytest.MonkeyPatch, meant: Callable[[Query], bool]) -> None:
    """No predicate in the statement of a search that is meant."""
    plain = search_sql._where

    def where(query: Query, scope: Scope, place: Place) -> Any:
        if not meant(query):
            return plain(query, scope, place)
        with _opened():
            return plain(query, scope, place)

    _conditions(patch, _open_condition)
    patch.setattr(search_sql, "_where", where)


def _has_one(query: Query, *kinds: type) -> bool:
    return any(isinstance(each, kinds) for each in query.filters)


def filter_without_scope(patch: pytest.MonkeyPatch) -> None:
    """A search with _filter is its expression and no more."""
    _opened_for(patch, lambda query: any(name == "_filter" for name, _ in query.shown))


def numbers_without_scope(patch: pytest.MonkeyPatch) -> None:
    """A search by an amount finds what everyone has."""
    _opened_for(patch, lambda query: _has_one(query, NumberFilter, QuantityFilter))


def composites_without_scope(patch: pytest.MonkeyPatch) -> None:
    """A search by a composite finds what everyone has."""
    _opened_for(patch, lambda query: _has_one(query, CompositeFilter))


def missing_without_scope(patch: pytest.MonkeyPatch) -> None:
    """What lacks an element is told of everyone."""
    _opened_for(patch, lambda query: _has_one(query, Missing))


def addresses_without_scope(patch: pytest.MonkeyPatch) -> None:
    """Above or below an address, everyone's is found."""
    _opened_for(patch, lambda query: _has_one(query, UriFilter))


def positions_without_scope(patch: pytest.MonkeyPatch) -> None:
    """Near a point, everyone's places are found."""
    _opened_for(patch, lambda query: _has_one(query, NearFilter))


def amounts_of_others(patch: pytest.MonkeyPatch) -> None:
    """An amount is compared with those of the whole record: something answers, seen or not."""
    plain = numbers.row

    def row(*given: Any) -> str:
        made = plain(*given)
        assert "n.rid = r.rid AND " in made
        return made.replace("n.rid = r.rid AND ", "")

    patch.setattr(numbers, "row", row)


def sorted_by_others(patch: pytest.MonkeyPatch) -> None:
    """What is shown is ordered by the least amount of its record, seen or not."""
    plain = sorting.order

    def order(*given: Any) -> sorting.Order:
        made = plain(*given)
        joins = re.sub(r" AND (o\d)\.rid = r\.rid AND", " AND", made.joins)
        return replace(made, joins=joins)

    patch.setattr(sorting, "order", order)


def lists_without_scope(patch: pytest.MonkeyPatch) -> None:
    """_list goes through lists that are hidden."""
    _without_scope(patch, search_sql, "opening")


def changes_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The history of a type is everyone's."""
    patch.setattr(versions, "condition", lambda *given, **more: "TRUE")


def compartment_without_scope(patch: pytest.MonkeyPatch) -> None:
    """Whoever names a compartment is shown what is in it."""
    plain = search.page

    async def page(*given: Any, **more: Any) -> bytes:
        if more.get("within") is None:
            return await plain(*given, **more)
        with _opened():
            return await plain(*given, **more)

    _conditions(patch, _open_condition)
    patch.setattr(search, "page", page)


def condition_without_scope(patch: pytest.MonkeyPatch) -> None:
    """What a condition means is looked for in everything there is."""
    _without_scope(patch, conditions, "meant")


def patch_before_right(patch: pytest.MonkeyPatch) -> None:
    """The tests of a patch answer before it is known who may read."""
    plain = Unit.change

    async def change(self: Unit, rtype: str, id: str, how: Any, **more: Any) -> Any:
        try:
            return await plain(self, rtype, id, how, **more)
        except errors.NotFound:
            place = self.visit.door.ids.decode(id)
            if place is None:
                raise
            self.decided(place[0], Decision(hide._whole(place[0]), ""))
            await how(await self.current(await self.held(rtype, id, lock=False), rtype))
            raise

    patch.setattr(Unit, "change", change)


def meta_of_anybody(patch: pytest.MonkeyPatch) -> None:
    """What is said of a resource by an operation on it is said to whoever knows its id."""
    _without_scope(patch, reads, "current")


def export_without_labels(patch: pytest.MonkeyPatch) -> None:
    """The files of an export look at no mask."""

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        bare = tuple(Admits(clause.cids, clause.kinds, 0) for clause in scope.admits)
        return CONDITION(replace(scope, admits=bare), values, **more)

    patch.setattr(bulk, "condition", condition)


def export_without_scope(patch: pytest.MonkeyPatch) -> None:
    """An export is of the records it may be of, whole."""
    patch.setattr(bulk, "condition", lambda *given, **more: "TRUE")


def export_says_how_many(patch: pytest.MonkeyPatch) -> None:
    """The manifest says how much there is in all."""
    plain = export.manifest

    async def manifest(visit: Visit, one: Any, base: str) -> dict[str, Any]:
        async with visit.door.pool.connection() as conn:
            return {**await plain(visit, one, base), "count": await _count(conn, "NOT gone")}

    patch.setattr(export, "manifest", manifest)


def validation_looks_up(patch: pytest.MonkeyPatch) -> None:
    """$validate of one says something else of what is there and hidden."""
    plain = reads.current

    async def current(desk: Any, visit: Visit, rtype: str, id: str) -> Any:
        try:
            return await plain(desk, visit, rtype, id)
        except Nothing:
            if await _there(visit, rtype, id):
                raise errors.Forbidden from None
            raise

    patch.setattr(reads, "current", current)


READS = ("read", "vread", "Binary", "read, not modified")
SEARCHES = ("search, all", "search, one person", "search by token", "_count")


@dataclass(frozen=True)
class Fault:
    """One fault; persona: as whom it is looked for; kinds: paths where a quick run looks."""

    plant: Plant
    persona: str
    kinds: tuple[str, ...]
    role: str = SUPERUSER

    @property
    def name(self) -> str:
        """Of the fault and of who looks."""
        return f"{getattr(self.plant, '__name__', self.plant)} ({self.persona})"


FAULTS = (
    Fault(include_without_scope, "nurse", ("_include", "includes, both ways")),
    Fault(total_without_scope, "patient", ("_total", "_summary")),
    Fault(read_without_scope, "gp", READS),
    Fault(search_without_scope, "nurse", SEARCHES),
    Fault(facets_without_scope, "nurse", ("page of a record", "rendered page of a record")),
    Fault(chain_without_scope, "nurse", ("chain",)),
    Fault(has_without_scope, "hospital-doctor", ("_has",)),
    Fault(archive_without_scope, "patient", ("archive",)),
    Fault(everything_without_scope, "nurse", ("$everything",)),
    Fault(readers_without_scope, "patient", ("page of a record",)),
    Fault(audit_without_scope, "patient", ("AuditEvent",)),
    Fault(history_not_judged, "nurse", ("history", "vread")),
    Fault(no_clause_is_everything, "outsider", SEARCHES),
    Fault(no_clause_is_everything, "lab-software", SEARCHES),
    Fault(labels_ignored, "nurse", SEARCHES),
    Fault(labels_ignored, "patient", SEARCHES),
    Fault(labels_ignored, "parent", SEARCHES),
    Fault(kinds_ignored, "nurse", SEARCHES),
    Fault(owners_ignored, "patient", SEARCHES),
    Fault(deposits_of_all, "hospital-software", SEARCHES),
    Fault(next_before_scope, "patient", ("pages",)),
    Fault(link_counts_rows, "outsider", SEARCHES),
    Fault(includes_withheld_are_told, "nurse", ("_include", "includes, both ways")),
    Fault(includes_withheld_are_told, "parent", ("_include", "includes, both ways")),
    Fault(forbidden_for_hidden, "nurse", READS),
    Fault(other_words_for_hidden, "helper", READS),
    Fault(other_header_for_hidden, "blocked", READS),
    Fault(gone_for_hidden, "outsider", READS),
    Fault(name_of_anybody, "outsider", ("page of a record",), SERVICE),
    Fault(a_hop_too_wide, "nurse", ("chain",)),
    Fault(block_forgotten, "blocked", SEARCHES, SERVICE),
    Fault(linked_with_everybody, "outsider", SEARCHES, SERVICE),
    Fault(everyone_is_treating, "nurse", SEARCHES, SERVICE),
    Fault(everyone_is_trusted, "nurse", SEARCHES, SERVICE),
    Fault(every_profession_reads_all, "nurse", SEARCHES, SERVICE),
    Fault(assistant_is_the_doctor, "assistant", SEARCHES, SERVICE),
    Fault(every_mandate_holds_all, "helper", SEARCHES, SERVICE),
    Fault(secrets_told_at_home, "parent", SEARCHES, SERVICE),
    Fault(announced_too_soon, "patient", SEARCHES, SERVICE),
    Fault(lookup_before_right, "outsider", ("search by identifier",), SERVICE),
    Fault(explain_counts, "nurse", ("$explain",), SERVICE),
    Fault(consents_of_all, "gp", ("Consent",), SERVICE),
    Fault(hide_says_forbidden, "outsider", ("$hide and $show",), SERVICE),
    Fault(notice_says_how_many, "patient", ("notice",), SERVICE),
    Fault(notice_says_how_many, "nurse", ("notice",), SERVICE),
    Fault(letter_says_how_many, "patient", ("letter",), SERVICE),
    Fault(a_notice_a_document, "patient", ("job",), SERVICE),
    Fault(handed_over_whole, "patient", ("export, page and command",)),
    Fault(footer_counts, "outsider", ("rendered page of a record",)),
    Fault(page_is_forbidden, "nurse", ("rendered page of one thing",)),
    Fault(filter_without_scope, "nurse", ("_filter",)),
    Fault(numbers_without_scope, "nurse", ("search by quantity", "search by number")),
    Fault(composites_without_scope, "gp", ("search by composite",)),
    Fault(missing_without_scope, "patient", (":missing",)),
    Fault(addresses_without_scope, "nurse", ("search by uri",)),
    Fault(positions_without_scope, "lab-software", ("search by position",)),
    Fault(amounts_of_others, "nurse", ("search by quantity",)),
    Fault(sorted_by_others, "nurse", ("_sort by an amount",)),
    Fault(lists_without_scope, "nurse", ("_text, _content and _list",)),
    Fault(changes_without_scope, "nurse", ("history of a type and of all",)),
    Fault(compartment_without_scope, "nurse", ("compartment",)),
    Fault(condition_without_scope, "gp", ("conditional write, any parameter",)),
    Fault(condition_without_scope, "patient", ("conditional create, carried out",)),
    Fault(patch_before_right, "gp", ("PATCH with tests",), SERVICE),
    Fault(patch_before_right, "lab-software", ("PATCH in a Bundle",), SERVICE),
    Fault(meta_of_anybody, "nurse", ("$meta, everywhere", "$validate of one")),
    Fault(validation_looks_up, "outsider", ("$validate of one",)),
    Fault(export_without_labels, "nurse", ("$export",)),
    Fault(export_without_scope, "gp", ("$export",)),
    Fault(export_says_how_many, "lab-software", ("$export",)),
)


def found(pairs: Pairs, fault: Fault, *, hinted: bool) -> str:
    """Which path found it, "" when none did; hinted: looked for only where it is planted."""
    with pytest.MonkeyPatch.context() as patch:
        fault.plant(patch)
        leaks = pairs.differences(fault.persona, fault.role, kinds=fault.kinds if hinted else ())
    for leak in leaks:
        assert ": status 5" not in leak, f"{fault.name} breaks the server: it plants nothing"
    return leaks[0].split(": ")[1] if leaks else ""


@dataclass
class Caught:
    """What a run planted, and which path found it."""

    seed: int
    by: dict[str, str] = field(default_factory=dict)  # fault → path kind, "" when it was not found
    seconds: float = 0.0

    def __add__(self, other: Caught) -> Caught:
        """Two runs as one."""
        return Caught(min(self.seed, other.seed), self.by | other.by, self.seconds + other.seconds)

    @property
    def missed(self) -> list[str]:
        """Faults nothing found."""
        return [name for name, by in self.by.items() if not by]

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {len(self.by) - len(self.missed)} of {len(self.by)} faults found"
            f" in {self.seconds:.0f} s"
        )


def run(count: int, seed: int) -> Caught:
    """So many of the faults, every path asked, on a server of its own."""
    started, caught = time.perf_counter(), Caught(seed)
    chosen = random.Random(seed).sample(FAULTS, min(count, len(FAULTS)))
    with campaigning("faults") as peopled, pairing(peopled, seed) as pairs:
        for fault in sorted(chosen, key=FAULTS.index):
            caught.by[fault.name] = found(pairs, fault, hinted=False)
    caught.seconds = time.perf_counter() - started
    return caught
