# SPDX-License-Identifier: EUPL-1.2
"""How faults are planted: a predicate opened, a statement rewritten, a decision that says more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from carnet.access import audit_events
from carnet.access import queries as access
from carnet.access.door import (
    Decision,
    Visit,
    decide,
    everything,
    includes,
    takeout,
    versions,
)
from carnet.access.door import visit as visits
from carnet.fhir.search import scope as scope_module
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.scope import Scope

OPEN: ContextVar[bool] = ContextVar("OPEN", default=False)  # the predicate is dropped here

Plant = Callable[[pytest.MonkeyPatch], None]

CONDITION = scope_module.condition
JUDGING = (visits, includes, search_sql, everything, takeout, audit_events, versions)


def open_condition(scope: Scope, values: dict[str, object], **more: Any) -> str:
    """The condition, or none where a fault has opened it."""
    return "TRUE" if OPEN.get() else CONDITION(scope, values, **more)


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    token = OPEN.set(True)
    try:
        yield
    finally:
        OPEN.reset(token)


def every_condition(patch: pytest.MonkeyPatch, made: Callable[..., str]) -> None:
    for module in JUDGING:
        patch.setattr(module, "condition", made)


def without_scope(patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """No predicate in what `owner.name` makes or asks."""
    plain = getattr(owner, name)

    def made(*given: Any, **more: Any) -> Any:
        with unguarded():
            return plain(*given, **more)

    async def asked(*given: Any, **more: Any) -> Any:
        with unguarded():
            return await plain(*given, **more)

    every_condition(patch, open_condition)
    patch.setattr(owner, name, asked if asyncio.iscoroutinefunction(plain) else made)


def rewritten(patch: pytest.MonkeyPatch, module: Any, names: str, old: str, new: str) -> None:
    """The statements with a part of them replaced; a part that is not there plants nothing."""
    for name in names.split():
        text = getattr(module, name)
        assert old in text, f"{name} does not say {old!r} any more: plant this fault elsewhere"
        patch.setattr(module, name, text.replace(old, new))


def judged_as(patch: pytest.MonkeyPatch, change: Callable[[access.Link], access.Link]) -> None:
    """Links that say more than they should."""
    plain = decide.judged

    def judged(actor: Any, rpps: int, links: Any, *given: Any) -> Decision:
        return plain(actor, rpps, [change(each) for each in links], *given)

    patch.setattr(decide, "judged", judged)


async def there(visit: Visit, rtype: str, id: str) -> bool:
    """Whether somebody may see it."""
    text, values, _ = visit._address(rtype, id)
    async with visit.door.pool.connection() as conn:
        return bool(await (await conn.execute(text.encode(), values)).fetchall())


async def count_of(conn: Any, where: str, *values: Any) -> int:
    text = f"SELECT count(*) FROM record.resource WHERE {where}"
    ((count,),) = await (await conn.execute(text, values)).fetchall()
    return int(count)
