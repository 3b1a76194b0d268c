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
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from psycopg import errors as pg

from carnet import errors
from carnet.access import audit
from carnet.access import queries as subjects
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Nothing, Unit, UnknownOwner, Visit
from carnet.bulk import placing, queries
from carnet.bulk.placing import is_person, named, references
from carnet.bulk.queries import Chunk, Import, Placed
from carnet.fhir import json
from carnet.rest.acts import NEED_AN_ACT, Entry, Place, Plan
from carnet.rest.desk import Desk
from carnet.rest.http import UnknownType
from carnet.rest.outcome import known, outcome, unforeseen
from carnet.rest.plans import carry_out, copied

LINES: Final = 400  # of one transaction, at most
BYTES: Final = 2 << 20  # of one transaction; one line passes whatever its size
NAME: Final = re.compile("[A-Za-z0-9._-]{1,64}", re.ASCII)
PERSONS: Final = "|persons"  # beside the name of an input: its lines that are persons
AFTER: Final = "It refers to what is neither in the lines of this import nor here: {}."


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


class Elsewhere(errors.Conflict):
    """This import is going on elsewhere: nothing was done twice."""


class LineTooLong(errors.TooLarge):
    """A line is longer than this server accepts."""


class SameAgain(errors.Invalid):
    """An earlier line of this import has the same type and id."""


class NotEmpty(errors.Conflict):
    """Ids are kept by an import that begins where nobody has a record yet."""


class Step(StrEnum):
    """What is done with some lines."""

    PLACE = "place"
    PERSONS = "persons"  # write those that are Patients
    WRITE = "write"  # the others


@dataclass(frozen=True, slots=True)
class Lot:
    """Some lines of an input, in order, and what to do with them."""

    step: Step
    input: str
    lines: tuple[tuple[int, bytes], ...]


@dataclass(slots=True)
class Done:
    """What came of lines. before: those that were done by an earlier run.

    persons: of lines that were given their place, those that are Patients, which have none until they are
    written; left: those about a person who has no place yet.
    """

    lines: int = 0
    refused: int = 0
    before: int = 0
    persons: int = 0
    left: int = 0

    def add(self, other: Done) -> None:
        """Both together."""
        self.lines += other.lines
        self.refused += other.refused
        self.before += other.before
        self.persons += other.persons
        self.left += other.left


class Crew(Protocol):
    """Those who do lots, several at once."""

    width: int

    def do(self, lot: Lot) -> Awaitable[Done]:
        """Do one."""


Source = Callable[[], AsyncIterator[bytes]]


@dataclass(slots=True)
class Line:
    """One line; said: its OperationOutcome, once there is something to say."""

    number: int
    raw: bytes
    given: dict[str, Any] = field(default_factory=dict)
    name: str = ""  # `Type/id`, as given; "" without an id
    entry: Entry | None = None
    said: bytes = b""
    refused: bool = False
    lost: tuple[str, ...] = ()  # references to nothing

    def refuse(self, outcome: dict[str, Any]) -> None:
        """Say why it is not written."""
        self.entry, self.refused = None, True
        self.said = json.dump(_placed(outcome, self))


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
        whole.add(await self._all(inputs, self._undone, Step.WRITE))
        return whole

    async def do(self, lot: Lot) -> Done:
        """What is to be done with a lot."""
        if lot.step is Step.PLACE:
            return await self._place(lot)
        return await self._write(lot, lot.lines)

    async def report(self, input: str) -> AsyncIterator[bytes]:
        """The OperationOutcomes of an input, a line each, in the order of its lines."""
        ahead = [self._told(input), self._told(input + PERSONS)]
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
                yield int(said.rpartition(b'"line ')[2].partition(b'"')[0]), said
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
        lines: list[tuple[int, bytes]] = []
        size = 0
        async for each in numbered(source(), self.desk.settings.body_limit):
            lines.append(each)
            size += len(each[1])
            if len(lines) >= LINES or size >= BYTES:
                yield Lot(step, input, tuple(lines))
                lines, size = [], 0
        if lines:
            yield Lot(step, input, tuple(lines))

    async def _undone(
        self, step: Step, input: str, source: Source, whole: Done
    ) -> AsyncIterator[Lot]:
        """The lines of a step that are not done, by lots; the others are counted."""
        kept = input + PERSONS if step is Step.PERSONS else input
        waiting: list[tuple[int, bytes]] = []
        size, passed = 0, list[bytes]()
        before = await self._next(kept, 0)
        async for number, raw in numbered(source(), self.desk.settings.body_limit):
            if is_person(raw) is not (step is Step.PERSONS):
                continue
            if before is not None and number >= before.first:
                if waiting:  # a hole before what is done
                    yield Lot(step, input, tuple(waiting))
                    waiting, size = [], 0
                passed.append(raw)
                if number == before.last:
                    self._same(passed, before)
                    whole.add(Done(len(passed), before.refused, len(passed)))
                    passed, before = [], await self._next(kept, number)
                continue
            waiting.append((number, raw))
            size += len(raw)
            if len(waiting) >= LINES or size >= BYTES:
                yield Lot(step, input, tuple(waiting))
                waiting, size = [], 0
        if waiting:
            yield Lot(step, input, tuple(waiting))
        if passed or before is not None:
            raise OtherLines

    async def _next(self, kept: str, after: int) -> Chunk | None:
        async with self.visit.door.pool.connection() as conn:
            return await queries.chunk(conn, self.row.id, kept, after)

    def _digest(self, lines: Sequence[bytes]) -> bytes:
        return self.visit.door.hasher.long(b"import|" + b"\n".join(lines))

    def _same(self, lines: Sequence[bytes], before: Chunk) -> None:
        if self._digest(lines) != before.digest:
            raise OtherLines

    def _mark(self, input: str, number: int) -> int:
        return self.visit.door.hasher.number(f"imported|{self.row.id}|{input}|{number}")

    def _hash(self, name: str) -> bytes:
        return self.visit.door.hasher.long(f"imported|{self.row.id}|{name}".encode())

    async def _there(self, unit: Unit, names: set[str]) -> dict[str, Placed]:
        """What the lines of this import have, by what they call it."""
        if not names:
            return {}
        hashes = {self._hash(name): name for name in names}
        await unit.allow(self.row.org)
        found = await queries.known(unit.conn, self.row.org, self.row.id, list(hashes))
        return {hashes[h]: at for h, at in found.items()}

    # -- placing ---------------------------------------------------------------------------------

    async def _place(self, lot: Lot) -> Done:
        """Give lines their place, once: begun again, what has one keeps it."""
        desk, door, done = self.desk, self.visit.door, Done()
        lines: list[tuple[int, bytes, dict[str, Any]]] = []
        for number, raw in lot.lines:
            if is_person(raw):
                done.persons += 1
            elif (given := placing.read(desk, raw)) is not None:
                lines.append((number, raw, given))
        async with door.pool.connection() as conn, conn.transaction():
            unit = Unit(self.visit, conn, door.clock())
            names = placing.owned(desk, [given for *_, given in lines])
            there = await self._there(unit, names)
            rows: list[tuple[bytes, Placed]] = []
            for number, raw, given in lines:
                if placing.said_only(desk, given):
                    continue
                cid = placing.record(desk, given, there, self.row.org)
                if cid is None:
                    done.left += 1
                    continue
                at = await placing.place_of(unit, desk, given, raw, cid, keep=self.row.keep)
                mark = self._mark(lot.input, number)
                rows.append((self._hash(named(given)), Placed(at[0], at[1], mark, at[2])))
            await self._keep_places(unit, rows)
        return done

    async def _keep_places(self, unit: Unit, rows: list[tuple[bytes, Placed]]) -> None:
        if rows:
            await unit.allow(self.row.org)
            values = {"org": self.row.org, "id": self.row.id, **placing.columns(rows)}
            await unit.conn.execute(queries.KEEP, values)

    # -- writing ---------------------------------------------------------------------------------

    async def _write(self, lot: Lot, given: Sequence[tuple[int, bytes]]) -> Done:
        """Some lines in one transaction; when it is refused, each half in its own."""
        lines = [Line(*each) for each in given]
        try:
            await self._together(lot, lines)
        except _Refused as refused:
            if len(lines) > 1:
                half = len(lines) // 2
                done = await self._write(lot, given[:half])
                done.add(await self._write(lot, given[half:]))
                return done
            lines[0].refuse(refused.said)
            await self._keep(lot, lines)
        return Done(len(lines), sum(each.refused for each in lines))

    async def _together(self, lot: Lot, lines: list[Line]) -> None:
        await self._prepare(lot, lines)
        entries = [each.entry for each in lines if each.entry is not None]
        if not entries:
            await self._keep(lot, lines)
            return
        plan = Plan(entries, parser=self.desk.parser)

        async def after(unit: Unit, plan: Plan) -> None:
            for each in lines:
                if each.entry is not None:
                    each.said = _told(each)
            await self._remember(unit, lot, lines)

        plan.after = after
        try:
            await carry_out(self.visit, self.desk.acts, plan)
        except pg.UniqueViolation:
            raise Elsewhere from None
        except Exception as error:
            raise _Refused(self._said(lines, error)) from None

    def _said(self, lines: Sequence[Line], error: Exception) -> dict[str, Any]:
        """The outcome of what refused some lines; raised again when it is not about them."""
        refusal = known(error)
        if isinstance(refusal, errors.Transient | errors.TooMany):
            raise error
        if refusal is None:
            return unforeseen(self.visit.request, error)
        return outcome(refusal)

    async def _prepare(self, lot: Lot, lines: list[Line]) -> None:
        """The entry of each line, its references to other lines made good; or why it has none."""
        door = self.visit.door
        wanted: set[str] = set()
        pointing: list[set[str]] = []
        for each in lines:
            try:
                each.given = json.parse(each.raw)
                each.name = named(each.given)
            except errors.CarnetError as refusal:
                each.refuse(outcome(refusal))
            pointing.append(references(each.given, set()))
            wanted |= pointing[-1]
            wanted.add(each.name)
        async with door.pool.connection() as conn, conn.transaction():
            unit = Unit(self.visit, conn, door.clock())
            there = await self._there(unit, wanted - {""})
        literals = {name: self._literal(name, at) for name, at in there.items()}
        seen: set[str] = set()
        for each, pointed in zip(lines, pointing, strict=True):
            if each.refused:
                continue
            try:
                at = there.get(each.name)
                if each.name and (
                    each.name in seen
                    or (at is not None and at.mark != self._mark(lot.input, each.number))
                ):
                    raise SameAgain
                seen.add(each.name)
                each.entry = await self._entry(each, at, literals)
                each.lost = tuple(
                    one.partition("/")[0]
                    for one in pointed
                    if one not in literals and not door.ids.ours(one.partition("/")[2])
                )
            except errors.CarnetError as refusal:
                each.refuse(outcome(refusal))

    def _literal(self, name: str, at: Placed) -> str:
        """The address of what lines call by a name."""
        rtype, _, id = name.partition("/")
        if self._chosen(id) and rtype != "Patient" and not at.there:
            return name
        return f"{rtype}/{self.visit.door.ids.encode(at.cid, at.rid)}"

    def _chosen(self, id: str) -> bool:
        """Whether an id is kept though it is none that we gave."""
        return self.row.keep and not self.visit.door.ids.ours(id)

    async def _entry(self, line: Line, at: Placed | None, literals: Mapping[str, str]) -> Entry:
        rtype = line.given.get("resourceType")
        if rtype not in self.visit.door.definitions.types:
            raise UnknownType
        if at is None and line.name and rtype not in NEED_AN_ACT:
            self._owner_known(line.given, literals)
        resource = copied(line.given, literals)
        entry = Entry("POST", rtype, resource=resource)
        id = str(line.given.get("id", ""))
        if at is not None:
            chosen = id if self._chosen(id) and not at.there else None
            entry.place = Place(at.cid, at.rid, chosen=chosen, there=at.there)
        elif rtype == "Patient" and self.row.keep:
            own = self.visit.door.ids.decode(id)
            if own is not None and own[0] == own[1]:
                entry.place = Place(*own)
        await self.desk.checks.written(resource)
        return entry

    def _owner_known(self, given: dict[str, Any], literals: Mapping[str, str]) -> None:
        """Refuse a line about a person who is neither in the import nor of an id we gave."""
        door = self.visit.door
        for each in door.owners.references(given):
            unknown = each not in literals and door.ids.decode(each.partition("/")[2]) is None
            if each.startswith("Patient/") and unknown:
                raise UnknownOwner

    async def _remember(self, unit: Unit, lot: Lot, lines: Sequence[Line]) -> None:
        """What was written, and the answers, in the transaction that writes them."""
        rows = []
        for each in lines:
            entry = each.entry
            if not each.name or entry is None or entry.written is None:
                continue
            if entry.place is None or entry.rtype == "Patient":
                at, there = entry.written.address, not entry.written.created
                mark = self._mark(lot.input, each.number)
                rows.append((self._hash(each.name), Placed(at.cid, at.rid, mark, there)))
        await self._keep_places(unit, rows)
        await unit.conn.execute(queries.ADD_CHUNK, self._chunk(lot, lines))

    async def _keep(self, lot: Lot, lines: Sequence[Line]) -> None:
        """The answers to lines of which nothing is written."""
        async with self.visit.door.pool.connection() as conn:
            try:
                await conn.execute(queries.ADD_CHUNK, self._chunk(lot, lines))
            except pg.UniqueViolation:
                raise Elsewhere from None

    def _chunk(self, lot: Lot, lines: Sequence[Line]) -> dict[str, object]:
        return {
            "id": self.row.id,
            "input": lot.input + PERSONS if lot.step is Step.PERSONS else lot.input,
            "first": lines[0].number, "last": lines[-1].number,
            "digest": self._digest([each.raw for each in lines]),
            "report": zlib.compress(b"".join(each.said + b"\n" for each in lines), 1),
            "refused": sum(each.refused for each in lines),
        }  # fmt: skip


class _Refused(Exception):
    """Lines that were refused together."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        self.said = said


async def begin(
    desk: Desk, operator: Visit, name: str, software: str, *, keep: bool = False
) -> Importer:
    """An import, new or gone on with; refused for who is no operator.

    keep: resources keep their ids, where nobody has a record yet: those that this installation gave (its
    keys were brought along) and those that have not the form of ours.
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
        if row is None or not NAME.fullmatch(input) or done.isdisjoint((input, input + PERSONS)):
            raise Nothing
    return Importer(desk, operator, row).report(input)


async def numbered(source: AsyncIterator[bytes], longest: int) -> AsyncIterator[tuple[int, bytes]]:
    """Lines and their numbers from 1, from pieces of any size; blank ones are only counted."""
    number, rest = 0, b""
    async for piece in source:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            number += 1
            if len(line) > longest:
                raise LineTooLong
            if line := line.strip():
                yield number, line
        if len(rest) > longest:
            raise LineTooLong
    if line := rest.strip():
        yield number + 1, line


def _told(line: Line) -> bytes:
    """The outcome of a line that is written."""
    entry = line.entry
    assert entry is not None and entry.written is not None
    address = entry.written.address.literal
    sentence = f"{address} was written." if entry.written.created else f"{address} was there."
    if not entry.warnings and not line.lost:  # as json.dump says it
        return (
            '{"resourceType":"OperationOutcome","issue":[{"severity":"information",'
            f'"code":"informational","diagnostics":"{sentence}","location":["line {line.number}"]}}]}}'
        ).encode()
    issues = [{"severity": "information", "code": "informational", "diagnostics": sentence}]
    said = [*entry.warnings]
    if line.lost:
        lost = sorted(Counter(line.lost).items())
        said.append(AFTER.format(", ".join(f"{n} × {what}" for what, n in lost)))
    issues += [{"severity": "warning", "code": "business-rule", "diagnostics": t} for t in said]
    return json.dump(_placed({"resourceType": "OperationOutcome", "issue": issues}, line))


def _placed(said: dict[str, Any], line: Line) -> dict[str, Any]:
    """An outcome that names its line, with paths that begin at the resource."""
    rtype = str(line.given.get("resourceType", "line"))
    issues = []
    for issue in said["issue"]:
        made = dict(issue, location=[f"line {line.number}"])
        if "expression" in made:
            made["expression"] = [
                re.sub(r"^Bundle\.entry\[[0-9]+\](\.resource)?", rtype, path)
                for path in made["expression"]
            ]
        issues.append(made)
    return {"resourceType": "OperationOutcome", "issue": issues}
