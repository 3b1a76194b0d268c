# SPDX-License-Identifier: EUPL-1.2
"""Statements of a platform that leaves: who may, what there is, rows as JSON, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection, sql
from psycopg.rows import class_row, scalar_row, tuple_row

FETCHED = 2000  # rows at once

# What would be hidden by row security is an error and not an absence.
WHOLE: LiteralString = "SET LOCAL row_security = off"
PLAIN: tuple[LiteralString, ...] = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL IntervalStyle = 'iso_8601'",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 1",
)

TABLES: LiteralString = """
    SELECT n.nspname || '.' || c.relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
     ORDER BY 1
"""
COLUMNS: LiteralString = """
    SELECT a.attname, a.attidentity <> '' FROM pg_attribute a
     WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     ORDER BY a.attnum
"""
MIGRATIONS: LiteralString = """
    SELECT number || ' ' || name || ' ' || encode(sha256, 'hex') FROM carnet.migration ORDER BY number
"""
# A machine on which nobody has been yet.
EMPTY: LiteralString = """
    SELECT NOT EXISTS (SELECT FROM record.resource) AND NOT EXISTS (SELECT FROM access.subject)
       AND NOT EXISTS (SELECT FROM access.audit) AND NOT EXISTS (SELECT FROM access.tombstone)
"""
ALONE: LiteralString = "SELECT pg_try_advisory_xact_lock(7309457)"
SERVED: LiteralString = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND usename IN ('carnet_app', 'carnet_worker', 'carnet_portal')
"""
PATIENTS: LiteralString = (
    "SELECT cid FROM record.compartment WHERE nature = 1 AND cid > %s ORDER BY cid LIMIT %s"
)
WAIT_TO_BE_READ: LiteralString = """
    INSERT INTO documents.to_read (cid, rid, since)
    SELECT cid, rid, %(at)s FROM record.resource WHERE rtype = %(rtype)s AND NOT gone
"""
SEQUENCES: LiteralString = """
    SELECT pg_get_serial_sequence(%s, %s)
"""
COUNT: LiteralString = "SELECT count(*) FROM record.resource"

ASK: LiteralString = """
    INSERT INTO access.leaving (recipient, asked, asked_by, ends) VALUES (%s, %s, %s, %s) RETURNING id
"""
OF: LiteralString = """
    SELECT id, recipient, asked, asked_by, ends, confirmed, confirmed_by, taken
      FROM access.leaving WHERE id = %s FOR UPDATE
"""
CONFIRM: LiteralString = """
    UPDATE access.leaving SET confirmed = %s, confirmed_by = %s WHERE id = %s AND confirmed IS NULL
"""
TAKEN: LiteralString = "UPDATE access.leaving SET taken = %s, digest = %s WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What was asked, and how far it is."""

    id: int
    recipient: str
    asked: datetime
    asked_by: str
    ends: datetime
    confirmed: datetime | None
    confirmed_by: str | None
    taken: datetime | None


async def ask(
    conn: AsyncConnection[Any], recipient: str, at: datetime, by: str, ends: datetime
) -> int:
    """Write down that somebody asks; its number."""
    return int(await _one(conn, ASK, (recipient, at, by, ends)))


async def of(conn: AsyncConnection[Any], id: int) -> Leaving | None:
    """What was asked under a number, held until the transaction ends; primary key."""
    async with conn.cursor(row_factory=class_row(Leaving)) as cur:
        await cur.execute(OF, (id,))
        return await cur.fetchone()


async def patients(conn: AsyncConnection[Any], after: int, most: int) -> list[int]:
    """Records by their numbers; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(PATIENTS, (after, most))
        return await cur.fetchall()


async def tables(conn: AsyncConnection[Any]) -> list[str]:
    """Every table, schema.name."""
    return await _list(conn, TABLES)


async def migrations(conn: AsyncConnection[Any]) -> list[str]:
    """What the schema was made by."""
    return await _list(conn, MIGRATIONS)


async def columns(conn: AsyncConnection[Any], table: str) -> dict[str, bool]:
    """Columns that are written, and whether their numbers are given by the database."""
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(COLUMNS, (table,))
        return dict(await cur.fetchall())


async def lines(conn: AsyncConnection[Any], table: str) -> AsyncIterator[bytes]:
    """The rows of a table, each as one line of JSON."""
    named = [sql.Identifier(each) for each in await columns(conn, table)]
    text = sql.SQL("SELECT row_to_json(t)::text FROM (SELECT {} FROM {}) t").format(
        sql.SQL(", ").join(named), _name(table)
    )
    async with conn.cursor("lines", row_factory=scalar_row) as cur:
        cur.itersize = FETCHED
        await cur.execute(text)
        async for line in cur:
            yield str(line).encode()


async def empty(conn: AsyncConnection[Any]) -> bool:
    """Whether nobody has been here yet."""
    return bool(await _one(conn, EMPTY))


async def clear(conn: AsyncConnection[Any], names: Sequence[str]) -> None:
    """What migrations put in tables that come whole from elsewhere."""
    for name in reversed(names):
        await conn.execute(sql.SQL("DELETE FROM {}").format(_name(name)))


async def put(
    conn: AsyncConnection[Any], table: str, named: Sequence[str], lines: Sequence[bytes]
) -> None:
    """Rows as `lines` gave them."""
    into, columns_ = _name(table), sql.SQL(", ").join(sql.Identifier(each) for each in named)
    text = sql.SQL(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE"
        " SELECT {} FROM json_populate_recordset(NULL::{}, %s::json)"
    ).format(into, columns_, columns_, into)
    await conn.execute(text, ((b"[" + b",".join(lines) + b"]").decode(),))


async def number_on(
    conn: AsyncConnection[Any], table: str, column: str, least: int | None = None
) -> None:
    """Let the numbers of a column go on after those that are there."""
    sequence = await _one(conn, SEQUENCES, (table, column))
    await _set(conn, sequence, table, column, least)


async def parameters_on(conn: AsyncConnection[Any]) -> None:
    """Let the numbers of search parameters go on: none is ever given twice."""
    await _set(conn, "search.parameter_number", "search.parameter", "number", None)


async def _set(
    conn: AsyncConnection[Any], sequence: str, table: str, column: str, least: int | None
) -> None:
    most = await _one(
        conn, sql.SQL("SELECT max({}) FROM {}").format(sql.Identifier(column), _name(table)), ()
    )
    last = max((each for each in (most, least) if each), default=None)
    if last is not None:
        await conn.execute("SELECT setval(%s::regclass, %s)", (sequence, last))


async def served(conn: AsyncConnection[Any]) -> bool:
    """Whether somebody serves this database."""
    return bool(await _one(conn, SERVED, ()))


async def alone(conn: AsyncConnection[Any]) -> bool:
    """Whether nobody else puts an archive back."""
    return bool(await _one(conn, ALONE, ()))


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


async def _one(conn: AsyncConnection[Any], text: Any, values: Sequence[Any] = ()) -> Any:
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(text, values)
        return await cur.fetchone()


async def _list(conn: AsyncConnection[Any], text: LiteralString) -> list[str]:
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(text)
        return await cur.fetchall()
