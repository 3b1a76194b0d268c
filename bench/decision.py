# SPDX-License-Identifier: EUPL-1.2
"""The access decision, by kind of actor: made, remembered, and what it adds to a whole read.

`made` asks the server; `proven` asks too what a remembered decision is proved by; `remembered` asks nothing.
A read under a remembered decision proves it in its own statement, so what it costs is there: the read is
measured against the same one whose decision was given to it. Acts are done in turn, so that a busy machine is
busy for all of them. Times are the first tenth of many; what a decision adds to a read is told in processor
time of both sides, client and server, which the others on the machine lengthen less than the clock.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

from bench._place import Place, place
from bench._told import tell
from carnet.access.actor import Actor
from carnet.access.door import Decision, Door, Visit
from carnet.app import demonstration, parts
from carnet.population import make
from carnet.postgres.pool import Pool
from carnet.postgres.server import External

TIMES, TURNS, TOGETHER = 2000, 80, 20
Acts = Mapping[str, Callable[[], Awaitable[Any]]]


def run() -> None:
    """Each act in its turn."""
    asyncio.run(decide(place()))


class Given(Door):
    """A door whose decision costs nothing and is proved by nothing."""

    decision: Decision

    async def recall(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        cids: Sequence[int] | None,
        *,
        anew: bool = False,
    ) -> Decision:
        return self.decision


class Plain(Door):
    """A door that asks the server each time, and proves nothing."""

    async def recall(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        cids: Sequence[int] | None,
        *,
        anew: bool = False,
    ) -> Decision:
        return await self.decide(conn, actor, cids)


class Forgetful(Door):
    """A door that decides anew each time."""

    async def recall(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        cids: Sequence[int] | None,
        *,
        anew: bool = False,
    ) -> Decision:
        return await super().recall(conn, actor, cids, anew=True)


async def decide(here: Place) -> None:
    """The patient of the cast and their doctor, on the patient's record; a hospital's software."""
    population = make(2026, 7)
    built = await parts.build(
        here.installation.settings(), External(here.url("carnet_admin")), name="bench"
    )
    door = built.door
    same = {each.name: getattr(door, each.name) for each in fields(Door)}
    personas = {each.key: each for each in population.personas}
    owner = demonstration.subject_of(personas["patient"], population)
    cid = (await parts.actor(built, owner, client="bench")).patient
    assert cid is not None
    id = door.ids.encode(cid, cid)
    try:
        for key in ("hospital-software", "patient", "gp"):
            subject = demonstration.subject_of(personas[key], population)
            who = await parts.actor(built, subject, client="bench")
            async with built.pool.connection() as conn:
                given, forgetful = Given(**same), Forgetful(**same)
                object.__setattr__(given, "decision", await door.decide(conn, who, [cid]))
                took = await tenths(
                    {
                        "an empty statement": lambda: conn.execute("SELECT 1"),
                        "made": lambda: door.decide(conn, who, [cid]),  # noqa: B023
                        "proven": lambda: door.recall(conn, who, [cid], anew=True),  # noqa: B023
                        "remembered": lambda: door.recall(conn, who, [cid]),  # noqa: B023
                    },
                )
            empty = took.pop("an empty statement")
            rule = given.decision.rule
            for what, seconds in took.items():
                tell(
                    f"access decision, {who.kind} ({rule}), {what}",
                    f"{seconds * 1e6:,.1f} µs",
                    f"an empty statement: {empty * 1e6:,.1f} µs",
                )
            if key == "hospital-software":  # reads what it deposited alone
                continue
            doors = {"given": given, "remembered": door, "made": Plain(**same), "proven": forgetful}
            spent = await processor(
                built.pool,
                {
                    what: partial(Visit(each, who, "bench").read, "Patient", id)
                    for what, each in doors.items()
                },
            )
            bare = spent.pop("given")
            for what, seconds in spent.items():
                tell(
                    f"a read by id, {who.kind}: what a decision {what} adds, of processor time",
                    f"{(seconds - bare) * 1e6:,.0f} µs",
                    f"goal 50 µs; the read without: {bare * 1e6:,.0f} µs",
                )
    finally:
        await built.pool.close()


async def tenths(acts: Acts) -> dict[str, float]:
    """Seconds that a tenth of the times are within, of each act."""
    seen: dict[str, list[float]] = {what: [] for what in acts}
    for turn in range(TIMES + 50):
        for what, act in acts.items():
            started = time.perf_counter()
            await act()
            if turn >= 50:
                seen[what].append(time.perf_counter() - started)
    return {what: sorted(each)[len(each) // 10] for what, each in seen.items()}


async def processor(pool: Pool, acts: Acts) -> dict[str, float]:
    """Seconds of processor of one of each, here and in the server: the median of turns of `TOGETHER`."""
    backends = set()
    for _ in range(pool.max_size):
        async with pool.connection() as conn:
            backends.add(conn.info.backend_pid)

    def spent() -> float:
        files = (Path(f"/proc/{pid}/schedstat") for pid in backends)
        return time.process_time() + sum(int(each.read_text().split()[0]) for each in files) / 1e9

    seen: dict[str, list[float]] = {what: [] for what in acts}
    for turn in range(TURNS + 4):
        for what, act in acts.items():
            before = spent()
            for _ in range(TOGETHER):
                await act()
            if turn >= 4:
                seen[what].append((spent() - before) / TOGETHER)
    return {what: statistics.median(each) for what, each in seen.items()}
