# SPDX-License-Identifier: EUPL-1.2
"""Writing the lines of a lot: one transaction, with what is answered to each of them.

A lot that is refused is done again by halves, until the line that is wrong stands alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import errors as pg

from carnet import errors
from carnet.access.door import Unit, UnknownOwner, Visit
from carnet.access.labels import FILED, Label
from carnet.bulk import following, queries
from carnet.bulk.lines import Line
from carnet.bulk.lots import BEYOND, Done, Lot, Step
from carnet.bulk.placing import RESTORED, Places, named, references
from carnet.bulk.queries import Import, Placed
from carnet.fhir import json
from carnet.rest.acts import NEED_AN_ACT, Entry, Place, Plan
from carnet.rest.desk import Desk
from carnet.rest.http import UnknownType
from carnet.rest.links import copied
from carnet.rest.outcome import known, outcome, unforeseen
from carnet.rest.placing import existing
from carnet.rest.plans import carry_out

PROFILE = "urn:carnet:import"  # of the plan of a lot


class Elsewhere(errors.Conflict):
    """This import is going on elsewhere: nothing was done twice."""


class LineTooLong(errors.TooLarge):
    """A line is longer than this server accepts."""


class SameAgain(errors.Invalid):
    """An earlier line of this import has the same type and id."""


class NoDocument(errors.BusinessRule):
    """The document that this came with, and which says who sees it, is neither in this import nor here."""


class NoFile(errors.BusinessRule):
    """The files of a document are lines of the same import: one of them is not there."""


class NotRestored(errors.BusinessRule):
    """A document and its Binary are put together again by an import that keeps ids, or by `carnet load`;
    elsewhere a document has its data in its attachment."""


class _Refused(Exception):
    """Lines that were refused together."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        self.said = said


class _Twice(Exception):
    """Another lot made what these lines make: they are looked at again."""


@dataclass(frozen=True, slots=True)
class Writer:
    """What writes the lots of one import."""

    desk: Desk
    visit: Visit  # of the software
    row: Import
    places: Places

    async def write(self, lot: Lot) -> Done:
        """A lot; what is received as a document is one by one, as anybody's."""
        if lot.step is not Step.DOCUMENTS or self.row.keep:
            return await self._write(lot, lot.lines)
        done = Done()
        for line in lot.lines:
            done.add(await self._write(lot, (line,)))
        return done

    async def _write(
        self, lot: Lot, given: Sequence[tuple[int, bytes]], *, again: bool = True
    ) -> Done:
        """Some lines in one transaction; when it is refused, each half in its own."""
        lines = [Line(*each) for each in given]
        try:
            await self._together(lot, lines)
        except _Twice:
            if again:
                return await self._write(lot, given, again=False)
            raise Elsewhere from None
        except _Refused as refused:
            if len(lines) > 1:
                half = len(lines) // 2
                done = await self._write(lot, given[:half])
                done.add(await self._write(lot, given[half:]))
                return done
            lines[0].refuse(refused.said)
            await self._keep(lot, lines)
        return Done(len(lines), sum(each.refused for each in lines))

    async def _alone(self, unit: Unit, entries: Sequence[Entry]) -> None:
        """Persons whose place is given are made by one transaction at a time, and once.

        A second one would make another key for the same compartment, while others write under the first.
        """
        persons = {
            each.place.cid: each
            for each in entries
            if each.rtype == "Patient" and each.place is not None and not each.place.there
        }
        for cid in sorted(persons):
            await unit.alone(f"import|{cid}")
        for cid in await queries.compartments(unit.conn, sorted(persons)):
            await existing(unit, self.desk.acts, persons[cid])  # refused when it is another's
            persons[cid].place = Place(cid, cid, there=True)

    async def _follow(self, unit: Unit, lines: Sequence[Line]) -> None:
        """The documents that lines came with, as they are now: nothing is masked or shown meanwhile."""
        wanted = sorted({each.follows for each in lines if each.entry and each.follows})
        found: dict[str, tuple[int, int, int, Label]] = {}
        for reference in wanted:
            rtype, _, id = reference.partition("/")
            try:
                if rtype != "DocumentReference":
                    raise NoDocument
                held = await unit.held(rtype, id)
            except errors.NotFound:
                raise NoDocument from None
            if held.gone:
                raise NoDocument
            label = Label(held.labels)
            document = await unit.current(held, rtype)
            if document.get("status") == "superseded":  # what was read in it is found no more
                label |= Label.REPLACED
            found[reference] = (held.cid, held.rid, held.kind, label)
        for each in lines:
            if each.entry is not None and each.follows:
                cid, rid, kind, label = found[each.follows]
                if each.entry.rtype in FILED:
                    label &= ~Label.REPLACED
                each.entry.follow = (cid, rid, kind, label)

    async def _together(self, lot: Lot, lines: list[Line]) -> None:
        await self._prepare(lot, lines)
        entries = [each.entry for each in lines if each.entry is not None]
        if not entries:
            await self._keep(lot, lines)
            return
        plan = Plan(entries, frozenset((PROFILE,)), parser=self.desk.parser)

        async def before(unit: Unit, plan: Plan) -> None:
            await self._alone(unit, entries)
            await self._follow(unit, lines)

        async def after(unit: Unit, plan: Plan) -> None:
            for each in lines:
                if each.entry is not None:
                    each.tell()
            await self._remember(unit, lot, lines)

        plan.before, plan.after = before, after
        places = [
            (place.cid, place.rid)
            for each in entries
            if (place := each.place) is not None and not place.there
        ]
        if len(set(places)) < len(places):
            raise _Refused({})  # two that are one person: the second finds the first
        try:
            await carry_out(self.visit, self.desk.acts, plan)
        except pg.UniqueViolation as twice:
            if twice.diag.table_name == "chunk":
                raise Elsewhere from None
            raise _Twice from None
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
                if each.raw.startswith(BEYOND):
                    raise LineTooLong
                each.given, each.follows = following.unmarked(json.parse(each.raw))
                each.name = named(each.given)
            except Exception as error:
                each.refuse(self._said(lines, error))
            pointing.append(references(each.given, set()))
            wanted |= pointing[-1]
            if each.name.startswith("DocumentReference/"):
                wanted |= _files(each.given)
            wanted.add(each.name)
        async with door.pool.connection() as conn, conn.transaction():
            unit = Unit(self.visit, conn, door.clock())
            there = await self.places.there(unit, wanted - {""})
        literals = {name: self._literal(name, at) for name, at in there.items()}
        seen: set[str] = set()
        for each, pointed in zip(lines, pointing, strict=True):
            if each.refused:
                continue
            try:
                at = there.get(each.name)
                if each.name and (
                    each.name in seen
                    or (at is not None and at.mark != self.places.mark(lot.input, each.number))
                ):
                    raise SameAgain
                seen.add(each.name)
                each.entry = await self._entry(each, at, literals)
                each.lost = tuple(
                    one.partition("/")[0]
                    for one in pointed
                    if one not in literals and not door.ids.ours(one.partition("/")[2])
                )
            except Exception as error:
                each.refuse(self._said(lines, error))

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
        if not isinstance(rtype, str) or rtype not in self.visit.door.definitions.types:
            raise UnknownType
        if at is None and line.name and rtype not in NEED_AN_ACT:
            self._owner_known(line.given, literals)
        line.follows = literals.get(line.follows, line.follows)
        if rtype in RESTORED and at is None:
            self._whole(line)
        if (
            rtype == "DocumentReference"
            and at is not None
            and not _files(line.given) <= set(literals)
        ):
            raise NoFile
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

    def _whole(self, line: Line) -> None:
        """Refuse a document without its bytes, and what came with one: they are put together elsewhere."""
        of_one = line.given.get("securityContext")
        named = str(of_one.get("reference")) if isinstance(of_one, dict) else ""
        apart = any(each.startswith("Binary/") for each in _files(line.given))
        if apart or named.startswith("DocumentReference/"):
            raise NotRestored

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
                mark = self.places.mark(lot.input, each.number)
                rows.append((self.places.hash(each.name), Placed(at.cid, at.rid, mark, there)))
        await self.places.keep(unit, rows)
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
            "input": lot.kept,
            "first": lines[0].number, "last": lines[-1].number,
            "digest": digest(self.visit, [each.raw for each in lines]),
            "report": zlib.compress(b"".join(each.said + b"\n" for each in lines), 1),
            "refused": sum(each.refused for each in lines),
            "persons": sum(
                each.entry is not None and each.entry.written is not None
                and each.entry.rtype == "Patient" and each.entry.written.created
                for each in lines
            ),
        }  # fmt: skip


def digest(visit: Visit, lines: Sequence[bytes]) -> bytes:
    """What lines that were done are known by."""
    return visit.door.hasher.long(b"import|" + b"\n".join(lines))


def _files(document: dict[str, Any]) -> set[str]:
    """What the attachments of a DocumentReference say where their data is."""
    found = set()
    contents = document.get("content")
    for each in contents if isinstance(contents, list) else []:
        attachment = each.get("attachment") if isinstance(each, dict) else None
        found.add(str(attachment.get("url")) if isinstance(attachment, dict) else "")
    return found
