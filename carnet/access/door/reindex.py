# SPDX-License-Identifier: EUPL-1.2
"""Index rows made anew: what an operator's parameters, or a newer program, index by.

A row says by what it was indexed (`indexed`, a generation), so the state of a reindex is in the rows: one
that was killed goes on, two at once share the rows. It is the platform's work, under a context of its own;
bodies are opened here to be indexed, and nothing of them leaves (docs/decisions/0034).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg import errors as pg

from carnet import errors
from carnet.access import audit, moment
from carnet.access.door import platform
from carnet.access.door.decide import Door
from carnet.access.seal import SET
from carnet.fhir import json
from carnet.fhir.search.scope import Scope, array, context_parts
from carnet.fhir.store import bodies, sides
from carnet.fhir.store.reindex import queries
from carnet.fhir.store.reindex.compare import differs
from carnet.fhir.store.reindex.queries import Indexed, Which
from carnet.fhir.store.rows import Index

JOB: Final = "reindex"
BATCH: Final = 200  # rows of one transaction
SETTLED: Final = timedelta(seconds=3)  # since when every process has looked (catalogue.EVERY)
PAUSE: Final = 0.05  # seconds between two looks at who is ahead
NOWHERE: Final = (-1, -1)
# A body that does not open; or that is none of what is written today, and cannot be indexed: it is
# counted, and does not keep the others from being.
UNREAD: Final = (bodies.Damaged, ValueError, KeyError, TypeError, AttributeError, ArithmeticError)

Told = Callable[[str, int, int], None]  # step, rows done, rows in all


class UnknownType(errors.NotFound):
    """--type: R4 has no resource of this type."""


class UnknownParameter(errors.NotFound):
    """--parameter: the installation has no parameter of this name or address."""


class Moved(Exception):
    """The parameters have changed since the work began: it begins again, by the new ones."""


@dataclass(slots=True)
class Report:
    """What came of it, in rows."""

    indexed: int = 0  # made anew
    right: int = 0  # looked at, and already so
    verified: int = 0
    different: dict[str, int] = field(default_factory=dict)  # by type and part, at the verification
    wrong: int = 0  # rows that differ
    damaged: int = 0  # bodies that do not open
    complete: list[str] = field(default_factory=list)  # parameters that may be searched from now on
    waiting: list[str] = field(default_factory=list)  # those that may not

    @property
    def good(self) -> bool:
        """Whether every row is found by what it should be."""
        return not self.wrong and not self.damaged


@dataclass(slots=True)
class Reindex:
    """One run. types: names, all when none; parameter: code or address, whose types they then are.

    verify: only look. again: every row, those that are up to date too.
    """

    door: Door
    types: Sequence[str] = ()
    parameter: str | None = None
    verify: bool = False
    again: bool = False
    batch: int = BATCH
    settled: timedelta = SETTLED
    told: Told = lambda step, done, total: None
    _numbers: tuple[int, ...] = ()
    _bad: set[str] = field(default_factory=set)  # types of rows that are not right

    async def run(self) -> Report:
        """All of it; again from the start when the parameters change meanwhile."""
        await self._trace("verify-begins" if self.verify else "reindex-begins")
        while True:
            report = Report()
            try:
                await self._all(report)
            except Moved:
                continue
            except pg.SerializationFailure:
                async with self.door.pool.connection() as conn:
                    await self.door.catalogue.look(conn)
                continue
            await self._trace("ends" if report.good else "ends-with-differences")
            return report

    async def _all(self, report: Report) -> None:
        self._bad = set()
        async with self.door.pool.connection() as conn:
            await self.door.catalogue.look(conn)
        self._numbers = self._chosen()
        if not self.verify:
            await self._settle()
            await self._walk(report)
        await self._verify(report)
        if not self.verify:
            await self._complete(report)

    def _chosen(self) -> tuple[int, ...]:
        """Numbers of the types to walk; none for all."""
        known, names = self.door.definitions.types, list(self.types)
        if unknown := [name for name in names if name not in known]:
            raise UnknownType(f"--type: R4 has no resource of type {unknown[0][:40]}.")
        if self.parameter is not None:
            held = [
                each
                for each in self.door.catalogue.held
                if self.parameter in (each.parameter.code, each.parameter.url)
            ]
            bases = {name for each in held for name in each.bases}
            if not bases:
                raise UnknownParameter
            names = [name for name in names if name in bases] if names else sorted(bases)
        return tuple(known[name] for name in names)

    # -- making anew -----------------------------------------------------------------------------

    async def _settle(self) -> None:
        """From here on whoever writes knows what there is: nothing comes behind us."""
        generation = self.door.catalogue.generation
        async with self.door.pool.connection() as conn:
            await conn.execute(queries.RAISE, {"generation": generation})
            ahead = {each for (each,) in await self._fetch(conn, queries.RUNNING)}
            while ahead:
                self.told("waiting", 0, 0)
                await asyncio.sleep(PAUSE)
                ahead &= {each for (each,) in await self._fetch(conn, queries.RUNNING)}
            ((age,),) = await self._fetch(conn, queries.SINCE, {"generation": generation})
        if age is not None and age < self.settled:  # a search may still be made by what was
            await asyncio.sleep((self.settled - age).total_seconds())

    async def _walk(self, report: Report) -> None:
        generation = self.door.catalogue.generation
        stale = Which(self._numbers, generation)
        which = Which(self._numbers) if self.again else stale
        done, total = 0, await self._count(which)
        after = NOWHERE
        while True:
            places, count = await self._renew(which, after, report)
            if places:
                done, after = done + count, places[-1]
                self.told("index", done, max(total, done))
                continue
            if not await self._count(stale):
                return
            # Another reindex holds them, or a writer: they are theirs, or ours the next time.
            await asyncio.sleep(PAUSE)
            which, after = stale, NOWHERE

    async def _renew(
        self, which: Which, after: tuple[int, int], report: Report
    ) -> tuple[list[tuple[int, int]], int]:
        """One transaction: the places of a batch, and how many of them were ours to do."""
        async with self.door.pool.connection() as conn, conn.transaction():
            await self._enter(conn, ())
            await self._unmoved(conn)
            places = await queries.places(conn, which, after, self.batch)
            if not places:
                return [], 0
            await self._enter(conn, sorted({cid for cid, _ in places}))
            ours = await queries.lock(conn, which, places)
            rows = await queries.rows(conn, ours) if ours else []
            right, wrong, damaged = await self._compared(conn, rows)
            await self._put(conn, wrong)
            # What does not open cannot be indexed, and is not looked at again and again.
            said = [(row.cid, row.rid) for row in (*right, *damaged)]
            if said:
                generation = self.door.catalogue.generation
                cids, rids = array(cid for cid, _ in said), array(rid for _, rid in said)
                await conn.execute(
                    queries.SAID, {"cids": cids, "rids": rids, "indexed": generation}
                )
        report.right += len(right)
        report.indexed += len(wrong)
        return places, len(ours)

    async def _put(
        self, conn: AsyncConnection[Any], made: Sequence[tuple[Indexed, Index, list[str]]]
    ) -> None:
        if not made:
            return
        rows = [(row.cid, row.rid, index) for row, index, _ in made]
        values: dict[str, object] = {
            **sides.values(self.door.hasher, rows),
            "cid": sides.numbers(row.cid for row, *_ in made),
            "rid": sides.numbers(row.rid for row, *_ in made),
            "lo": sides.texts(index.lo for _, index, _ in made),
            "hi": sides.texts(index.hi for _, index, _ in made),
        }
        for forget in queries.FORGET:
            await conn.execute(forget, values)
        await conn.execute(queries.PUT, values)

    # -- verifying -------------------------------------------------------------------------------

    async def _verify(self, report: Report) -> None:
        """Every row of the types, made of its body and compared; nothing is written."""
        which, after = Which(self._numbers), NOWHERE
        total = await self._count(which)
        while True:
            async with self.door.pool.connection() as conn, conn.transaction():
                await self._enter(conn, ())
                await self._unmoved(conn)
                places = await queries.places(conn, which, after, self.batch)
                if not places:
                    return
                rows = await queries.rows(conn, places)
                _, wrong, damaged = await self._compared(conn, rows)
            after = places[-1]
            report.verified += len(rows)
            report.wrong += len(wrong)
            report.damaged += len(damaged)
            for row, _, parts in wrong:
                name = self.door.names[row.rtype]
                self._bad.add(name)
                for part in parts:
                    key = f"{name}, {part}"
                    report.different[key] = report.different.get(key, 0) + 1
            self._bad.update(self.door.names[row.rtype] for row in damaged)
            self.told("verify", report.verified, max(total, report.verified))

    async def _compared(
        self, conn: AsyncConnection[Any], rows: Sequence[Indexed]
    ) -> tuple[list[Indexed], list[tuple[Indexed, Index, list[str]]], list[Indexed]]:
        """Rows that are right, those that are not with what they should be, those that do not open."""
        door = self.door
        ciphers = await door.vault.ciphers(conn, {row.cid for row in rows})
        right: list[Indexed] = []
        wrong: list[tuple[Indexed, Index, list[str]]] = []
        damaged: list[Indexed] = []
        for row in rows:
            if row.cid not in ciphers:
                continue  # erased meanwhile, row and key
            name = door.names[row.rtype]
            try:
                if row.gone:
                    index = door.indexer.nothing(name)
                else:
                    body = bodies.unseal(
                        ciphers[row.cid], row.cid, row.rid, row.ver, row.dict, row.body
                    )
                    index = door.indexer.index(json.parse(body))
            except UNREAD:
                damaged.append(row)
                continue
            parts = differs(row, index, door.hasher)
            if parts:
                wrong.append((row, index, parts))
            else:
                right.append(row)
        return right, wrong, damaged

    # -- the end ---------------------------------------------------------------------------------

    async def _complete(self, report: Report) -> None:
        """Parameters whose every type was walked, and is right, may be searched from now on."""
        door = self.door
        walked = {door.names[each] for each in self._numbers} or set(door.definitions.types)
        ready = [
            each
            for each in door.catalogue.held
            if each.complete is None and set(each.bases) <= walked - self._bad
        ]
        async with door.pool.connection() as conn, conn.transaction():
            await self._unmoved(conn)
            await conn.execute(
                queries.COMPLETE, {"numbers": [each.parameter.number for each in ready]}
            )
        async with door.pool.connection() as conn:
            await door.catalogue.look(conn)
        held = door.catalogue.held
        report.complete = [each.parameter.url for each in ready]
        report.waiting = [each.parameter.url for each in held if each.complete is None]

    # -- every step ------------------------------------------------------------------------------

    async def _count(self, which: Which) -> int:
        async with self.door.pool.connection() as conn, conn.transaction():
            await self._enter(conn, ())
            return await queries.count(conn, which)

    async def _enter(self, conn: AsyncConnection[Any], written: Sequence[int]) -> None:
        parts = context_parts(Scope(), written=written, platform=True)
        await conn.execute(SET, (self.door.context(conn, parts),))
        await conn.execute(moment.TELL, (self.door.clock().isoformat(),))

    async def _unmoved(self, conn: AsyncConnection[Any]) -> None:
        before = self.door.catalogue.generation
        await self.door.catalogue.look(conn)
        if self.door.catalogue.generation != before:
            raise Moved

    async def _trace(self, rule: str) -> None:
        async with self.door.pool.connection() as conn, conn.transaction():
            await platform.enter(self.door, conn)
            visit = platform.visit(self.door, JOB)
            await audit.write(conn, visit.trace(JOB, rule), granted=True)

    @staticmethod
    async def _fetch(
        conn: AsyncConnection[Any], text: Any, values: dict[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        return await (await conn.execute(text, values)).fetchall()
