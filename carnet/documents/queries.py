# SPDX-License-Identifier: EUPL-1.2
"""Statements of the documents' own tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Deposit:
    """A uniqueId already deposited."""

    rid: int
    digest: bytes


TAKE: LiteralString = """
    INSERT INTO documents.unique_id (cid, dep_org, h, digest, rid)
    VALUES (%(cid)s, %(org)s, %(h)s, %(digest)s, %(rid)s)
    ON CONFLICT (cid, dep_org, h) DO NOTHING
"""
FIND: LiteralString = """
    SELECT rid, digest FROM documents.unique_id
     WHERE cid = %(cid)s AND dep_org = %(org)s AND h = %(h)s
"""


async def deposit(
    conn: AsyncConnection[Any], cid: int, org: int, h: bytes, digest: bytes, rid: int
) -> Deposit | None:
    """Take a uniqueId for a document; who held it before, if anyone. Primary key.

    Two deposits at the same instant: the second waits for the first's commit, then finds it.
    """
    values = {"cid": cid, "org": org, "h": h, "digest": digest, "rid": rid}
    async with conn.cursor() as cur:
        await cur.execute(TAKE, values)
        if cur.rowcount == 1:
            return None
    return await deposited(conn, cid, org, h)


async def deposited(conn: AsyncConnection[Any], cid: int, org: int, h: bytes) -> Deposit | None:
    """Who holds a uniqueId in a record, for one depositor. Primary key."""
    async with conn.cursor(row_factory=class_row(Deposit)) as cur:
        await cur.execute(FIND, {"cid": cid, "org": org, "h": h})
        return await cur.fetchone()


@dataclass(frozen=True, slots=True)
class Awaited:
    """A resource its patient does not see before it is announced to them."""

    cid: int
    rid: int
    person: int = 0  # whose record it is in: merged records have one person


# Under a context that may write the record, or the platform's.
ANNOUNCED_BEFORE: LiteralString = """
    SELECT true FROM access.announcement
     WHERE cid = %(cid)s AND rid = ANY (%(rids)s::bigint[]) AND ended IS NOT NULL LIMIT 1
"""
END_ANNOUNCEMENT: LiteralString = """
    UPDATE access.announcement SET ended = %(now)s, how = %(how)s
     WHERE cid = %(cid)s AND rid = ANY (%(rids)s::bigint[]) AND ended IS NULL
"""
TOLD: LiteralString = """
    UPDATE access.announcement SET told = %(now)s
     WHERE cid = %(cid)s AND rid = ANY (%(rids)s::bigint[]) AND told IS NULL
"""
TO_TELL: LiteralString = """
    SELECT a.cid, a.rid, r.person FROM access.announcement a
      JOIN access.record r ON r.cid = a.cid AND NOT EXISTS (
           SELECT 1 FROM access.record x WHERE x.person = r.person AND x.state <> 'open')
     WHERE a.told IS NULL AND a.ended IS NULL AND a.since <= %(before)s
     ORDER BY r.person, a.cid, a.rid LIMIT 1000 FOR UPDATE OF a SKIP LOCKED
"""
TO_END: LiteralString = """
    SELECT cid, rid FROM access.announcement
     WHERE ended IS NULL AND since <= %(now)s::timestamptz - interval '1 month'
     ORDER BY cid, rid LIMIT 1000
"""


async def announced_before(conn: AsyncConnection[Any], cid: int, rids: list[int]) -> bool:
    """Whether any of the rows was made visible once. Primary key."""
    async with conn.cursor() as cur:
        await cur.execute(ANNOUNCED_BEFORE, {"cid": cid, "rids": rids})
        return bool(await cur.fetchone())


async def to_tell(conn: AsyncConnection[Any], before: datetime) -> list[Awaited]:
    """What was put off before an instant and was not told yet. Index announcement_to_tell."""
    async with conn.cursor(row_factory=class_row(Awaited)) as cur:
        await cur.execute(TO_TELL, {"before": before})
        return await cur.fetchall()


async def to_end(conn: AsyncConnection[Any], now: datetime) -> list[Awaited]:
    """What was put off a month ago. Index announcement_to_end."""
    async with conn.cursor(row_factory=class_row(Awaited)) as cur:
        await cur.execute(TO_END, {"now": now})
        return await cur.fetchall()
