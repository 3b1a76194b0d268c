# SPDX-License-Identifier: EUPL-1.2
"""Statements that read code systems and value sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

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
    size: int


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


GENERATION: LiteralString = "SELECT number FROM terminology.generation"
COLUMNS: LiteralString = (
    "id, url, version, name, title, language, content, case_sensitive, properties, size"
)
SYSTEM: LiteralString = f"""
    SELECT {COLUMNS} FROM terminology.code_system
     WHERE url = coalesce((SELECT url FROM terminology.alias WHERE kind = 'CodeSystem' AND name = %(url)s),
                          %(url)s)
       AND (version = %(version)s OR (%(version)s = '' AND current))
     ORDER BY current DESC, content LIMIT 1
"""
WHOLE: LiteralString = f"""
    SELECT {COLUMNS} FROM terminology.code_system WHERE value_set = %(url)s AND current
"""
VALUE_SET: LiteralString = """
    SELECT id, url, version, name, title, status, language, compose FROM terminology.value_set
     WHERE url = coalesce((SELECT url FROM terminology.alias WHERE kind = 'ValueSet' AND name = %(url)s),
                          %(url)s)
       AND (version = %(version)s OR (%(version)s = '' AND current))
     ORDER BY current DESC LIMIT 1
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


async def system(conn: Conn, url: str, version: str = "") -> System | None:
    """A code system by its address or another name of it; its current version when none is said."""
    async with conn.cursor(row_factory=class_row(System)) as cursor:
        await cursor.execute(SYSTEM, {"url": url, "version": version})
        return await cursor.fetchone()


async def whole(conn: Conn, url: str) -> System | None:
    """The system a value set has all of, by the address the system gives it."""
    async with conn.cursor(row_factory=class_row(System)) as cursor:
        await cursor.execute(WHOLE, {"url": url})
        return await cursor.fetchone()


async def named(conn: Conn, name: str) -> str:
    """The address of a code system by another name of it; the name itself when it is none."""
    row = await (await conn.execute(NAME, {"name": name})).fetchone()
    return str(row[0]) if row else name


async def value_set(conn: Conn, url: str, version: str = "") -> Row | None:
    """A value set by its address or another name of it."""
    async with conn.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(VALUE_SET, {"url": url, "version": version})
        return await cursor.fetchone()


async def concept(conn: Conn, of: System, code: str) -> Found | None:
    """A concept by its code, as its system compares codes. Primary key, or index concept_folded."""
    async with conn.cursor(row_factory=class_row(Found)) as cursor:
        folded = not of.case_sensitive
        await cursor.execute(CONCEPT, {"system": of.id, "code": code, "folded": folded})
        return await cursor.fetchone()


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
