# SPDX-License-Identifier: EUPL-1.2
"""Statements of the full text: what is kept of each document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, Protocol

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row


class Hasher(Protocol):
    """What turns words to numbers: its key never enters the database."""

    def number(self, text: str) -> int:
        """A signed 64-bit number."""

    def long(self, text: bytes) -> bytes:
        """Sixteen bytes."""

    def __hash__(self) -> int:
        """Its own."""


@dataclass(frozen=True, slots=True)
class Due:
    """A document whose file a worker has to read."""

    cid: int
    rid: int


@dataclass(frozen=True, slots=True)
class Said:
    """The text of a document, sealed."""

    cid: int
    rid: int
    body: bytes


KEEP: tuple[LiteralString, ...] = (
    """
    INSERT INTO documents.words (cid, rid, title, heads, body, starts, authors, paired, type)
    VALUES (%(cid)s, %(rid)s, %(title)s, %(heads)s, %(body)s, %(starts)s, %(authors)s, %(paired)s,
            %(type)s)
    ON CONFLICT (cid, rid) DO UPDATE SET title = excluded.title, heads = excluded.heads,
       body = excluded.body, starts = excluded.starts, authors = excluded.authors,
       paired = excluded.paired, type = excluded.type
    """,
    """
    INSERT INTO documents.pairs (cid, rid, pairs) VALUES (%(cid)s, %(rid)s, %(pairs)s::integer[])
    ON CONFLICT (cid, rid) DO UPDATE SET pairs = excluded.pairs
    """,
    """
    INSERT INTO documents.said (cid, rid, body) VALUES (%(cid)s, %(rid)s, %(said)s)
    ON CONFLICT (cid, rid) DO UPDATE SET body = excluded.body
    """,
)
LATER: LiteralString = """
    INSERT INTO documents.to_read (cid, rid, since) VALUES (%(cid)s, %(rid)s, %(now)s)
    ON CONFLICT (cid, rid) DO UPDATE SET tried = 0, since = least(to_read.since, excluded.since)
"""
DUE: LiteralString = """
    SELECT cid, rid FROM documents.to_read WHERE tried < 3
     ORDER BY since, cid, rid LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
BACKLOG: LiteralString = "SELECT count(*) FROM documents.to_read WHERE tried < 3"
TRIED: LiteralString = """
    UPDATE documents.to_read SET tried = tried + 1 WHERE cid = %(cid)s AND rid = %(rid)s
"""
DONE: LiteralString = "DELETE FROM documents.to_read WHERE cid = %(cid)s AND rid = %(rid)s"
FORGET: tuple[LiteralString, ...] = (
    "DELETE FROM documents.words WHERE cid = %(cid)s AND rid = %(rid)s",
    "DELETE FROM documents.pairs WHERE cid = %(cid)s AND rid = %(rid)s",
    "DELETE FROM documents.said WHERE cid = %(cid)s AND rid = %(rid)s",
    DONE,
)
WITHOUT: LiteralString = """
    SELECT r.cid, r.rid FROM record.resource r
     WHERE r.rtype = %(rtype)s AND NOT r.gone AND (r.cid, r.rid) > (%(cid)s, %(rid)s)
       AND (%(again)s OR NOT EXISTS (
            SELECT 1 FROM documents.words w
             WHERE w.cid = r.cid AND w.rid = r.rid AND w.type IS NOT NULL)
            OR NOT EXISTS (SELECT 1 FROM documents.same s WHERE s.cid = r.cid AND s.rid = r.rid))
     ORDER BY r.cid, r.rid LIMIT %(limit)s
"""
SAID: LiteralString = """
    SELECT s.cid, s.rid, s.body FROM documents.said s
     WHERE (s.cid, s.rid) IN (SELECT * FROM unnest(%(cids)s::bigint[], %(rids)s::bigint[]))
"""


async def keep(conn: AsyncConnection[Any], values: dict[str, object]) -> None:
    """What a document is found by; under a context that may write its record. Primary keys."""
    for statement in KEEP:
        await conn.execute(statement, values)


async def later(conn: AsyncConnection[Any], cid: int, rid: int, now: datetime) -> None:
    """Have a worker read the files of a document. Primary key."""
    await conn.execute(LATER, {"cid": cid, "rid": rid, "now": now})


async def forget(conn: AsyncConnection[Any], cid: int, rid: int) -> None:
    """Nothing is kept of a document. Primary keys."""
    for statement in FORGET:
        await conn.execute(statement, {"cid": cid, "rid": rid})


async def due(conn: AsyncConnection[Any], limit: int) -> list[Due]:
    """Those that wait longest; under the platform's context. Index to_read_since."""
    async with conn.cursor(row_factory=class_row(Due)) as cur:
        await cur.execute(DUE, {"limit": limit})
        return await cur.fetchall()


async def backlog(conn: AsyncConnection[Any]) -> int:
    """How many wait; under the platform's context. Index to_read_since."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(BACKLOG)
        return int(await cur.fetchone() or 0)


async def tried(conn: AsyncConnection[Any], one: Due) -> None:
    """A file that could not be read: three times at most. Primary key."""
    await conn.execute(TRIED, {"cid": one.cid, "rid": one.rid})


async def done(conn: AsyncConnection[Any], one: Due) -> None:
    """It was read. Primary key."""
    await conn.execute(DONE, {"cid": one.cid, "rid": one.rid})


async def without(
    conn: AsyncConnection[Any], rtype: int, after: Due, limit: int, *, again: bool
) -> list[Due]:
    """Documents of which nothing is kept, or all of them; under the platform's context."""
    values = {"rtype": rtype, "cid": after.cid, "rid": after.rid, "limit": limit, "again": again}
    async with conn.cursor(row_factory=class_row(Due)) as cur:
        await cur.execute(WITHOUT, values)
        return await cur.fetchall()


async def said(conn: AsyncConnection[Any], places: Sequence[tuple[int, int]]) -> list[Said]:
    """The sealed texts of documents that this context sees. Primary key."""
    values = {"cids": [cid for cid, _ in places], "rids": [rid for _, rid in places]}
    async with conn.cursor(row_factory=class_row(Said)) as cur:
        await cur.execute(SAID, values)
        return await cur.fetchall()


def hashed(hasher: Hasher, cid: int, form: str) -> int:
    """What stands for a stem in the rows of one record: another number in every other record."""
    return hasher.number(f"text.{cid}\0{form}")


def begins(hasher: Hasher, cid: int, start: str) -> int:
    """What stands for the beginning of a word."""
    return hasher.number(f"text.{cid}\0^{start}")


def writer(hasher: Hasher, cid: int, name: str) -> int:
    """What stands for an author in the rows of one record."""
    return hasher.number(f"text.{cid}\0by {name}")
