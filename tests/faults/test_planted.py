# SPDX-License-Identifier: EUPL-1.2
"""Faults planted on purpose: each must turn the twin worlds or the agreement red, or those prove nothing.

A fault is planted in the statement while the process connects as a superuser, whom row-level security
does not bind: the run must find it. With the service's own role the same fault must show nothing: the
second wall stands by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
import structlog

from carnet import errors
from carnet.access import kinds
from carnet.access.actor import ActorKind
from carnet.access.door import Nothing, Page, Visit
from carnet.access.door import includes as including
from carnet.access.door import visit as visits
from carnet.access.door.includes import Included
from carnet.access.door.writing import Unit
from carnet.fhir.search import scope as scope_module
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.query import Query
from carnet.fhir.search.scope import Admits, Scope
from tests.agreement import reading, twin
from tests.agreement.worlds import Original, Twins, World, opened, original, twins
from tests.space import Peopled

SEED = 5
ITEMS = 90
PROBES = 6_000  # at most: a run stops at the first difference
OPEN: ContextVar[bool] = ContextVar("OPEN", default=False)  # the predicate is dropped here

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass
class Pairs:
    """Twins by persona, made once; each asked through the role a test chooses."""

    runner: asyncio.Runner
    peopled: Peopled
    of: Original
    stack: contextlib.AsyncExitStack
    made: dict[str, Twins]

    def differences(self, persona: str, role: str, *, probes: int = PROBES) -> list[str]:
        """The first differences of a run as this persona."""
        return self.runner.run(self._differences(persona, role, probes))

    async def _differences(self, persona: str, role: str, probes: int) -> list[str]:
        if persona not in self.made:
            self.made[persona] = await self.stack.enter_async_context(twins(self.of, persona))
        pair = self.made[persona]
        report = twin.Report(SEED)
        async with self._again(pair.a, role) as a, self._again(pair.b, role) as b:
            await twin.compare(replace(pair, a=a, b=b), probes, report, first=True)
        return report.leaks

    @contextlib.asynccontextmanager
    async def _again(self, world: World, role: str) -> Any:
        """Another process on the same database."""
        name = psycopg.conninfo.conninfo_to_dict(world.admin_url)["dbname"]
        async with opened(self.peopled, str(name), world.source, role=role) as other:
            yield other


@pytest.fixture(scope="module")
def pairs(peopled: Peopled) -> Iterator[Pairs]:
    """Worlds for all the faults."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    stack = contextlib.AsyncExitStack()
    with asyncio.Runner() as runner:
        of = runner.run(stack.enter_async_context(original(peopled, SEED, ITEMS)))
        yield Pairs(runner, peopled, of, stack, {})
        runner.run(stack.aclose())


def _open_condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
    """The condition, or none where a fault has opened it."""
    return "TRUE" if OPEN.get() else CONDITION(scope, values, **more)


CONDITION = scope_module.condition


@contextlib.contextmanager
def _opened() -> Iterator[None]:
    token = OPEN.set(True)
    try:
        yield
    finally:
        OPEN.reset(token)


def _conditions(patch: pytest.MonkeyPatch, made: Callable[..., str]) -> None:
    for module in (visits, including, search_sql):
        patch.setattr(module, "condition", made)


def include_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The predicate is dropped from the statement of _include."""
    plain = Included._fetched

    async def include(*given: Any, **more: Any) -> Any:
        with _opened():
            return await plain(*given, **more)

    _conditions(patch, _open_condition)
    patch.setattr(Included, "_fetched", include)


def total_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The total is counted over what everyone has."""
    plain = search_sql.counting

    def counting(*given: Any) -> Any:
        with _opened():
            return plain(*given)

    _conditions(patch, _open_condition)
    patch.setattr(search_sql, "counting", counting)


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


def history_not_judged(patch: pytest.MonkeyPatch) -> None:
    """Versions are served without asking whether the current row may be seen."""
    plain = Visit._versions

    async def versions(*given: Any) -> Any:
        with _opened():
            return await plain(*given)

    _conditions(patch, _open_condition)
    patch.setattr(Visit, "_versions", versions)


def next_before_scope(patch: pytest.MonkeyPatch) -> None:
    """There is a next page when there are more rows, whoever may see them."""
    plain = Visit.search

    async def search(self: Visit, query: Query) -> Page:
        page = await plain(self, query)
        if page.next is not None or not page.matches or query.only_total:
            return page
        with _opened():
            text, values = search_sql.matches(query, Scope(), self.door.place(query.rtype))
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


def forbidden_for_hidden(patch: pytest.MonkeyPatch) -> None:
    """403 where the resource is there and hidden, 404 where it is not."""
    plain = Visit.read

    async def read(self: Visit, rtype: str, id: str) -> Any:
        try:
            return await plain(self, rtype, id)
        except Nothing:
            with _opened():
                await plain(self, rtype, id)  # Nothing again when it is truly absent
            raise errors.Forbidden from None

    _conditions(patch, _open_condition)
    patch.setattr(Visit, "read", read)


STATEMENTS: list[tuple[Plant, str]] = [
    (include_without_scope, "nurse"),
    (total_without_scope, "patient"),
    (no_clause_is_everything, "outsider"),
    (no_clause_is_everything, "lab-software"),
    (labels_ignored, "nurse"),
    (labels_ignored, "patient"),
    (kinds_ignored, "nurse"),
    (owners_ignored, "patient"),
    (history_not_judged, "nurse"),
    (next_before_scope, "patient"),
    (forbidden_for_hidden, "nurse"),
]


def _name(value: object) -> str:
    return str(getattr(value, "__name__", value))


@pytest.mark.parametrize(("plant", "persona"), STATEMENTS, ids=_name)
def test_a_fault_in_a_statement_is_found(
    pairs: Pairs, monkeypatch: pytest.MonkeyPatch, plant: Plant, persona: str
) -> None:
    plant(monkeypatch)
    assert pairs.differences(persona, "carnet_admin")


@pytest.mark.parametrize(("plant", "persona"), STATEMENTS, ids=_name)
def test_row_level_security_alone_stops_the_same_fault(
    pairs: Pairs, monkeypatch: pytest.MonkeyPatch, plant: Plant, persona: str
) -> None:
    plant(monkeypatch)
    assert pairs.differences(persona, "{role}", probes=250) == []


@pytest.mark.parametrize("persona", sorted({persona for _, persona in STATEMENTS}))
def test_without_a_fault_nothing_is_found(pairs: Pairs, persona: str) -> None:
    assert pairs.differences(persona, "carnet_admin", probes=250) == []


def test_a_lookup_before_the_right_to_create_is_found(
    pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who may create no Patient was told whether a number is known."""
    monkeypatch.setattr(Unit, "may_create", lambda self, rtype: None)
    assert pairs.differences("outsider", "{role}", probes=3_000)


def test_a_swapped_cell_of_the_matrix_breaks_the_agreement(pairs: Pairs) -> None:
    world = pairs.of.world
    swapped = dict(world.built.door.matrix.rows)
    swapped["60"] = (*(row for row in swapped["60"] if row != 12), 11)
    door = replace(world.built.door, matrix=replace(world.built.door.matrix, rows=swapped))

    async def agree(asked: Any) -> bool:
        from tests.agreement.test_visibility import by_rls, by_sql
        from tests.agreement.worlds import judge

        actor = await world.actor("nurse")
        assert actor.kind is ActorKind.PROFESSIONAL
        seen, _, _ = judge(world.admin_url, reading.viewer(actor), world.source.now)
        async with await psycopg.AsyncConnection.connect(world.admin_url) as conn:
            decision = await asked.decide(conn, actor, None)
            found = await by_sql(conn, decision.scope), await by_rls(conn, asked, decision.scope)
        return found == ({rid for _, rid in seen},) * 2

    assert pairs.runner.run(agree(world.built.door))
    assert not pairs.runner.run(agree(door))
