# SPDX-License-Identifier: EUPL-1.2
"""Faults of what is said of what is hidden: a status, words, a header, a link."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest

from carnet import errors
from carnet.access import queries as access
from carnet.access.door import (
    Nothing,
    Page,
    Visit,
    includes,
)
from carnet.access.door.hops import Hops
from carnet.access.door.writing import Unit
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.chains import NotFollowed
from carnet.fhir.search.query import Query
from carnet.fhir.search.scope import Scope
from carnet.rest import outcome
from carnet.vigilance import find
from carnet.vigilance.pages import Person
from tests.faults.planting import count_of, every_condition, open_condition, there, unguarded

HEADER: ContextVar[str] = ContextVar("HEADER", default="")


def next_before_scope(patch: pytest.MonkeyPatch) -> None:
    """There is a next page when there are more rows, whoever may see them."""
    plain = Visit.search

    async def search(self: Visit, query: Query) -> Page:
        page = await plain(self, query)
        if page.next is not None or not page.matches or query.only_total:
            return page
        try:
            with unguarded():
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

    every_condition(patch, open_condition)
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
        with unguarded():
            every = await plain(self, query)
        if len(every.included) > len(page.included):
            return replace(page, shown=(*page.shown, ("_withheld", "true")))
        return page

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        return open_condition(scope, values, **more)

    patch.setattr(includes, "condition", condition)
    patch.setattr(Visit, "search", search)


def forbidden_for_hidden(patch: pytest.MonkeyPatch) -> None:
    """403 where the resource is there and hidden, 404 where it is not."""
    told_of_hidden(patch, errors.Forbidden())


def other_words_for_hidden(patch: pytest.MonkeyPatch) -> None:
    """The same 404, in other words."""
    told_of_hidden(patch, Nothing("You may not read this."))


class _Later(Nothing):
    """Nothing is known at this address, or nothing you may read."""


def other_header_for_hidden(patch: pytest.MonkeyPatch) -> None:
    """The same 404, in the same words, with one header more."""
    told = _Later()
    told_of_hidden(patch, told)
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
    told_of_hidden(patch, errors.Deleted())


def told_of_hidden(patch: pytest.MonkeyPatch, said: errors.CarnetError) -> None:
    plain = Visit.read

    async def read(self: Visit, rtype: str, id: str) -> Any:
        try:
            return await plain(self, rtype, id)
        except Nothing:
            if await there(self, rtype, id):
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
        with unguarded():
            every = await plain(self, query)
        if len(every) % 2:
            raise errors.TooCostly
        return await plain(self, query)

    every_condition(patch, open_condition)
    patch.setattr(Hops, "found", found)


# ------------------------------------------------------------------------ writes that tell what is there


def hidden_id_is_taken(patch: pytest.MonkeyPatch) -> None:
    """A UUID that something hidden has cannot be taken."""
    plain = Unit.place

    async def place(self: Unit, resource: Any, *given: Any, chosen: Any = None, **more: Any) -> Any:
        if chosen is not None and await count_of(self.conn, "id = %s", chosen):
            raise errors.Conflict
        return await plain(self, resource, *given, chosen=chosen, **more)

    patch.setattr(Unit, "place", place)


def references_looked_up(patch: pytest.MonkeyPatch) -> None:
    """What points to nothing is refused, what points to something hidden is not."""
    put, flush = Unit.put, Unit.flush
    sent: dict[int, set[str]] = {}

    def noted(self: Unit, address: Any, resource: Any, *given: Any, **more: Any) -> Any:
        sent.setdefault(id(self), set()).update(re.findall(r"/([a-z2-7]{26})", str(resource)))
        return put(self, address, resource, *given, **more)

    async def flushed(self: Unit) -> None:
        for each in sent.pop(id(self), ()):
            found = self.visit.door.ids.decode(each)
            if found and not await count_of(self.conn, "cid = %s AND rid = %s", *found):
                raise errors.Invalid
        await flush(self)

    patch.setattr(Unit, "put", noted)
    patch.setattr(Unit, "flush", flushed)
