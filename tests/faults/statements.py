# SPDX-License-Identifier: EUPL-1.2
"""Faults of the statements: a predicate dropped, or a part of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from carnet.access import audit_events, kinds
from carnet.access.door import (
    Visit,
    everything,
    takeout,
    versions,
)
from carnet.access.door.includes import Included
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.scope import Admits, Scope
from tests.faults.planting import (
    CONDITION,
    every_condition,
    open_condition,
    unguarded,
    without_scope,
)


def include_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The predicate is dropped from the statement of _include."""
    without_scope(patch, Included, "_fetched")


def total_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The total is counted over what everyone has."""
    without_scope(patch, search_sql, "counting")


def read_without_scope(patch: pytest.MonkeyPatch) -> None:
    """Whoever knows an id reads."""
    without_scope(patch, Visit, "_one")


def search_without_scope(patch: pytest.MonkeyPatch) -> None:
    """A search finds what everyone has."""
    without_scope(patch, search_sql, "matches")


def facets_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The list of documents counts, by year and kind, those that are not shown."""
    without_scope(patch, search_sql, "tallying")


def chain_without_scope(patch: pytest.MonkeyPatch) -> None:
    """A chain goes through what is hidden."""
    without_scope(patch, search_sql, "naming")


def has_without_scope(patch: pytest.MonkeyPatch) -> None:
    """_has looks at what is hidden: the sharpest knife of a bisection."""
    without_scope(patch, search_sql, "pointing")


def archive_without_scope(patch: pytest.MonkeyPatch) -> None:
    """The record is taken away whole, hidden documents too."""
    plain = takeout.batch

    async def batch(*given: Any, **more: Any) -> Any:
        with unguarded():
            return await plain(*given, **more)

    every_condition(patch, open_condition)
    patch.setattr("carnet.export.take.batch", batch)


def everything_without_scope(patch: pytest.MonkeyPatch) -> None:
    """$everything is everything."""
    patch.setattr(everything, "condition", lambda *given, **more: "TRUE")


def readers_without_scope(patch: pytest.MonkeyPatch) -> None:
    """Who was there is told, of what is hidden too: that somebody wrote is enough to know."""
    without_scope(patch, Visit, "lines")


def audit_without_scope(patch: pytest.MonkeyPatch) -> None:
    """AuditEvent shows every line of a record."""
    patch.setattr(audit_events, "condition", lambda *given, **more: "TRUE")


def history_not_judged(patch: pytest.MonkeyPatch) -> None:
    """Versions are served without asking whether the current row may be seen."""
    without_scope(patch, Visit, "_version")
    without_scope(patch, versions, "page")


def no_clause_is_everything(patch: pytest.MonkeyPatch) -> None:
    """A scope with no clause admits all: the oldest mistake there is."""

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        found = CONDITION(scope, values, **more)
        return found if scope.admits else "TRUE"

    every_condition(patch, condition)


def labels_ignored(patch: pytest.MonkeyPatch) -> None:
    """The mask bits are not looked at."""

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        bare = tuple(Admits(clause.cids, clause.kinds, 0) for clause in scope.admits)
        return CONDITION(replace(scope, admits=bare), values, **more)

    every_condition(patch, condition)


def kinds_ignored(patch: pytest.MonkeyPatch) -> None:
    """The row of the matrix is not looked at."""
    every = tuple(kind.number for kind in kinds.table().values())

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        bare = tuple(Admits(clause.cids, every, clause.refused) for clause in scope.admits)
        return CONDITION(replace(scope, admits=bare), values, **more)

    every_condition(patch, condition)


def owners_ignored(patch: pytest.MonkeyPatch) -> None:
    """What is also about somebody else is judged by its first owner."""

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        return CONDITION(scope, values, **more).replace("r.owners IS NULL OR", "TRUE OR")

    every_condition(patch, condition)


def deposits_of_all(patch: pytest.MonkeyPatch) -> None:
    """A software sees what any organisation deposited."""

    def condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
        made = CONDITION(scope, values, **more)
        return made.replace("r.dep_org =", "r.dep_org IS NOT NULL OR r.dep_org =")

    every_condition(patch, condition)
