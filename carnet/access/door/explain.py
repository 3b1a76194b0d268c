# SPDX-License-Identifier: EUPL-1.2
"""How a search is compiled, for operators: what was understood, its statements, their plans and indexes.

Nobody's scope is decided on: the statements are those of a kind of caller, with records that are not
there. Nothing is read: the plans are PostgreSQL's, without their constants, counts and costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg import AsyncConnection

from carnet import errors
from carnet.access.door.decide import Door
from carnet.access.door.hops import FOLLOWED
from carnet.access.seal import SET
from carnet.fhir.definitions import SearchParameter
from carnet.fhir.search import sorting
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.chains import Chain
from carnet.fhir.search.codes import told
from carnet.fhir.search.logic import Not, Together
from carnet.fhir.search.query import Filter, Query
from carnet.fhir.search.ranks import Ranks
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.reverse import Reverse, Rows
from carnet.fhir.search.scope import Admits, OfOrganisation, Scope, context_parts
from carnet.fhir.search.strings import READABLE
from carnet.fhir.store.ids import EPOCH

NOBODY: Final = (1 << 62) + 1  # a compartment no one has
MANY: Final = tuple(range(NOBODY, NOBODY + 50))
KINDS: Final = tuple(range(1, 30))  # rows of the access matrix
SCOPES: Final[dict[str, Scope]] = {
    "patient": Scope((Admits((NOBODY,), KINDS, 2),)),
    "professional": Scope(
        (Admits(MANY[:5], KINDS, 0), Admits(MANY, KINDS, 1)),
        team=OfOrganisation(NOBODY, MANY, KINDS),
        professional=1,
        held=MANY,
        loose_since=EPOCH,
    ),
    "software": Scope(software=NOBODY, loose_since=EPOCH),
    "anybody": Scope(),  # the directory and the definitions
}
PLACED: Final = re.compile(r"%\((\w+)\)s")
TEXT: Final = re.compile(r"E?'(?:[^']|'')*'")
NUMBER: Final = re.compile(r"(?<![\w$.\"])-?\d+(?:\.\d+)?(?![\w\"])")
ROW: Final = Rows(((NOBODY, NOBODY),))  # in the place of those that a hop would find
SAID: Final = ("Index Cond", "Recheck Cond", "Filter", "Join Filter", "Hash Cond", "One-Time Filter",
               "Sort Key", "Subplan Name")  # fmt: skip


class UnknownCaller(errors.NotFound):
    """--as is patient, professional, software or anybody."""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement. sql: its values are names, `:f0`; plan: a line a node; indexes: those it uses."""

    title: str
    sql: str
    plan: tuple[str, ...]
    indexes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """parameters: a line each, as understood. steps: statements in the order they are made."""

    parameters: tuple[str, ...]
    steps: tuple[Step, ...]


async def explain(door: Door, query: Query, caller: str) -> Explained:
    """A search of a kind of caller."""
    scope = SCOPES.get(caller)
    if scope is None:
        raise UnknownCaller
    async with door.pool.connection() as conn, conn.transaction():
        await conn.execute(SET, (door.context(conn, context_parts(scope)),))
        explaining = _Explaining(door, conn, scope, [])
        await explaining.page(query)
    return Explained(tuple(_understood(door, query)), tuple(explaining.steps))


@dataclass(frozen=True, slots=True)
class _Explaining:
    door: Door
    conn: AsyncConnection[Any]
    scope: Scope
    steps: list[Step]

    async def page(self, query: Query) -> None:
        place = self.door.place(query.rtype)
        plain = await self._plain(query)
        if query.total or query.only_total:
            text, values = search_sql.counting(plain, self.scope, place)
            await self._step(f"{query.rtype}: how many there are", text, values)
        if not query.only_total:
            order = [
                replace(each, ranks=Ranks((), ())) if sorting.sealed(query.rtype, each) else each
                for each in query.order
            ]
            if any(each.ranks for each in order):
                title = f"{query.rtype}: what is sorted by, opened"
                await self._step(title, *search_sql.opening(plain, self.scope, place, 1))
                plain = replace(plain, sort=order[0], then=tuple(order[1:]))
            text, values = search_sql.matches(plain, self.scope, place)
            await self._step(f"{query.rtype}: a page", text, values)

    async def _plain(self, query: Query) -> Query:
        """The hops first; then the search with one row in the place of what each would find."""
        kept = [await self._instead(query.rtype, each) for each in query.filters]
        return replace(query, filters=tuple(kept))

    async def _instead(self, rtype: str, asked: Filter) -> Filter:
        match asked:
            case Chain():
                for target in asked.targets:
                    await self._hop(target, f"{target.rtype}: what {asked.code} leads to")
                return ReferenceFilter(asked.number, ("Nothing/x",))
            case Reverse(source=source):
                plain = await self._plain(source)
                place = self.door.place(source.rtype)
                text, values = search_sql.pointing(plain, [0], self.scope, place)
                await self._step(f"{source.rtype}: what points back", text, values)
                return ROW
            case Together():
                parts = [await self._instead(rtype, each) for each in asked.parts]
                return replace(asked, parts=tuple(parts))
            case Not():
                return Not(await self._instead(rtype, asked.of))
            case _ if isinstance(asked, FOLLOWED):
                name = type(asked).__name__.lower()
                self.steps.append(Step(f"{rtype}: {name}, by statements of its own", "", (), ()))
                return ROW
            case _:
                return await told(self.door.codes, self.conn, asked)

    async def _hop(self, query: Query, title: str) -> None:
        plain = await self._plain(query)
        place = self.door.place(query.rtype)
        await self._step(title, *search_sql.naming(plain, self.scope, place, 1))

    async def _step(self, title: str, text: str, values: dict[str, object]) -> None:
        cursor = await self.conn.execute(
            f"EXPLAIN (FORMAT JSON, COSTS OFF) {text}".encode(), values
        )
        row = await cursor.fetchone()
        assert row is not None
        plan = row[0][0]["Plan"]
        lines = tuple(_lines(plan, 0))
        indexes = tuple(sorted(set(_indexes(plan))))
        self.steps.append(Step(title, PLACED.sub(r":\1", text), lines, indexes))


def _lines(node: Mapping[str, Any], depth: int) -> Iterator[str]:
    """A plan, a line a node: what it does and on what, no constant of it."""
    name = node["Node Type"]
    on = [node[each] for each in ("Index Name", "Relation Name", "CTE Name") if each in node]
    said = f"{'  ' * depth}{name}" + (f" {' on '.join(on)}" if on else "")
    for each in SAID:
        if each in node:
            condition = node[each]
            text = ", ".join(condition) if isinstance(condition, list) else condition
            said += f"\n{'  ' * depth}    {each}: {masked(text)}"
    yield said
    for inner in node.get("Plans", ()):
        yield from _lines(inner, depth + 1)


def masked(condition: str) -> str:
    """A condition of a plan without its constants."""
    return NUMBER.sub("?", TEXT.sub("'?'", condition))


def _indexes(node: Mapping[str, Any]) -> Iterator[str]:
    if "Index Name" in node:
        yield node["Index Name"]
    for inner in node.get("Plans", ()):
        yield from _indexes(inner)


def _understood(door: Door, query: Query) -> Iterator[str]:
    """The parameters of the search as they were taken, without their values."""
    for name, value in query.shown:
        bare = re.split("[:.]", name, maxsplit=1)[0]
        parameter = door.definitions.params[query.rtype].get(bare)
        if parameter is None:
            # A parameter of the result, a reverse chain, _filter: no value of it is repeated.
            yield name
            continue
        many = value.count(",") + 1
        whose = "of the installation" if parameter.own else "R4"
        yield (
            f"{name} ({parameter.type}, {whose}, {many} value{'s' if many > 1 else ''}):"
            f" {_kept(door, query.rtype, parameter)}"
        )
        if parameter.expression:
            yield f"  {parameter.expression}"
    for each in query.includes:
        yield f"{'_revinclude' if each.back else '_include'} {each.source}:{each.param}"
    if query.compartments is not None:
        yield f"records named: {len(query.compartments)}"


def _kept(door: Door, rtype: str, parameter: SearchParameter) -> str:
    """Where its values rest."""
    if parameter.code == door.owners.principal(rtype):
        return "columns lo and hi of record.resource"
    if parameter.type == "date":
        return "record.idx_date"
    if parameter.type == "string" and rtype in READABLE:
        return "record.idx_string"
    if parameter.type in ("number", "quantity", "special"):
        return "record.idx_number, sealed"
    if parameter.type == "composite":
        return "keyed hashes in toks, or record.idx_number, sealed"
    return "keyed hashes in toks"
