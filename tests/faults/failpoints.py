# SPDX-License-Identifier: EUPL-1.2
"""Crash an act at each point: before a statement, before a commit, after it.

`ACTS` (acts.py) is the table: a line an act, whoever wrote it. `prepare` brings the record to where the act
may be done; `run` does it once. After a crash before a commit the database must hold what it held before,
to the byte, but for traces of refusals; after one, the act is done: traced once, told as `tells` says.
A job, which commits several times, is run again and again until it has nothing left to do.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from carnet.access.door import Door
from carnet.postgres.pool import LEFT
from tests.space import Space

Step = Callable[[Space, Door], Awaitable[Any]]
MOST = 400  # points of one act


class Crash(Exception):
    """The process ends here."""


@dataclass(frozen=True)
class Act:
    """One act to crash. traced: its name in the trace, "" for none; tells: templates it must have written.

    job: it commits several times, and goes on from where it was. sites: the functions of Carnet that
    open the transaction, as module:function. apart: traces it writes in a transaction before its own.
    lines: how many traces it writes, where each of several people has theirs.
    """

    name: str
    run: Step
    traced: str
    tells: tuple[str, ...] = ()
    prepare: tuple[Step, ...] = ()
    job: bool = False
    sites: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    lines: int = 1


@dataclass
class Seen:
    """The points passed, in order; the last one is where it crashed."""

    points: list[str] = field(default_factory=list)
    crashed: bool = False
    passed: set[str] = field(default_factory=set)  # functions of Carnet a statement was asked by

    @property
    def committed(self) -> bool:
        """Whether it crashed after a commit."""
        return self.crashed and self.points[-1] == "committed"


@contextlib.contextmanager
def crashing(number: int) -> Iterator[Seen]:
    """Crash at the n-th point, from 1."""
    seen = Seen()
    execute, leave = psycopg.AsyncCursor.execute, psycopg.AsyncTransaction.__aexit__

    def passed(point: str) -> bool:
        seen.points.append(point)
        seen.crashed = seen.crashed or len(seen.points) == number
        return len(seen.points) == number

    async def executing(self: Any, query: Any, *given: Any, **more: Any) -> Any:
        # The pool's look at a connection, one time in sixteen, is no point of the act.
        seen.passed |= asking()
        if query != LEFT and passed(str(query)):
            raise Crash
        return await execute(self, query, *given, **more)

    async def leaving(self: Any, kind: Any, value: Any, trace: Any) -> Any:
        if kind is not None:
            return await leave(self, kind, value, trace)
        if passed("commit"):
            crash = Crash()
            await leave(self, Crash, crash, None)
            raise crash
        done = await leave(self, kind, value, trace)
        if passed("committed"):
            raise Crash
        return done

    psycopg.AsyncCursor.execute = executing  # type: ignore[method-assign]
    psycopg.AsyncTransaction.__aexit__ = leaving  # type: ignore[method-assign,assignment]
    try:
        yield seen
    finally:
        psycopg.AsyncCursor.execute = execute  # type: ignore[method-assign]
        psycopg.AsyncTransaction.__aexit__ = leave  # type: ignore[method-assign]


def asking() -> set[str]:
    """The functions of Carnet that wait for this statement."""
    found, frame = set(), sys._getframe()
    while (back := frame.f_back) is not None:
        frame = back
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("carnet."):
            found.add(f"{module}:{frame.f_code.co_qualname.partition('.<locals>')[0]}")
    return found


async def held(space: Space, apart: tuple[str, ...] = ()) -> dict[str, str]:
    """What every table holds, as a digest; refusals are traced by themselves and left out.

    apart: traces that an act writes before it begins.
    """
    tables = await space.rows(
        "SELECT n.nspname || '.' || c.relname FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND n.nspname IN ('record', 'access', 'documents', 'notices', 'vigilance', 'care')"
    )
    each = [
        f"SELECT '{name}', coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t"
        + (
            f" WHERE granted AND act <> ALL ('{{{','.join(apart)}}}')"
            if name == "access.audit"
            else ""
        )
        for (name,) in tables
    ]
    return {str(name): str(digest) for name, digest in await space.rows(" UNION ALL ".join(each))}


async def crashed_at_each(space: Space, worker: Door, act: Act) -> list[str]:
    """Crash, look, and again one point further; returns the points crashed at."""
    for step in act.prepare:
        await step(space, worker)
    before = await held(space, act.apart)
    traces, told = await traced(space, act), await templates(space)
    crashed: list[str] = []
    asked: set[str] = set()
    number = 0
    while (number := number + 1) < MOST:
        forget(space)
        with crashing(number) as seen, contextlib.suppress(Crash):
            await act.run(space, worker)
        asked |= seen.passed
        now = await held(space, act.apart)
        if not seen.crashed:
            break
        crashed.append(seen.points[-1])
        if seen.committed and now != before:
            if not act.job:
                break
            before, number = now, 0
            continue
        left = sorted(name for name in now if now[name] != before.get(name))
        assert not left, f"{act.name}: crashed at {crashed[-1]}, it left {left}"
    assert set(act.sites) <= asked, f"{act.name} does not pass by {set(act.sites) - asked}"
    if act.traced:
        lines = await traced(space, act) - traces
        assert lines == act.lines, f"{act.name} is traced {act.lines} times, not {lines}"
    more = sorted(await templates(space))
    for one in (*told, *act.tells):
        assert one in more, f"{act.name} tells {one}"
        more.remove(one)
    assert more == [], f"{act.name} told {more} too"
    return crashed


def forget(space: Space) -> None:
    """What this process remembers between two requests: each run asks the same questions again."""
    door = space.built.door
    space.built.desk.revisions._known.clear()
    door.vault._open.clear()
    door.remembered._kept.clear()
    door.recent._until.clear()


async def traced(space: Space, act: Act) -> int:
    """How often the act stands in the trace."""
    found = await space.rows(
        "SELECT count(*) FROM access.audit WHERE act = %s AND granted", act.traced
    )
    return int(found[0][0])


async def templates(space: Space) -> list[str]:
    """What was told."""
    return [str(name) for (name,) in await space.rows("SELECT template FROM notices.outgoing")]
