# SPDX-License-Identifier: EUPL-1.2
"""An import: resources as NDJSON, by an operator, in the name of the software that deposits them.

Each line is an entry of a transaction, by the same rules. What lines call each other is given its place
first (placing.py), so that their order and that of the files does not matter; then some hundreds of lines
are one transaction, which also writes what it answers to each of them: an import that was cut off
anywhere goes on where it was, and a line is written once. Lines that are refused are told apart by halves.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from carnet import errors
from carnet.access import audit
from carnet.access import queries as subjects
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Nothing, Visit
from carnet.bulk import queries
from carnet.bulk.lines import number_of
from carnet.bulk.lots import BESIDE, Crew, Cut, Done, Lot, Source, Step, numbered
from carnet.bulk.placing import Places, step_of
from carnet.bulk.queries import Chunk, Import
from carnet.bulk.writing import Writer, digest
from carnet.rest.desk import Desk

NAME: Final = re.compile("[A-Za-z0-9._-]{1,64}", re.ASCII)


class NotAnOperator(errors.Forbidden):
    """An import is asked by an operator of this installation."""


class NoSoftware(errors.Invalid):
    """An import is made in the name of a software of this installation."""


class WrongName(errors.Invalid):
    """An import and its inputs have names of 1 to 64 letters, digits, points and hyphens."""


class OtherDepositor(errors.Conflict):
    """This import was begun in the name of another software's organisation."""


class OtherLines(errors.Conflict):
    """The lines already done are not those sent now: give another name to another import."""


class NotEmpty(errors.Conflict):
    """Ids are kept where everybody who has a record came by an import that keeps ids."""


@dataclass(frozen=True, slots=True)
class Importer:
    """One import going on."""

    desk: Desk
    visit: Visit  # of the software
    row: Import
    crew: Crew | None = None
    allowed: Callable[[], Awaitable[None]] | None = None  # asked before each lot

    async def run(self, inputs: Mapping[str, Source]) -> Done:
        """Every line of the inputs, whatever pieces they come in; what was done before is passed by."""
        if not all(NAME.fullmatch(each) for each in inputs):
            raise WrongName
        whole = Done()
        first = await self._all(inputs, self._cut, Step.PLACE)
        if first.persons:
            whole.add(await self._all(inputs, self._undone, Step.PERSONS))
            if first.left:
                await self._all(inputs, self._cut, Step.PLACE)
        if first.documents:
            whole.add(await self._all(inputs, self._undone, Step.DOCUMENTS))
        whole.add(await self._all(inputs, self._undone, Step.WRITE))
        return whole

    async def do(self, lot: Lot) -> Done:
        """What is to be done with a lot."""
        places = Places(self.desk, self.visit, self.row)
        if lot.step is Step.PLACE:
            return await places.give(lot)
        return await Writer(self.desk, self.visit, self.row, places).write(lot)

    async def report(self, input: str) -> AsyncIterator[bytes]:
        """The OperationOutcomes of an input, a line each, in the order of its lines."""
        ahead = [self._told(input + beside) for beside in ("", *BESIDE.values())]
        heads = [await anext(each, None) for each in ahead]
        while any(heads):
            _, at = min((each[0], at) for at, each in enumerate(heads) if each is not None)
            said = heads[at]
            assert said is not None
            yield said[1]
            heads[at] = await anext(ahead[at], None)

    async def _told(self, kept: str) -> AsyncIterator[tuple[int, bytes]]:
        after = 0
        while (chunk := await self._next(kept, after)) is not None:
            for said in zlib.decompress(chunk.report).splitlines(keepends=True):
                yield number_of(said), said
            after = chunk.last

    # -- lots ------------------------------------------------------------------------------------

    async def _all(
        self,
        inputs: Mapping[str, Source],
        lots: Callable[[Step, str, Source, Done], AsyncIterator[Lot]],
        step: Step,
    ) -> Done:
        """One step of all inputs, several lots at once when there is who does them."""
        whole, waiting = Done(), set[asyncio.Future[Done]]()
        ended = set[asyncio.Future[Done]]()
        try:
            for input, source in inputs.items():
                async for lot in lots(step, input, source, whole):
                    if self.allowed is not None:
                        await self.allowed()
                    if self.crew is None:
                        whole.add(await self.do(lot))
                        continue
                    waiting.add(asyncio.ensure_future(self.crew.do(lot)))
                    if len(waiting) >= self.crew.width:
                        ended, waiting = await asyncio.wait(waiting, return_when="FIRST_COMPLETED")
                        for each in ended:
                            whole.add(each.result())
            for came in await asyncio.gather(*waiting):
                whole.add(came)
        except errors.CarnetError:
            # What has begun ends by itself; the first to fail says why.
            await asyncio.gather(*waiting, *ended, return_exceptions=True)
            raise
        return whole

    async def _cut(self, step: Step, input: str, source: Source, whole: Done) -> AsyncIterator[Lot]:
        """Every line, by lots."""
        cut = Cut(step, input, [])
        async for number, raw in self._numbered(source):
            if cut.add(number, raw):
                yield cut.taken()
        if cut.lines:
            yield cut.taken()

    async def _undone(
        self, step: Step, input: str, source: Source, whole: Done
    ) -> AsyncIterator[Lot]:
        """The lines of a step that are not done, by lots; the others are counted."""
        cut, passed = Cut(step, input, []), list[bytes]()
        kept = input + BESIDE.get(step, "")
        before = await self._next(kept, 0)
        async for number, raw in self._numbered(source):
            if step_of(raw) is not step:
                continue
            if before is not None and number >= before.first:
                if cut.lines:  # a hole before what is done
                    yield cut.taken()
                passed.append(raw)
                if number == before.last:
                    if digest(self.visit, passed) != before.digest:
                        raise OtherLines
                    whole.add(Done(len(passed), before.refused, len(passed)))
                    passed, before = [], await self._next(kept, number)
            elif cut.add(number, raw):
                yield cut.taken()
        if cut.lines:
            yield cut.taken()
        if passed or before is not None:
            raise OtherLines

    def _numbered(self, source: Source) -> AsyncIterator[tuple[int, bytes]]:
        """Lines; one may be as long as the largest body is in base64."""
        limit = self.desk.settings.body_limit
        return numbered(source(), limit + limit // 3 + (64 << 10))

    async def _next(self, kept: str, after: int) -> Chunk | None:
        async with self.visit.door.pool.connection() as conn:
            return await queries.chunk(conn, self.row.id, kept, after)


async def begin(
    desk: Desk, operator: Visit, name: str, software: str, *, keep: bool = False
) -> Importer:
    """An import, new or gone on with; refused for who is no operator.

    keep: resources keep their ids, where nobody has a record but by such imports: those that this
    installation gave (its keys were brought along) and those that have not the form of ours.
    """
    if operator.actor.kind is not ActorKind.OPERATOR:
        await operator.refused("import", "not-an-operator")
        raise NotAnOperator
    if not NAME.fullmatch(name):
        raise WrongName
    door = operator.door
    async with door.pool.connection() as conn:
        found = await subjects.subject(conn, software)
        if found is None or found.kind != ActorKind.SOFTWARE or found.org is None:
            raise NoSoftware
        before = await queries.import_named(conn, name)
        if keep and (before is None or not before.keep) and not await queries.empty(conn):
            raise NotEmpty
        async with conn.transaction():
            await audit.write(conn, operator.trace("import", "operator"), granted=True)
            values = {
                "id": door.ids.new(), "name": name, "sub": operator.actor.sub,
                "org": found.org, "at": door.clock(), "keep": keep,
            }  # fmt: skip
            await conn.execute(queries.ADD_IMPORT, values)
        row = await queries.import_named(conn, name)
    if row is None or row.org != found.org:
        raise OtherDepositor
    who = Actor(
        kind=ActorKind.SOFTWARE,
        sub=found.sub,
        name=found.name,
        client=f"import:{operator.actor.sub}",  # who did it, in each trace
        situation=found.situation or "",
        org=found.org,
        org_name=found.org_name or "",
        rev=found.rev,
    )
    return Importer(desk, Visit(door, who, operator.request), row)


async def answered(desk: Desk, operator: Visit, name: str, input: str) -> AsyncIterator[bytes]:
    """What was answered to an input; Nothing for who is no operator, or when there is none."""
    if operator.actor.kind is not ActorKind.OPERATOR:
        raise NotAnOperator
    async with operator.door.pool.connection() as conn:
        row = await queries.import_named(conn, name)
        done = set() if row is None else set(await queries.inputs(conn, row.id))
        if (
            row is None
            or not NAME.fullmatch(input)
            or done.isdisjoint(input + beside for beside in ("", *BESIDE.values()))
        ):
            raise Nothing
    return Importer(desk, operator, row).report(input)
