# SPDX-License-Identifier: EUPL-1.2
"""ValueSet/$expand: the members of a value set, paged, filtered by the beginnings of words.

Source: FHIR R4, ValueSet/$expand.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from carnet.fhir.terminology.compose import Compose
from carnet.fhir.terminology.labels import preferred
from carnet.fhir.terminology.queries import Conn
from carnet.fhir.terminology.refusals import TooManyCodes, UnknownSystem
from carnet.fhir.terminology.resolve import Resolved
from carnet.fhir.terminology.sql import Narrow, Statement
from carnet.fhir.terminology.terms import Member, Terms
from carnet.fhir.terminology.words import beginning

Json = dict[str, Any]
MOST: Final = 5_000  # codes of one answer


@dataclass(frozen=True, slots=True)
class Expansion:
    """What is asked of a value set."""

    filter: str = ""
    offset: int = 0
    count: int | None = None
    active: bool = False
    selectable: bool = False  # leave out what is not for people to choose
    designations: bool = False
    definition: bool = False  # say how the value set is composed
    language: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)  # of systems
    without: frozenset[str] = frozenset()  # systems


async def expand(
    terms: Terms, conn: Conn, of: str | Compose, asked: Expansion, at: datetime, version: str = ""
) -> Json:
    """The ValueSet with its expansion; TooManyCodes when it is not asked by pages."""
    resolved = await terms.resolve(conn, of, version, asked.versions)
    for part in resolved.parts():
        if part.unlisted and part.url not in asked.without:
            # What is not whole here cannot be given as if it were.
            raise UnknownSystem(part.url)
    words = beginning(asked.filter) if asked.filter.strip() else None
    nothing = bool(asked.filter.strip()) and words is None  # a filter of signs alone
    narrow = Narrow(words, asked.active, asked.selectable)
    members, total = ([], 0) if nothing else await _page(terms, conn, resolved, asked, narrow)
    return {
        **_head(resolved),
        "expansion": {
            "identifier": f"urn:uuid:{_identifier(resolved, asked, terms.memory.generation)}",
            "timestamp": at.isoformat(timespec="seconds"),
            "total": total,
            "offset": asked.offset,
            "parameter": _parameters(resolved, asked),
            **({"contains": [_contains(each, asked) for each in members]} if members else {}),
        },
    }


async def _page(
    terms: Terms, conn: Conn, of: Resolved, asked: Expansion, narrow: Narrow
) -> tuple[list[Member], int]:
    stored = isinstance(of.compose.id, int) and not asked.versions
    key = (of.compose.id, narrow, asked.without)
    total = _whole(of, asked, narrow)
    if total is None and stored:
        total = terms.memory.totals.get(key)
    if asked.count == 0 and total is not None:
        return [], total
    most = MOST + 1 if asked.count is None else asked.count
    if asked.count is not None and asked.count > MOST:
        most = MOST + 1
    offset = asked.offset
    if _whole(of, asked, narrow) is not None:  # by their places: nothing before them is read
        narrow, offset = replace(narrow, between=(offset, offset + most)), 0
    made = Statement(narrow, asked.without)
    rows = await terms.page(conn, made, of, offset, most, total=total is None)
    if len(rows) > MOST:
        raise TooManyCodes
    if total is None:
        total = rows[0][1] if rows else await _count(conn, of, asked, narrow)
        if stored:
            terms.memory.keep_total(key, total)
    return [member for member, _ in rows], total


def _whole(of: Resolved, asked: Expansion, narrow: Narrow) -> int | None:
    """How many there are, when it is a whole system."""
    if len(of.include) != 1 or of.exclude or narrow != Narrow() or asked.without:
        return None
    part = of.include[0]
    bare = not (part.clause.lists or part.clause.filters or part.value_sets)
    return part.system.size if bare and part.system is not None and of.compose.inactive else None


async def _count(conn: Conn, of: Resolved, asked: Expansion, narrow: Narrow) -> int:
    if asked.offset == 0 and asked.count != 0:
        return 0
    made = Statement(narrow, asked.without)
    text = f"SELECT count(*) FROM ({made.members(of)}) m"
    row = await (await conn.execute(text.encode(), made.values)).fetchone()
    return int(row[0]) if row else 0


def _head(of: Resolved) -> Json:
    said = of.compose
    head = {"url": said.url, "version": said.version, "name": said.name, "title": said.title}
    kept = {key: value for key, value in head.items() if value}
    return {"resourceType": "ValueSet", **kept, "status": said.status or "active"}


def _identifier(of: Resolved, asked: Expansion, generation: int) -> uuid.UUID:
    """The same for the pages of one expansion."""
    said = (of.compose.id, of.compose.url, of.compose.version, asked.filter, asked.active,
            asked.selectable, sorted(asked.versions.items()), sorted(asked.without), generation)  # fmt: skip
    return uuid.uuid5(uuid.NAMESPACE_URL, repr(said))


def _parameters(of: Resolved, asked: Expansion) -> list[Json]:
    found: list[Json] = []
    if asked.filter:
        found.append({"name": "filter", "valueString": asked.filter})
    if asked.offset:
        found.append({"name": "offset", "valueInteger": asked.offset})
    if asked.count is not None:
        found.append({"name": "count", "valueInteger": asked.count})
    for name, given in (
        ("activeOnly", asked.active),
        ("excludeNotForUI", asked.selectable),
        ("includeDesignations", asked.designations),
    ):
        if given:
            found.append({"name": name, "valueBoolean": True})
    if asked.language:
        found.append({"name": "displayLanguage", "valueCode": asked.language})
    used = {
        f"{part.url}|{part.system.version}" if part.system.version else part.url
        for part in of.parts()
        if part.system is not None and part.system.content == "complete"
    }
    found += [{"name": "version", "valueUri": each} for each in sorted(used)]
    return found


def _contains(member: Member, asked: Expansion) -> Json:
    made: Json = {"system": member.system}
    if member.abstract:
        made["abstract"] = True
    if member.inactive:
        made["inactive"] = True
    if member.version:
        made["version"] = member.version
    made["code"] = member.code
    display = preferred(asked.language, member.designations, member.display)
    if display:
        made["display"] = display
    if asked.designations:
        others = [each for each in member.designations if each.get("value") != display]
        if others:
            made["designation"] = others
    return made
