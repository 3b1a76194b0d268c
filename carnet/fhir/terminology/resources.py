# SPDX-License-Identifier: EUPL-1.2
"""What is loaded, as the resources it came in: CodeSystem and ValueSet, read by id and searched.

Of a large system the concepts are not told one by one: `content` is then `not-present`, and `count` says
how many it has; $lookup and $expand give them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from carnet.fhir.terminology import queries
from carnet.fhir.terminology.queries import Conn

Json = dict[str, Any]
MOST: Final = 1_000  # concepts that are told
KINDS: Final = {"code": "valueCode", "boolean": "valueBoolean", "Coding": "valueCoding",
                "string": "valueString", "dateTime": "valueDateTime", "integer": "valueInteger",
                "decimal": "valueDecimal"}  # fmt: skip
# FHIR's own properties, when a system has them and does not say so.
OWN: Final = {"status": "code", "inactive": "boolean", "notSelectable": "boolean",
              "abstract": "boolean", "parent": "code", "child": "code", "subsumedBy": "code"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """One code system or value set, with what it is searched by."""

    rid: str
    row: int
    kind: str
    ver: int  # of a version: what replaces it, or adds to it, has a greater one
    loaded: datetime
    size: int  # concepts
    said: Json  # the resource without its concepts
    systems: frozenset[str] = frozenset()  # those a value set takes codes of


async def every(conn: Conn, kind: str) -> list[Known]:
    """All that is loaded of a kind, by address and version."""
    return [_known(kind, row) for row in await queries.resources(conn, kind)]


def _known(kind: str, row: queries.Resource) -> Known:
    said: Json = {"resourceType": kind, "id": row.rid}
    ver = row.source + (row.size if row.content == "fragment" else 0)
    loaded = row.loaded_at.isoformat(timespec="seconds")
    said["meta"] = {"versionId": str(ver), "lastUpdated": loaded}
    columns = {"url": row.url, "version": row.version, "name": row.name, "title": row.title,
               "status": row.status or "unknown", "date": row.published,
               "language": row.language}  # fmt: skip
    said |= {key: value for key, value in columns.items() if value} | row.head
    systems: set[str] = set()
    if kind == "CodeSystem":
        told = row.size <= MOST
        said["content"] = row.content if told else "not-present"
        said["count"] = row.size
        if row.supplements:
            said["supplements"] = row.supplements
    for part in ("include", "exclude"):
        systems |= {each["system"] for each in row.compose.get(part, ()) if "system" in each}
    return Known(row.rid, row.row, kind, ver, row.loaded_at, row.size, said, frozenset(systems))


async def whole(conn: Conn, wanted: Sequence[Known]) -> list[Json]:
    """The resources, with their concepts."""
    sets = [each.row for each in wanted if each.kind == "ValueSet"]
    composes = await composed(conn, sets) if sets else {}
    systems = [each.row for each in wanted if each.kind == "CodeSystem" and each.size <= MOST]
    concepts = await _concepts(conn, systems) if systems else {}
    made = []
    for each in wanted:
        if each.kind == "ValueSet":
            made.append(each.said | {"compose": composes[each.row]})
        elif concepts.get(each.row):
            made.append(each.said | {"concept": _nested(each.said, concepts[each.row])})
        else:
            made.append(each.said)
    return made


async def composed(conn: Conn, rows: Sequence[int]) -> dict[int, Json]:
    """The compose of value sets, with the concepts they list."""
    listed: dict[tuple[int, int], list[Json]] = {}
    for row, clause, code, display, designations in await queries.listed(conn, rows):
        one: Json = {"code": code}
        if display:
            one["display"] = display
        if designations:
            one["designation"] = designations
        listed.setdefault((row, clause), []).append(one)
    made: dict[int, Json] = {}
    for row, compose in await queries.composes(conn, rows):
        at, kept = 0, {k: v for k, v in compose.items() if k not in ("include", "exclude")}
        for part in ("include", "exclude"):
            clauses = []
            for clause in compose.get(part, ()):
                bare = {k: v for k, v in clause.items() if k != "lists"}
                if clause.get("lists"):
                    bare["concept"] = listed.get((row, at), [])
                clauses.append(bare)
                at += 1
            if clauses:
                kept[part] = clauses
        made[row] = kept
    return made


async def _concepts(conn: Conn, rows: Sequence[int]) -> dict[int, list[queries.Line]]:
    found: dict[int, list[queries.Line]] = {}
    for line in await queries.lines(conn, rows):
        found.setdefault(line.system, []).append(line)
    return found


def _nested(said: Json, lines: Sequence[queries.Line]) -> list[Json]:
    """Concepts below the one they were written under; one that says its parents stands apart."""
    kinds = {**OWN, **{each["code"]: each["type"] for each in said.get("property", ())}}
    made = {line.code: _concept(line, kinds) for line in lines}
    roots: list[Json] = []
    for line in lines:
        stated = set(line.properties.get("parent", ())) | set(line.properties.get("subsumedBy", ()))
        above = next((p for p in line.parents if p not in stated and p in made), None)
        holder = roots if above is None else made[above].setdefault("concept", [])
        holder.append(made[line.code])
    return roots


def _concept(line: queries.Line, kinds: dict[str, str]) -> Json:
    made: Json = {"code": line.code}
    if line.display:
        made["display"] = line.display
    if line.definition:
        made["definition"] = line.definition
    if line.designations:
        made["designation"] = line.designations
    properties = [
        {"code": name, KINDS.get(kinds.get(name, ""), "valueString"): typed(kinds.get(name, ""), value)}
        for name, values in line.properties.items() for value in values if value
    ]  # fmt: skip
    if properties:
        made["property"] = properties
    return made


def typed(kind: str, value: str) -> Any:
    """A property's value, which is stored as text, in its FHIR type."""
    match kind:
        case "boolean":
            return value == "true"
        case "Coding":
            return {"code": value}
        case "integer":
            return int(value)
        case "decimal":
            return Decimal(value)
        case _:
            return value
