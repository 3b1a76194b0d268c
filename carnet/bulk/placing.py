# SPDX-License-Identifier: EUPL-1.2
"""Where the lines of an import will be, decided before they are written.

What is about nobody is placed with the organisation that deposits it, or is what the directory or an
earlier deposit has already. What is about a person is placed in their record, once they have one. A
document and what came with it are placed where ids are kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from carnet import errors
from carnet.access.door import Unit, Visit
from carnet.bulk import queries
from carnet.bulk.lots import OF_TYPE, Done, Lot, Step
from carnet.bulk.queries import Import, Placed
from carnet.fhir import json
from carnet.fhir.search.references import LITERAL
from carnet.identity.ins import ARC
from carnet.rest.acts import NEED_AN_ACT, Entry
from carnet.rest.desk import Desk
from carnet.rest.placing import existing

ALSO: Final = ("urn:", "Patient/")  # references that name a person, whoever that is
RESTORED: Final = frozenset(("DocumentReference", "Binary", "List"))  # where ids are kept
# Of a line whose structure nobody has looked at yet.
WRONG: Final = (TypeError, AttributeError, KeyError, ValueError, errors.Invalid)


@dataclass(frozen=True, slots=True)
class Places:
    """The places of the lines of one import, by what they call themselves."""

    desk: Desk
    visit: Visit  # of the software
    row: Import

    def mark(self, input: str, number: int) -> int:
        """What tells a line from another of the same name."""
        return self.visit.door.hasher.number(f"imported|{self.row.id}|{input}|{number}")

    def hash(self, name: str) -> bytes:
        """What a name is known by."""
        return self.visit.door.hasher.long(f"imported|{self.row.id}|{name}".encode())

    async def there(self, unit: Unit, names: set[str]) -> dict[str, Placed]:
        """What the lines of this import have, by what they call it."""
        if not names:
            return {}
        hashes = {self.hash(name): name for name in names}
        await unit.allow(self.row.org)
        found = await queries.known(unit.conn, self.row.org, self.row.id, list(hashes))
        return {hashes[h]: at for h, at in found.items()}

    async def keep(self, unit: Unit, rows: list[tuple[bytes, Placed]]) -> None:
        """Write places, once each."""
        if rows:
            await unit.allow(self.row.org)
            values = {"org": self.row.org, "id": self.row.id, **columns(rows)}
            await unit.conn.execute(queries.KEEP, values)

    async def give(self, lot: Lot) -> Done:
        """Give lines their place, once: begun again, what has one keeps it."""
        desk, door, done = self.desk, self.visit.door, Done()
        lines: list[tuple[int, bytes, dict[str, Any]]] = []
        for number, raw in lot.lines:
            step = step_of(raw)
            done.persons += step is Step.PERSONS
            done.documents += step is Step.DOCUMENTS
            if (given := read(desk, raw, keep=self.row.keep)) is not None:
                lines.append((number, raw, given))
        async with door.pool.connection() as conn, conn.transaction():
            unit = Unit(self.visit, conn, door.clock())
            there = await self.there(unit, owned(desk, [given for *_, given in lines]))
            rows: list[tuple[bytes, Placed]] = []
            for number, raw, given in lines:
                try:
                    at = await self._place(unit, given, raw, there, done)
                except WRONG:  # as whoever writes it will say
                    continue
                if at is not None:
                    mark = self.mark(lot.input, number)
                    rows.append((self.hash(named(given)), Placed(at[0], at[1], mark, at[2])))
            await self.keep(unit, rows)
        return done

    async def _place(
        self,
        unit: Unit,
        given: dict[str, Any],
        raw: bytes,
        there: Mapping[str, Placed],
        done: Done,
    ) -> tuple[int, int, bool] | None:
        """Compartment, number, and whether it is there already; None for what is placed as it is written."""
        desk = self.desk
        if given["resourceType"] == "Patient":
            return await self._person(unit, given, raw)
        if said_only(desk, given):
            return None
        cid = record(desk, given, there, self.row.org)
        if cid is None:
            done.left += 1
            return None
        if given["resourceType"] in RESTORED:
            own = desk.door.ids.decode(given["id"])
            if own is None or (given["resourceType"] != "Binary" and own[0] != cid):
                return None
            return (*own, False)
        return await place_of(unit, desk, given, raw, cid, keep=self.row.keep)

    async def _person(
        self, unit: Unit, given: dict[str, Any], raw: bytes
    ) -> tuple[int, int, bool] | None:
        """The place of a Patient, so that persons may refer to each other; lines of one number are one.

        None for who bears several numbers: which of them is known is found when it is written.
        """
        if self.row.keep and self.desk.door.ids.ours(given["id"]):
            return None  # it says its place itself
        found = await existing(
            unit, self.desk.acts, Entry("POST", "Patient", resource=json.parse(raw))
        )
        if found is not None:
            return found.cid, found.rid, True
        cid = self.desk.door.ids.new()
        numbers = [
            f"{system}|{each.get('value')}"
            for each in given.get("identifier", [])
            if (system := str(each.get("system", "")).removeprefix("urn:oid:")).startswith(ARC)
        ]
        if not numbers:
            return cid, cid, False
        if len(numbers) > 1:
            return None
        h = self.hash(f"number|{numbers[0]}")
        await self.keep(unit, [(h, Placed(cid, cid, 0, False))])
        first = (await queries.known(unit.conn, self.row.org, self.row.id, [h]))[h]
        return first.cid, first.rid, False


class Head(msgspec.Struct):
    """What a line is, read quickly; its content is read by who writes it."""

    rtype: Any = msgspec.field(name="resourceType", default=None)
    id: Any = None


_head: Final = msgspec.json.Decoder(Head)
_whole: Final = msgspec.json.Decoder()


def head(raw: bytes) -> Head:
    """The type and id of a line; nothing when it is no JSON object."""
    try:
        return _head.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Head()


def step_of(raw: bytes) -> Step:
    """The step a line is written in: what others are about, or follow, comes first."""
    for rtype, step in OF_TYPE.items():
        if f'"{rtype}"'.encode() in raw and head(raw).rtype == rtype:
            return step
    return Step.WRITE


def named(given: Mapping[str, Any]) -> str:
    """`Type/id`, as given; "" without an id."""
    rtype, id = given.get("resourceType"), given.get("id")
    return f"{rtype}/{id}" if isinstance(id, str) and isinstance(rtype, str) else ""


def read(desk: Desk, raw: bytes, *, keep: bool) -> dict[str, Any] | None:
    """A line that may be given a place before it is written; None when it may not."""
    try:
        given = _whole.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(given, dict) or not named(given):
        return None
    rtype = given["resourceType"]
    if rtype in RESTORED:
        return given if keep and desk.door.ids.ours(given["id"]) else None
    known = rtype in desk.door.definitions.types and rtype not in NEED_AN_ACT
    return given if known or rtype == "Patient" else None


def said_only(desk: Desk, given: dict[str, Any]) -> bool:
    """Whether whose a resource is may be said by a number alone, and is found when it is written."""
    part = desk.door.owners.part(given)
    return any(
        "identifier" in each and "reference" not in each
        for value in part.values()
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, dict)
    )


def record(desk: Desk, given: dict[str, Any], there: Mapping[str, Placed], org: int) -> int | None:
    """The compartment of a line; None while the person it is about has none, or is named otherwise."""
    found = []
    for written in desk.door.owners.references(given):
        if "?" in written:  # found when it is written
            return None
        if written in there:
            found.append(there[written].cid)
            continue
        reference = written.removeprefix(f"{desk.base}/").partition("/_history/")[0]
        literal = LITERAL.fullmatch(reference)
        place = desk.door.ids.decode(literal[2]) if literal else None
        if place is not None and literal is not None:
            found.append(place[0])
        elif reference.startswith(ALSO):
            return None
    return next((cid for cid in found if cid not in (0, org)), org)


async def place_of(
    unit: Unit, desk: Desk, given: dict[str, Any], raw: bytes, cid: int, *, keep: bool
) -> tuple[int, int, bool]:
    """Compartment, number, and whether it is there already."""
    if cid == unit.visit.actor.org and desk.acts.resolver(given["resourceType"]) is not None:
        entry = Entry("POST", given["resourceType"], resource=json.parse(raw))
        found = await existing(unit, desk.acts, entry)
        if found is not None:
            return found.cid, found.rid, True
    own = desk.door.ids.decode(given["id"]) if keep else None
    if own is not None and own[0] == cid:
        return cid, own[1], False
    return cid, desk.door.ids.new(), False


def references(value: Any, found: set[str]) -> set[str]:
    """Every relative reference of a resource."""
    if type(value) is dict:
        for key, each in value.items():
            if type(each) is not str:
                references(each, found)
            elif key == "reference" and LITERAL.fullmatch(each):
                found.add(each)
    elif type(value) is list:
        for each in value:
            references(each, found)
    return found


def owned(desk: Desk, lines: Iterable[dict[str, Any]]) -> set[str]:
    """What the lines say of whose they are."""
    found: set[str] = set()
    for given in lines:
        with contextlib.suppress(*WRONG):
            found.update(desk.door.owners.references(given))
    return found


def columns(rows: Sequence[tuple[bytes, Placed]]) -> dict[str, object]:
    """Rows of documents.imported, as its statement takes them."""
    return {
        "hs": [h for h, _ in rows],
        "cids": [at.cid for _, at in rows],
        "rids": [at.rid for _, at in rows],
        "marks": [at.mark for _, at in rows],
        "theres": [at.there for _, at in rows],
    }
