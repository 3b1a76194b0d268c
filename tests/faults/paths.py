# SPDX-License-Identifier: EUPL-1.2
"""Faults of FHIR's other paths: amounts, orders, conditions, patches, exports."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from carnet import errors
from carnet.access.door import (
    Decision,
    Nothing,
    Visit,
    bulk,
    versions,
)
from carnet.access.door.writing import Unit
from carnet.bulk import export
from carnet.documents import hide
from carnet.fhir.search import numbers, sorting
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.composites import CompositeFilter
from carnet.fhir.search.missing import Missing
from carnet.fhir.search.near import NearFilter
from carnet.fhir.search.numbers import NumberFilter, QuantityFilter
from carnet.fhir.search.query import Place, Query
from carnet.fhir.search.scope import Admits, Scope
from carnet.fhir.search.uris import UriFilter
from carnet.rest import conditions, search
from carnet.rest import read as reads
from tests.faults.planting import (
    CONDITION,
    count_of,
    every_condition,
    open_condition,
    there,
    unguarded,
    without_scope,
)


def _opened_for(patch: pytest.MonkeyPatch, meant: Callable[[Query], bool]) -> None:
    """No predicate in the statement of a search that is meant."""
    plain = search_sql._where

    def where(query: Query, scope: Scope, place: Place) -> Any:
        if not meant(query):
            return plain(query, scope, place)
        with unguarded():
            return plain(query, scope, place)

    every_condition(patch, open_condition)
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
    without_scope(patch, search_sql, "opening")


def changes_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The history of a type is everyone's."""
    patch.setattr(versions, "condition", lambda *given, **more: "TRUE")


def compartment_without_scope(patch: pytest.MonkeyPatch) -> None:
    """Whoever names a compartment is shown what is in it."""
    plain = search.page

    async def page(*given: Any, **more: Any) -> bytes:
        if more.get("within") is None:
            return await plain(*given, **more)
        with unguarded():
            return await plain(*given, **more)

    every_condition(patch, open_condition)
    patch.setattr(search, "page", page)


def condition_without_scope(patch: pytest.MonkeyPatch) -> None:
    """What a condition means is looked for in everything there is."""
    without_scope(patch, conditions, "meant")


def identifiers_of_all(patch: pytest.MonkeyPatch) -> None:
    """Whether an identifier is borne is looked for in everything there is."""
    without_scope(patch, conditions, "bearing")


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
            self.decided(place[0], Decision(hide.whole(place[0]), ""))
            await how(await self.current(await self.held(rtype, id, lock=False), rtype))
            raise

    patch.setattr(Unit, "change", change)


def meta_of_anybody(patch: pytest.MonkeyPatch) -> None:
    """What is said of a resource by an operation on it is said to whoever knows its id."""
    without_scope(patch, reads, "current")


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
            return {**await plain(visit, one, base), "count": await count_of(conn, "NOT gone")}

    patch.setattr(export, "manifest", manifest)


def validation_looks_up(patch: pytest.MonkeyPatch) -> None:
    """$validate of one says something else of what is there and hidden."""
    plain = reads.current

    async def current(desk: Any, visit: Visit, rtype: str, id: str) -> Any:
        try:
            return await plain(desk, visit, rtype, id)
        except Nothing:
            if await there(visit, rtype, id):
                raise errors.Forbidden from None
            raise

    patch.setattr(reads, "current", current)
