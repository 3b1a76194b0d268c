# SPDX-License-Identifier: EUPL-1.2
"""Statements of the tables of schema `bulk`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row


@dataclass(frozen=True, slots=True)
class Export:
    """A line of bulk.export."""

    id: int
    token: str
    sub: str
    situation: str
    secret: bool
    client: str
    purpose: str
    acting_for: int | None
    rev: int
    request: str
    wrapped: bytes
    asked: bytes
    at: datetime
    until: datetime
    state: str
    ahead: list[str]
    started: datetime | None
    step: int
    cid: int
    rid: int
    found: int
    tries: int
    refusal: str
    status: int
    scopes: list[str]
    grant_id: str
    kinds: list[int] | None
    context: int | None


@dataclass(frozen=True, slots=True)
class File:
    """A line of bulk.file."""

    number: int
    rtype: int
    cids: list[int]
    rids: list[int]
    vers: list[int]


COLUMNS: LiteralString = (
    "id, token, sub, situation, secret, client, purpose, acting_for, rev, request, wrapped, asked, at,"
    " until, state, ahead, started, step, cid, rid, found, tries, refusal, status,"
    " scopes, grant_id, kinds, context"
)

# Two that are asked at once by one account wait for each other, so that the limit holds.
ALONE: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 27))"
COUNT: LiteralString = "SELECT count(*) FROM bulk.export WHERE sub = %s AND until > %s"
ADD: LiteralString = """
    INSERT INTO bulk.export (id, token, sub, situation, secret, client, purpose, acting_for, rev,
                             request, wrapped, asked, at, until, state, scopes, grant_id, kinds,
                             context)
    VALUES (%(id)s, %(token)s, %(sub)s, %(situation)s, %(secret)s, %(client)s, %(purpose)s,
            %(acting_for)s, %(rev)s, %(request)s, %(wrapped)s, %(asked)s, %(at)s, %(until)s,
            'waiting', %(scopes)s, %(grant_id)s, %(kinds)s, %(context)s)
"""
GRANTED: LiteralString = """
    SELECT EXISTS (SELECT FROM access.allowed a JOIN access.client c ON c.id = a.client
                    WHERE a.id = %s::uuid AND a.ended_at IS NULL AND c.state = 'live'
                      AND (a.until IS NULL OR a.until > %s))
"""
BY_TOKEN: LiteralString = (
    "SELECT " + COLUMNS + " FROM bulk.export WHERE token = %(token)s AND until > %(now)s"
    " AND sub = %(sub)s AND situation = %(situation)s AND secret = %(secret)s"
)
FILES: LiteralString = "SELECT number, rtype FROM bulk.file WHERE export = %s ORDER BY number"
FILE: LiteralString = """
    SELECT number, rtype, cids, rids, vers FROM bulk.file WHERE export = %s AND number = %s
"""
CANCEL: LiteralString = "DELETE FROM bulk.export WHERE id = %s RETURNING id"


async def alone(conn: AsyncConnection[Any], sub: str) -> None:
    """Nobody else passes here for this account until the transaction ends."""
    await conn.execute(ALONE, (sub,))


async def count(conn: AsyncConnection[Any], sub: str, now: datetime) -> int:
    """Exports of one account that are still there; index export_of."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(COUNT, (sub, now))
        return int(await cur.fetchone() or 0)


async def granted(conn: AsyncConnection[Any], grant: str, now: datetime) -> bool:
    """Whether what was allowed still is; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(GRANTED, (grant, now))
        return bool(await cur.fetchone())


async def by_token(conn: AsyncConnection[Any], values: dict[str, object]) -> Export | None:
    """An export by its address, for who asked it; unique index."""
    async with conn.cursor(row_factory=class_row(Export)) as cur:
        await cur.execute(BY_TOKEN, values)
        return await cur.fetchone()


async def files(conn: AsyncConnection[Any], id: int) -> list[tuple[int, int]]:
    """Number and type of each file; primary key."""
    async with conn.cursor() as cur:
        await cur.execute(FILES, (id,))
        return [(number, rtype) for number, rtype in await cur.fetchall()]


async def file(conn: AsyncConnection[Any], id: int, number: int) -> File | None:
    """One file; primary key."""
    async with conn.cursor(row_factory=class_row(File)) as cur:
        await cur.execute(FILE, (id, number))
        return await cur.fetchone()


async def cancel(conn: AsyncConnection[Any], id: int) -> bool:
    """Forget an export and its files."""
    async with conn.cursor() as cur:
        await cur.execute(CANCEL, (id,))
        return await cur.fetchone() is not None


# ---------------------------------------------------------------------------------- by the worker

# One that another worker holds is skipped; what killed its worker several times comes last.
NEXT: LiteralString = (
    "SELECT " + COLUMNS + " FROM bulk.export WHERE state IN ('waiting', 'listing') AND until > %s"
    " AND id <> ALL (%s::bigint[]) ORDER BY tries, at LIMIT 1 FOR UPDATE SKIP LOCKED"
)
OF: LiteralString = (
    "SELECT " + COLUMNS + " FROM bulk.export WHERE id = %s AND state IN ('waiting', 'listing')"
    " FOR UPDATE SKIP LOCKED"
)
FORGET: LiteralString = "DELETE FROM bulk.export WHERE until <= %s"
# The transactions of this database that are running: one of them may still write what is older.
RUNNING: LiteralString = """
    SELECT coalesce(array_agg(l.virtualtransaction), '{}')
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted
       AND a.datname = current_database() AND a.pid <> pg_backend_pid()
"""
START: LiteralString = """
    UPDATE bulk.export SET state = 'listing', ahead = %(ahead)s, started = clock_timestamp()
     WHERE id = %(id)s
"""
WAITED: LiteralString = """
    SELECT clock_timestamp() - started > %(longest)s FROM bulk.export WHERE id = %(id)s
"""
MOVE: LiteralString = """
    UPDATE bulk.export SET step = %(step)s, cid = %(cid)s, rid = %(rid)s, found = found + %(found)s,
           ahead = '{}', tries = 0, state = %(state)s
     WHERE id = %(id)s
"""
TRIED: LiteralString = "UPDATE bulk.export SET tries = tries + 1 WHERE id = %s RETURNING tries"
WAIT: LiteralString = "UPDATE bulk.export SET tries = 0 WHERE id = %s"
FAIL: LiteralString = """
    UPDATE bulk.export SET state = 'failed', refusal = %(refusal)s, status = %(status)s
     WHERE id = %(id)s
"""
LAST_FILES: LiteralString = """
    SELECT DISTINCT ON (rtype) rtype, number, cardinality(rids), size FROM bulk.file
     WHERE export = %s ORDER BY rtype, number DESC
"""
ADD_FILE: LiteralString = """
    INSERT INTO bulk.file (export, number, rtype, size, cids, rids, vers)
    VALUES (%(id)s, %(number)s, %(rtype)s, %(size)s, %(cids)s, %(rids)s, %(vers)s)
"""
GROW_FILE: LiteralString = """
    UPDATE bulk.file SET size = size + %(size)s, cids = cids || %(cids)s::bigint[],
           rids = rids || %(rids)s::bigint[], vers = vers || %(vers)s::integer[]
     WHERE export = %(id)s AND number = %(number)s
"""


async def next_one(conn: AsyncConnection[Any], now: datetime, but: Sequence[int]) -> Export | None:
    """An export to go on with, other than those, locked until the transaction ends; index export_to_do."""
    async with conn.cursor(row_factory=class_row(Export)) as cur:
        await cur.execute(NEXT, (now, list(but)))
        return await cur.fetchone()


async def next_of(conn: AsyncConnection[Any], id: int) -> Export | None:
    """The same one, unless another worker holds it, or it was cancelled; primary key."""
    async with conn.cursor(row_factory=class_row(Export)) as cur:
        await cur.execute(OF, (id,))
        return await cur.fetchone()


async def running(conn: AsyncConnection[Any]) -> list[str]:
    """The transactions of this database that are running, but this one."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(RUNNING)
        return list(await cur.fetchone() or [])


async def waited(conn: AsyncConnection[Any], id: int, longest: object) -> bool:
    """Whether an export waited long enough for those before it."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(WAITED, {"id": id, "longest": longest})
        return bool(await cur.fetchone())


@dataclass(slots=True)
class Last:
    """The last file of a type, that grows."""

    rtype: int
    number: int
    count: int
    size: int


async def last_files(conn: AsyncConnection[Any], id: int) -> dict[int, Last]:
    """By type; primary key."""
    async with conn.cursor() as cur:
        await cur.execute(LAST_FILES, (id,))
        return {row[0]: Last(*row) for row in await cur.fetchall()}


# ------------------------------------------------------------------------------------- of imports


@dataclass(frozen=True, slots=True)
class Import:
    """A line of bulk.import."""

    id: int
    name: str
    sub: str
    org: int
    keep: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """A line of bulk.chunk."""

    first: int
    last: int
    digest: bytes
    report: bytes
    refused: int


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a line of an import is, or will be."""

    cid: int
    rid: int
    mark: int
    there: bool


# Whoever has a record came by an import that keeps ids.
EMPTY: LiteralString = """
    SELECT (SELECT count(*) FROM access.record)
           <= coalesce((SELECT sum(c.persons) FROM bulk.chunk c JOIN bulk.import i ON i.id = c.import
                         WHERE i.keep), 0)
"""
ADD_IMPORT: LiteralString = """
    INSERT INTO bulk.import (id, name, sub, org, at, keep)
    VALUES (%(id)s, %(name)s, %(sub)s, %(org)s, %(at)s, %(keep)s) ON CONFLICT (name) DO NOTHING
"""
IMPORT: LiteralString = "SELECT id, name, sub, org, keep FROM bulk.import WHERE name = %s"
CHUNKS: LiteralString = """
    SELECT first, last, digest, report, refused FROM bulk.chunk
     WHERE import = %(id)s AND input = %(input)s AND first > %(after)s ORDER BY first LIMIT 1
"""
ADD_CHUNK: LiteralString = """
    INSERT INTO bulk.chunk (import, input, first, last, digest, report, refused, persons)
    VALUES (%(id)s, %(input)s, %(first)s, %(last)s, %(digest)s, %(report)s, %(refused)s, %(persons)s)
"""
INPUTS: LiteralString = "SELECT DISTINCT input FROM bulk.chunk WHERE import = %s ORDER BY input"
KNOWN: LiteralString = """
    SELECT h, cid, rid, mark, there FROM documents.imported
     WHERE org = %(org)s AND import = %(id)s AND h = ANY (%(hs)s::bytea[])
"""
KEEP: LiteralString = """
    INSERT INTO documents.imported (org, import, h, cid, rid, mark, there)
    SELECT %(org)s, %(id)s, *
      FROM unnest(%(hs)s::bytea[], %(cids)s::bigint[], %(rids)s::bigint[], %(marks)s::bigint[],
                  %(theres)s::boolean[])
    ON CONFLICT DO NOTHING
"""


COMPARTMENTS: LiteralString = "SELECT cid FROM record.compartment WHERE cid = ANY (%s::bigint[])"


async def compartments(conn: AsyncConnection[Any], cids: Sequence[int]) -> list[int]:
    """Those that are there; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(COMPARTMENTS, (list(cids),))
        return list(await cur.fetchall())


async def empty(conn: AsyncConnection[Any]) -> bool:
    """Whether nobody has a record here, but those whom imports brought with their ids."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(EMPTY)
        return bool(await cur.fetchone())


async def import_named(conn: AsyncConnection[Any], name: str) -> Import | None:
    """An import by the name its operator gave it; unique index."""
    async with conn.cursor(row_factory=class_row(Import)) as cur:
        await cur.execute(IMPORT, (name,))
        return await cur.fetchone()


async def chunk(conn: AsyncConnection[Any], id: int, input: str, after: int) -> Chunk | None:
    """The first lines done after one; primary key."""
    async with conn.cursor(row_factory=class_row(Chunk)) as cur:
        await cur.execute(CHUNKS, {"id": id, "input": input, "after": after})
        return await cur.fetchone()


async def inputs(conn: AsyncConnection[Any], id: int) -> list[str]:
    """Names of the files of an import; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(INPUTS, (id,))
        return list(await cur.fetchall())


async def known(
    conn: AsyncConnection[Any], org: int, id: int, hs: Sequence[bytes]
) -> dict[bytes, Placed]:
    """Where what an import names is, by keyed hash; primary key."""
    async with conn.cursor() as cur:
        await cur.execute(KNOWN, {"org": org, "id": id, "hs": list(hs)}, binary=True)
        return {row[0]: Placed(*row[1:]) for row in await cur.fetchall()}
