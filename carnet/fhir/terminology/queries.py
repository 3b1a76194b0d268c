# SPDX-License-Identifier: EUPL-1.2
"""Statements that read code systems and value sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

from carnet.fhir.terminology import labels

Json = dict[str, Any]
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class System:
    """A version of a code system."""

    id: int
    url: str
    version: str
    name: str
    title: str
    language: str
    content: str
    case_sensitive: bool
    properties: dict[str, str]
    aliases: dict[str, str]
    size: int
    status: str
    head: Json


@dataclass(frozen=True, slots=True)
class Found:
    """A concept as it is looked up."""

    code: str
    display: str
    definition: str
    inactive: bool
    abstract: bool
    parents: list[str]
    properties: dict[str, list[str]]
    designations: list[Json]


@dataclass(frozen=True, slots=True)
class Row:
    """A value set as it is stored."""

    id: int
    url: str
    version: str
    name: str
    title: str
    status: str
    language: str
    compose: Json
    supplements: list[str]
    head: Json
    published: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A code system or value set, with what its file says of it."""

    row: int
    rid: str
    url: str
    version: str
    name: str
    title: str
    status: str
    published: str
    language: str
    content: str
    size: int
    supplements: str | None
    compose: Json
    head: Json
    source: int
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A concept of a system, as it was written."""

    system: int
    code: str
    display: str
    definition: str
    parents: list[str]
    properties: dict[str, list[str]]
    designations: list[Json]


GENERATION: LiteralString = "SELECT number FROM terminology.generation"
COLUMNS: LiteralString = (
    "id, url, version, name, title, language, content, case_sensitive, properties, aliases, size, status,"
    " head"
)
SYSTEM: LiteralString = f"""
    SELECT {COLUMNS} FROM terminology.code_system
     WHERE url = coalesce((SELECT url FROM terminology.alias WHERE kind = 'CodeSystem' AND name = %(url)s),
                          %(url)s)
       AND content <> 'supplement'
       AND (version = %(version)s OR (%(version)s = '' AND %(at)s = '' AND current)
            OR (%(version)s = '' AND %(at)s <> '' AND left(published, 10) <= %(at)s))
     ORDER BY CASE WHEN %(at)s = '' THEN '' ELSE published END DESC, current DESC, content LIMIT 1
"""
WHOLE: LiteralString = f"""
    SELECT {COLUMNS} FROM terminology.code_system WHERE value_set = %(url)s AND current
"""
VALUE_SET: LiteralString = """
    SELECT id, url, version, name, title, status, language, compose, supplements, head, published
      FROM terminology.value_set
     WHERE url = coalesce((SELECT url FROM terminology.alias WHERE kind = 'ValueSet' AND name = %(url)s),
                          %(url)s)
       AND (version = %(version)s OR (%(version)s = '' AND %(at)s = '' AND current)
            OR (%(version)s = '' AND %(at)s <> '' AND left(published, 10) <= %(at)s))
     ORDER BY CASE WHEN %(at)s = '' THEN '' ELSE published END DESC, current DESC LIMIT 1
"""
VERSIONS: LiteralString = """
    SELECT DISTINCT version FROM terminology.code_system
     WHERE url = coalesce((SELECT url FROM terminology.alias WHERE kind = 'CodeSystem' AND name = %(url)s),
                          %(url)s)
       AND content <> 'supplement' ORDER BY version
"""
SUPPLEMENTS: LiteralString = """
    SELECT id, supplements FROM terminology.code_system
     WHERE content = 'supplement' AND url = %(url)s
       AND (version = %(version)s OR (%(version)s = '' AND current))
     ORDER BY id
"""
EVERY_SUPPLEMENT: LiteralString = """
    SELECT id, supplements FROM terminology.code_system WHERE content = 'supplement' ORDER BY id
"""
ADDED: LiteralString = """
    SELECT split_part(s.supplements, '|', 1), c.code, c.designations, c.properties
      FROM terminology.concept c JOIN terminology.code_system s ON s.id = c.system
     WHERE c.system = ANY (%(systems)s) AND c.code = ANY (%(codes)s) ORDER BY c.system
"""
TOLD: LiteralString = """
    SELECT s.url, c.code, c.definition, c.properties
      FROM terminology.concept c JOIN terminology.code_system s ON s.id = c.system
     WHERE (c.system, c.code) IN (SELECT * FROM unnest(%(systems)s::int[], %(codes)s::text[]))
"""
RESOURCES: Final[dict[str, LiteralString]] = {
    "CodeSystem": """
        SELECT c.id AS row, rid, url, version, c.name, title, status, published, language, content, size,
               supplements, '{}'::jsonb AS compose, head, source, loaded_at
          FROM terminology.code_system c JOIN terminology.source s ON s.id = c.source
         ORDER BY url, version, content
    """,
    "ValueSet": """
        SELECT v.id AS row, rid, url, version, v.name, title, status, published, language, '' AS content,
               0 AS size, NULL AS supplements, compose, head, source, loaded_at
          FROM terminology.value_set v JOIN terminology.source s ON s.id = v.source
         ORDER BY url, version
    """,
}
WITH_CODE: Final[dict[str, LiteralString]] = {
    "CodeSystem": """
        SELECT DISTINCT c.system, s.url
          FROM terminology.concept c JOIN terminology.code_system s ON s.id = c.system
         WHERE c.code = ANY (%(codes)s)
    """,
    "ValueSet": "SELECT DISTINCT value_set, '' FROM terminology.listed WHERE code = ANY (%(codes)s)",
}
COMPOSES: LiteralString = "SELECT id, compose FROM terminology.value_set WHERE id = ANY (%(rows)s)"
LISTED: LiteralString = """
    SELECT value_set, clause, code, display, designations FROM terminology.listed
     WHERE value_set = ANY (%(rows)s) ORDER BY value_set, clause, seq
"""
LINES: LiteralString = """
    SELECT system, code, display, definition, parents, properties, designations FROM terminology.concept
     WHERE system = ANY (%(rows)s) ORDER BY system, seq
"""
NAME: LiteralString = (
    "SELECT url FROM terminology.alias WHERE kind = 'CodeSystem' AND name = %(name)s"
)
CONCEPT: LiteralString = """
    SELECT code, display, definition, inactive, abstract, parents, properties, designations
      FROM terminology.concept
     WHERE system = %(system)s AND (code = %(code)s OR (%(folded)s AND lower(code) = lower(%(code)s)))
     ORDER BY code <> %(code)s LIMIT 1
"""
NAMES: LiteralString = """
    SELECT w.url, w.code, c.display, s.language, c.designations
      FROM unnest(%(urls)s::text[], %(codes)s::text[]) w (url, code)
      JOIN terminology.code_system s
        ON (s.content <> 'supplement' AND s.current
            AND s.url = coalesce((SELECT a.url FROM terminology.alias a
                                   WHERE a.kind = 'CodeSystem' AND a.name = w.url), w.url))
        OR (s.content = 'supplement' AND split_part(s.supplements, '|', 1) = w.url)
      JOIN terminology.concept c ON c.system = s.id AND c.code = w.code
     ORDER BY s.content = 'supplement', s.id
"""
CHILDREN: LiteralString = """
    SELECT code FROM terminology.concept
     WHERE system = %(system)s
       AND code IN (SELECT b.code FROM terminology.below b
                     WHERE b.system = %(system)s AND b.ancestor = %(code)s)
       AND %(code)s = ANY (parents)
     ORDER BY seq
"""
BELOW: LiteralString = """
    SELECT code FROM terminology.below WHERE system = %(system)s AND ancestor = %(code)s
"""
ABOVE: LiteralString = """
    SELECT ancestor FROM terminology.below WHERE system = %(system)s AND code = %(code)s
"""


async def generation(conn: Conn) -> int:
    """Changes when something was loaded."""
    row = await (await conn.execute(GENERATION)).fetchone()
    return int(row[0]) if row else 0


async def bounded(conn: Conn, milliseconds: int) -> None:
    """Let no statement of this transaction take longer."""
    await conn.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])


async def system(conn: Conn, url: str, version: str = "", at: str = "") -> System | None:
    """A code system by its address or another name of it; its current version when none is said.

    at: a day, `2020-01-31`: the version that was the latest then.
    """
    async with conn.cursor(row_factory=class_row(System)) as cursor:
        await cursor.execute(SYSTEM, {"url": url, "version": version, "at": at})
        return await cursor.fetchone()


async def whole(conn: Conn, url: str) -> System | None:
    """The system a value set has all of, by the address the system gives it."""
    async with conn.cursor(row_factory=class_row(System)) as cursor:
        await cursor.execute(WHOLE, {"url": url})
        return await cursor.fetchone()


async def resources(conn: Conn, kind: str) -> list[Resource]:
    """All that is loaded of CodeSystem or ValueSet, without concepts: some thousands."""
    async with conn.cursor(row_factory=class_row(Resource)) as cursor:
        await cursor.execute(RESOURCES[kind])
        return await cursor.fetchall()


async def with_codes(conn: Conn, kind: str, codes: Sequence[str]) -> list[tuple[int, str]]:
    """Rows of the systems, or of the value sets that list one of them, with the system's address."""
    cursor = await conn.execute(WITH_CODE[kind], {"codes": list(codes)})
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def composes(conn: Conn, rows: Sequence[int]) -> list[tuple[int, Json]]:
    """How value sets are composed, without what they list. Primary key."""
    cursor = await conn.execute(COMPOSES, {"rows": list(rows)})
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def listed(conn: Conn, rows: Sequence[int]) -> list[tuple[int, int, str, str, list[Json]]]:
    """What value sets list one by one: value set, clause, code, label, designations. Primary key."""
    cursor = await conn.execute(LISTED, {"rows": list(rows)})
    return [(row[0], row[1], row[2], row[3], row[4]) for row in await cursor.fetchall()]


async def lines(conn: Conn, rows: Sequence[int]) -> list[Line]:
    """The concepts of some systems, in order; index concept_in_order."""
    async with conn.cursor(row_factory=class_row(Line)) as cursor:
        await cursor.execute(LINES, {"rows": list(rows)})
        return await cursor.fetchall()


async def named(conn: Conn, name: str) -> str:
    """The address of a code system by another name of it; the name itself when it is none."""
    row = await (await conn.execute(NAME, {"name": name})).fetchone()
    return str(row[0]) if row else name


async def value_set(conn: Conn, url: str, version: str = "", at: str = "") -> Row | None:
    """A value set by its address or another name of it; at: as for a system."""
    async with conn.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(VALUE_SET, {"url": url, "version": version, "at": at})
        return await cursor.fetchone()


async def versions(conn: Conn, url: str) -> list[str]:
    """The versions of a code system that are loaded."""
    cursor = await conn.execute(VERSIONS, {"url": url})
    return [row[0] for row in await cursor.fetchall()]


async def supplements(conn: Conn, *, url: str, version: str = "") -> list[tuple[int, str]]:
    """A supplement by its address: its row, and the system it adds to."""
    cursor = await conn.execute(SUPPLEMENTS, {"url": url, "version": version})
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def every_supplement(conn: Conn) -> list[tuple[int, str]]:
    """Every supplement: its row, and the system it adds to."""
    return [(row[0], row[1]) for row in await (await conn.execute(EVERY_SUPPLEMENT)).fetchall()]


async def added(
    conn: Conn, systems: Sequence[int], codes: Sequence[str]
) -> list[tuple[str, str, list[Json], Json]]:
    """What supplements add to codes: system, code, labels, properties. Primary key."""
    values = {"systems": list(systems), "codes": list(codes)}
    cursor = await conn.execute(ADDED, values)
    return [(row[0], row[1], row[2], row[3]) for row in await cursor.fetchall()]


async def told(
    conn: Conn, systems: Sequence[int], codes: Sequence[str]
) -> list[tuple[str, str, str, dict[str, list[str]]]]:
    """System, code, definition and properties of some concepts. Primary key."""
    values = {"systems": list(systems), "codes": list(codes)}
    cursor = await conn.execute(TOLD, values)
    return [(row[0], row[1], row[2], row[3]) for row in await cursor.fetchall()]


async def concept(conn: Conn, of: System, code: str) -> Found | None:
    """A concept by its code, as its system compares codes. Primary key, or index concept_folded."""
    async with conn.cursor(row_factory=class_row(Found)) as cursor:
        folded = not of.case_sensitive
        await cursor.execute(CONCEPT, {"system": of.id, "code": code, "folded": folded})
        return await cursor.fetchone()


async def names(
    conn: Conn, pairs: Sequence[tuple[str, str]], language: str
) -> dict[tuple[str, str], str]:
    """Names of some codes in a language, by (system, code); one that has none in it is left out."""
    urls, codes = [url for url, _ in pairs], [code for _, code in pairs]
    rows = await conn.execute(NAMES, {"urls": urls, "codes": codes})
    found: dict[tuple[str, str], str] = {}
    for url, code, display, own, designations in await rows.fetchall():
        said = next((each for each in labels.those(language, designations) if each), "")
        if not said and labels.speaks({"language": own}, language):
            said = display
        if said:
            found.setdefault((url, code), said)
    return found


async def children(conn: Conn, system: int, code: str) -> list[str]:
    """Those directly below, in order."""
    return await _codes(conn, CHILDREN, system, code)


async def below(conn: Conn, system: int, code: str) -> list[str]:
    """Those below, however far; primary key of below."""
    return await _codes(conn, BELOW, system, code)


async def above(conn: Conn, system: int, code: str) -> list[str]:
    """Those it is below; index below_code."""
    return await _codes(conn, ABOVE, system, code)


async def _codes(conn: Conn, query: LiteralString, system: int, code: str) -> list[str]:
    cursor = await conn.execute(query, {"system": system, "code": code})
    return [row[0] for row in await cursor.fetchall()]
