# SPDX-License-Identifier: EUPL-1.2
"""Where the lines of an import will be, decided before they are written.

What is about nobody is placed with the organisation that deposits it, or is what the directory or an
earlier deposit has already. What is about a person is placed in their record, once they have one. A
Patient has none until it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from carnet.access.door import Unit
from carnet.bulk.queries import Placed
from carnet.fhir import json
from carnet.fhir.search.references import LITERAL
from carnet.rest.acts import NEED_AN_ACT, Entry
from carnet.rest.desk import Desk
from carnet.rest.plans import existing

ALSO: Final = ("urn:", "Patient/")  # references that name a person, whoever that is


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


def is_person(raw: bytes) -> bool:
    """Whether a line is a Patient."""
    return b'"Patient"' in raw and head(raw).rtype == "Patient"


def named(given: Mapping[str, Any]) -> str:
    """`Type/id`, as given; "" without an id."""
    rtype, id = given.get("resourceType"), given.get("id")
    return f"{rtype}/{id}" if isinstance(id, str) and isinstance(rtype, str) else ""


def read(desk: Desk, raw: bytes) -> dict[str, Any] | None:
    """A line that may be given a place before it is written; None when it may not."""
    try:
        given = _whole.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(given, dict) or not named(given):
        return None
    rtype = given["resourceType"]
    return given if rtype in desk.door.definitions.types and rtype not in NEED_AN_ACT else None


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
    return {each for given in lines for each in desk.door.owners.references(given)}


def columns(rows: Sequence[tuple[bytes, Placed]]) -> dict[str, object]:
    """Rows of documents.imported, as its statement takes them."""
    return {
        "hs": [h for h, _ in rows],
        "cids": [at.cid for _, at in rows],
        "rids": [at.rid for _, at in rows],
        "marks": [at.mark for _, at in rows],
        "theres": [at.there for _, at in rows],
    }
