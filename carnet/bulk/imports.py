# SPDX-License-Identifier: EUPL-1.2
"""An import: resources as NDJSON, by an operator, in the name of the software that deposits them.

Each line is an entry of a transaction, by the same rules. Some lines are one transaction, which also writes
what it answers to each of them: an import that was cut off anywhere goes on where it was, and a line is
written once. When lines are refused, each of its lot is written alone.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import errors as pg

from carnet import errors
from carnet.access import audit
from carnet.access import queries as subjects
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Nothing, Unit, Visit
from carnet.bulk import queries
from carnet.bulk.queries import Chunk, Import
from carnet.fhir import json
from carnet.fhir.search.references import LITERAL
from carnet.rest.acts import Entry, Plan
from carnet.rest.desk import Desk
from carnet.rest.outcome import known, outcome, unforeseen
from carnet.rest.plans import carry_out, copied
from carnet.rest.transaction import entry_of

LINES: Final = 200  # of one transaction, at most
BYTES: Final = 2 << 20  # of one transaction; one line passes whatever its size
NAME: Final = re.compile("[A-Za-z0-9._-]{1,64}", re.ASCII)
HERE: Final = "http://import.invalid/"  # what lines are called among themselves
AFTER: Final = "It refers to what is neither in the lines before it nor here: {}."


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


@dataclass(slots=True)
class Done:
    """What came of an input. before: lines that were done by an earlier run."""

    lines: int = 0
    refused: int = 0
    before: int = 0


@dataclass(slots=True)
class Line:
    """One line; said: its OperationOutcome, once there is something to say."""

    number: int
    raw: bytes
    given: dict[str, Any] = field(default_factory=dict)
    entry: Entry | None = None
    said: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """`Type/id`, as given; "" without an id."""
        id = self.given.get("id")
        return f"{self.given.get('resourceType')}/{id}" if isinstance(id, str) else ""


@dataclass(frozen=True, slots=True)
class Importer:
    """One import going on."""

    desk: Desk
    visit: Visit  # of the software
    row: Import

    async def run(self, source: AsyncIterator[bytes], input: str) -> Done:
        """Every line of an input, whatever pieces it comes in; what was done before is passed by."""
        if not NAME.fullmatch(input):
            raise WrongName
        done, waiting, size = Done(), list[Line](), 0
        passed: list[bytes] = []
        before = await self._next(input, 0)
        async for number, raw in numbered(source, self.desk.settings.body_limit):
            if before is not None and number >= before.first:
                passed.append(raw)
                if number == before.last:
                    self._same(passed, before)
                    done.lines += len(passed)
                    done.before += len(passed)
                    done.refused += before.refused
                    passed, before = [], await self._next(input, number)
                continue
            waiting.append(Line(number, raw))
            size += len(raw)
            follows = before is not None and number + 1 == before.first
            if follows or len(waiting) >= LINES or size >= BYTES:
                await self._write(waiting, input, done)
                waiting, size = [], 0
        if waiting:
            await self._write(waiting, input, done)
        if passed or before is not None:
            raise OtherLines
        return done

    async def report(self, input: str) -> AsyncIterator[bytes]:
        """The OperationOutcomes of an input, a line each."""
        after = 0
        while (chunk := await self._next(input, after)) is not None:
            yield zlib.decompress(chunk.report)
            after = chunk.last

    async def _next(self, input: str, after: int) -> Chunk | None:
        async with self.visit.door.pool.connection() as conn:
            return await queries.chunk(conn, self.row.id, input, after)

    def _digest(self, lines: Sequence[bytes]) -> bytes:
        return self.visit.door.hasher.long(b"import|" + b"\n".join(lines))

    def _same(self, lines: Sequence[bytes], before: Chunk) -> None:
        if self._digest(lines) != before.digest:
            raise OtherLines

    # -- writing ---------------------------------------------------------------------------------

    async def _write(self, lines: list[Line], input: str, done: Done) -> None:
        """Some lines in one transaction, or, when it is refused, each in its own."""
        try:
            await self._lot(lines, input)
            lots = [lines]
        except _Refused:
            lots = [[Line(each.number, each.raw)] for each in lines]
            for lot in lots:
                try:
                    await self._lot(lot, input)
                except _Refused as refused:
                    lot[0].said, lot[0].entry = refused.said, None
                    await self._keep(lot, input)
        for lot in lots:
            done.lines += len(lot)
            done.refused += _refused(lot)

    async def _lot(self, lines: list[Line], input: str) -> None:
        await self._prepare(lines)
        entries = [each.entry for each in lines if each.entry is not None]
        if not entries:
            await self._keep(lines, input)
            return
        plan = Plan(entries, parser=self.desk.parser)

        async def after(unit: Unit, plan: Plan) -> None:
            for each in lines:
                if each.entry is not None:
                    each.said = _told(each, unit.visit.door.ids.ours)
            await self._remember(unit, lines, input)

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
            return _placed(unforeseen(self.visit.request, error), lines[0])
        return _placed(outcome(refusal), lines[0])

    async def _prepare(self, lines: list[Line]) -> None:
        """The entry of each line, its references to lines before it made good; or why it has none."""
        for each in lines:
            try:
                each.given = json.parse(each.raw)
            except errors.CarnetError as refusal:
                each.said = _placed(outcome(refusal), each)
        read = [each for each in lines if each.said is None]
        wanted = {name for each in read for name in (each.name, *_references(each.given, set()))}
        there = await self._there(sorted(wanted - {""}))
        seen: set[str] = set()
        for index, each in enumerate(read):
            try:
                if each.name and (each.name in there or each.name in seen):
                    raise SameAgain
                seen.add(each.name)
                each.entry = await self._entry(each, index, there)
            except errors.CarnetError as refusal:
                each.said = _placed(outcome(refusal), each)

    async def _entry(self, line: Line, index: int, there: dict[str, str]) -> Entry:
        rtype = str(line.given.get("resourceType"))
        resource = copied(line.given, there)
        called = line.name or f"{rtype}/line-{line.number}"
        given = {
            "fullUrl": HERE + called,
            "resource": resource,
            "request": {"method": "POST", "url": rtype},
        }
        return await entry_of(self.desk, given, index, None)

    async def _there(self, names: Sequence[str]) -> dict[str, str]:
        """What lines before wrote, by what they called it: `Type/id` here."""
        door, hasher = self.visit.door, self.visit.door.hasher
        hashes = {hasher.long(f"imported|{self.row.id}|{name}".encode()): name for name in names}
        async with door.pool.connection() as conn, conn.transaction():
            unit = Unit(self.visit, conn, door.clock())
            await unit.allow(self.row.org)
            found = await queries.known(conn, self.row.org, self.row.id, list(hashes))
        return {
            hashes[h]: f"{hashes[h].partition('/')[0]}/{door.ids.encode(cid, rid)}"
            for h, (cid, rid) in found.items()
        }

    async def _remember(self, unit: Unit, lines: Sequence[Line], input: str) -> None:
        """What was written, and the answers, in the transaction that writes them."""
        hasher = unit.visit.door.hasher
        written = [
            (
                hasher.long(f"imported|{self.row.id}|{each.name}".encode()),
                each.entry.written.address,
            )
            for each in lines
            if each.name and each.entry is not None and each.entry.written is not None
        ]
        await unit.allow(self.row.org)
        values = {
            "org": self.row.org, "id": self.row.id, "hs": [h for h, _ in written],
            "cids": [at.cid for _, at in written], "rids": [at.rid for _, at in written],
        }  # fmt: skip
        await unit.conn.execute(queries.KEEP, values)
        await unit.conn.execute(queries.ADD_CHUNK, self._chunk(lines, input))

    async def _keep(self, lines: Sequence[Line], input: str) -> None:
        """The answers to lines of which nothing is written."""
        async with self.visit.door.pool.connection() as conn:
            try:
                await conn.execute(queries.ADD_CHUNK, self._chunk(lines, input))
            except pg.UniqueViolation:
                raise Elsewhere from None

    def _chunk(self, lines: Sequence[Line], input: str) -> dict[str, object]:
        said = b"".join(json.dump(each.said or {}) + b"\n" for each in lines)
        return {
            "id": self.row.id, "input": input, "first": lines[0].number, "last": lines[-1].number,
            "digest": self._digest([each.raw for each in lines]),
            "report": zlib.compress(said), "refused": _refused(lines),
        }  # fmt: skip


class _Refused(Exception):
    """Lines that were refused together."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        self.said = said


async def begin(desk: Desk, operator: Visit, name: str, software: str) -> Importer:
    """An import, new or gone on with; refused for who is no operator."""
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
        async with conn.transaction():
            await audit.write(conn, operator.trace("import", "operator"), granted=True)
            values = {
                "id": door.ids.new(), "name": name, "sub": operator.actor.sub,
                "org": found.org, "at": door.clock(),
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
        if row is None or input not in await queries.inputs(conn, row.id):
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


def _references(value: Any, found: set[str]) -> set[str]:
    """Every relative reference of a resource."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "reference" and isinstance(each, str) and LITERAL.fullmatch(each):
                found.add(each)
            else:
                _references(each, found)
    elif isinstance(value, list):
        for each in value:
            _references(each, found)
    return found


def _told(line: Line, ids: Callable[[str], bool]) -> dict[str, Any]:
    """The outcome of a line that is written; ids: whether an id is one of ours."""
    entry = line.entry
    assert entry is not None and entry.written is not None
    address = entry.written.address.literal
    sentence = f"{address} was written." if entry.written.created else f"{address} was there."
    issues = [{"severity": "information", "code": "informational", "diagnostics": sentence}]
    said = [*entry.warnings]
    as_given = _references(entry.resource, set()) & _references(line.given, set())
    lost = Counter(each.partition("/")[0] for each in as_given if not ids(each.partition("/")[2]))
    if lost:
        said.append(AFTER.format(", ".join(f"{n} × {what}" for what, n in sorted(lost.items()))))
    issues += [{"severity": "warning", "code": "business-rule", "diagnostics": t} for t in said]
    return _placed({"resourceType": "OperationOutcome", "issue": issues}, line)


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


def _refused(lines: Sequence[Line]) -> int:
    """How many were refused."""
    return sum(
        any(issue["severity"] in ("error", "fatal") for issue in each.said["issue"])
        for each in lines
        if each.said is not None
    )
