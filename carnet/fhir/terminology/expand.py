# SPDX-License-Identifier: EUPL-1.2
"""ValueSet/$expand: the members of a value set, paged, filtered by the beginnings of words.

Source: FHIR R4, ValueSet/$expand.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from carnet.fhir import json
from carnet.fhir.terminology import queries, resources
from carnet.fhir.terminology.compose import Compose
from carnet.fhir.terminology.labels import preferred
from carnet.fhir.terminology.queries import Conn
from carnet.fhir.terminology.refusals import TooManyCodes, UnknownSystem
from carnet.fhir.terminology.resolve import NONE, Pins, Resolved, wary
from carnet.fhir.terminology.sql import Narrow, Statement
from carnet.fhir.terminology.terms import Member, Terms
from carnet.fhir.terminology.words import beginning

Json = dict[str, Any]
MOST: Final = 5_000  # codes of one page
LARGEST_KEPT: Final = 32 * 1024  # bytes of an answer
ALONE: Final = 1_000  # codes of an answer that was not asked by pages
PROPERTY: Final = (
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property"
)
LANGUAGES: Final = "urn:ietf:bcp:47"


@dataclass(frozen=True, slots=True)
class Expansion:
    """What is asked of a value set."""

    filter: str = ""
    offset: int | None = None
    count: int | None = None
    active: bool = False
    selectable: bool = False  # leave out what is not for people to choose
    designations: bool = False
    definition: bool = False  # say how the value set is composed
    language: str | None = None
    pins: Pins = NONE
    without: frozenset[str] = frozenset()  # systems
    chosen: tuple[str, ...] = ()  # designations: `system|code` of a use, `urn:ietf:bcp:47|fr`
    properties: tuple[str, ...] = ()  # to be told of each code
    said: tuple[Json, ...] = ()  # other parameters, as they were given


async def answer(
    terms: Terms, conn: Conn, of: str | Compose, asked: Expansion, at: datetime, version: str = ""
) -> bytes:
    """The same as JSON. One that is asked again is the one that was made: its timestamp says when."""
    key = (of, version, repr(asked)) if isinstance(of, str) and asked.pins == NONE else None
    await terms.memory.look(conn)
    if key is not None and (kept := terms.memory.answers.get(key)) is not None:
        terms.memory.answers.move_to_end(key)
        return kept
    made = json.dump(await expand(terms, conn, of, asked, at, version))
    if key is not None and len(made) <= LARGEST_KEPT:
        terms.memory.keep_answer(key, made)
    return made


async def expand(
    terms: Terms, conn: Conn, of: str | Compose, asked: Expansion, at: datetime, version: str = ""
) -> Json:
    """The ValueSet with its expansion; TooManyCodes when it is not asked by pages."""
    resolved = await terms.resolve(conn, of, version, asked.pins)
    for part in resolved.parts():
        if part.unlisted and part.url not in asked.without:
            # What is not whole here cannot be given as if it were.
            raise UnknownSystem(part.url)
    words = beginning(asked.filter) if asked.filter.strip() else None
    nothing = bool(asked.filter.strip()) and words is None  # a filter of signs alone
    narrow = Narrow(words, asked.active, asked.selectable)
    members, total = ([], 0) if nothing else await _page(terms, conn, resolved, asked, narrow)
    added = terms.supplements(resolved, asked.language)
    members = await terms.supplemented(conn, members, added)
    told = await _told(conn, members, asked)
    several = _several(resolved)
    return {
        **_head(resolved, await _definition(conn, resolved) if asked.definition else None),
        "expansion": {
            "identifier": f"urn:uuid:{_identifier(resolved, asked, terms.memory.generation)}",
            "timestamp": at.isoformat(timespec="seconds"),
            "total": total,
            **({"offset": asked.offset} if asked.offset is not None else {}),
            "parameter": _parameters(resolved, asked),
            **(
                {"contains": [_contains(each, asked, told, several) for each in members]}
                if members
                else {}
            ),
        },
    }


async def _page(
    terms: Terms, conn: Conn, of: Resolved, asked: Expansion, narrow: Narrow
) -> tuple[list[Member], int]:
    stored = isinstance(of.compose.id, int) and asked.pins == NONE
    key = (of.compose.id, narrow, asked.without)
    total = _whole(of, asked, narrow)
    if total is None and stored:
        total = terms.memory.totals.get(key)
    if asked.count == 0 and total is not None:
        return [], total
    limit = ALONE if asked.count is None else MOST
    most = limit + 1 if asked.count is None else min(asked.count, limit + 1)
    offset = asked.offset or 0
    if _whole(of, asked, narrow) is not None:  # by their places: nothing before them is read
        narrow, offset = replace(narrow, between=(offset, offset + most)), 0
    made = Statement(narrow, asked.without)
    rows = await terms.page(conn, made, of, offset, most, total=total is None)
    if len(rows) > limit:
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
    if not asked.offset and asked.count != 0:
        return 0
    made = Statement(narrow, asked.without)
    text = f"SELECT count(*) FROM ({made.members(of)}) m"
    row = await (await conn.execute(text.encode(), made.values)).fetchone()
    return int(row[0]) if row else 0


async def _definition(conn: Conn, of: Resolved) -> Json:
    """How the value set is composed, whole."""
    said = of.compose
    if said.definition or said.id is None:
        return said.definition or {"include": [{"system": each.url} for each in of.include]}
    composed = await resources.composed(conn, [said.id])
    return composed[said.id]


async def _told(
    conn: Conn, members: Sequence[Member], asked: Expansion
) -> dict[tuple[str, str], tuple[str, Json]]:
    """Definitions and properties, when some are to be told."""
    if not asked.properties:
        return {}
    known = [(each.row, each.code) for each in members if each.row is not None]
    rows = await queries.told(conn, [row for row, _ in known], [code for _, code in known])
    return {(system, code): (text, values) for system, code, text, values in rows}


def _several(of: Resolved) -> frozenset[str]:
    """The systems of which more than one version is used."""
    seen: dict[str, set[str]] = {}
    for part in of.parts():
        if part.system is not None:
            seen.setdefault(part.url, set()).add(part.system.version)
    return frozenset(url for url, versions in seen.items() if len(versions) > 1)


def _head(of: Resolved, definition: Json | None) -> Json:
    said = of.compose
    head = {"url": said.url, "version": said.version, "name": said.name, "title": said.title}
    kept: Json = {key: value for key, value in head.items() if value}
    kept["status"] = said.status or "active"
    kept |= {
        key: said.head[key]
        for key in ("language", "experimental", "date", "publisher")
        if key in said.head
    }
    if definition is not None:
        kept["compose"] = definition
    return {"resourceType": "ValueSet", **kept}


def _identifier(of: Resolved, asked: Expansion, generation: int) -> uuid.UUID:
    """The same for the pages of one expansion."""
    said = (of.compose.id, of.compose.url, of.compose.version, asked.filter, asked.active,
            asked.selectable, repr(asked.pins), sorted(asked.without), generation)  # fmt: skip
    return uuid.uuid5(uuid.NAMESPACE_URL, repr(said))


def _parameters(of: Resolved, asked: Expansion) -> list[Json]:
    found: list[Json] = []
    if asked.filter:
        found.append({"name": "filter", "valueString": asked.filter})
    if asked.offset is not None:
        found.append({"name": "offset", "valueInteger": asked.offset})
    if asked.count is not None:
        found.append({"name": "count", "valueInteger": asked.count})
    if asked.language:
        found.append({"name": "displayLanguage", "valueCode": asked.language})
    found += [{"name": "designation", "valueString": each} for each in asked.chosen]
    found += asked.said
    used = {
        f"{part.url}|{part.system.version}" if part.system.version else part.url: part.system
        for part in of.parts()
        if part.system is not None and part.system.content == "complete"
    }
    for each, system in sorted(used.items()):
        found.append({"name": "used-codesystem", "valueUri": each})
        found.append({"name": "version", "valueUri": each})
        if word := wary(system.status, system.head):
            found.append({"name": f"warning-{word}", "valueUri": each})
    found += [
        {"name": "used-valueset", "valueUri": each}
        for each in sorted(one.canonical for one in of.composes()[1:])
    ]
    found += [{"name": "used-supplement", "valueUri": each} for each in of.asked()]
    for said in of.composes():
        if word := wary(said.status, said.head):
            found.append({"name": f"warning-{word}", "valueUri": said.canonical})
    return found


def _contains(
    member: Member,
    asked: Expansion,
    told: Mapping[tuple[str, str], tuple[str, Json]],
    several: frozenset[str],
) -> Json:
    made: Json = {"system": member.system}
    if member.abstract:
        made["abstract"] = True
    if member.inactive:
        made["inactive"] = True
    if member.version and member.system in several:
        made["version"] = member.version
    made["code"] = member.code
    display = preferred(asked.language, member.designations, member.display)
    shown = next((each for each in member.designations if each.get("value") == display), None)
    if display:
        made["display"] = display
    if asked.designations:
        others = [
            each for each in member.designations
            if each is not shown and (not asked.chosen or _chosen(each, asked.chosen))
        ]  # fmt: skip
        if others:
            made["designation"] = others
    if properties := _properties(told.get((member.system, member.code)), asked.properties):
        made["extension"] = properties
    return made


def _chosen(designation: Json, chosen: tuple[str, ...]) -> bool:
    """Whether a label is one of those that were asked for, by its language or its use."""
    use = designation.get("use", {})
    said = {f"{LANGUAGES}|{designation.get('language', '')}".lower()}
    said.add(f"{use.get('system', '')}|{use.get('code', '')}".lower())
    return not said.isdisjoint(each.lower() for each in chosen)


def _properties(told: tuple[str, Json] | None, asked: tuple[str, ...]) -> list[Json]:
    """Properties of a code, as R5's element is written in R4."""
    if told is None:
        return []
    text, values = told
    given = values | ({"definition": [text]} if text else {})
    return [
        {"url": PROPERTY, "extension": [
            {"url": "code", "valueCode": name}, {"url": "value", "valueString": str(value)}]}
        for name in asked for value in given.get(name, ())
    ]  # fmt: skip
