# SPDX-License-Identifier: EUPL-1.2
"""Statements of the documents' own tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb


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


TAKE_OVER: LiteralString = """
    UPDATE documents.unique_id SET digest = %(digest)s, rid = %(rid)s
     WHERE cid = %(cid)s AND dep_org = %(org)s AND h = %(h)s
"""


async def take_over(
    conn: AsyncConnection[Any], cid: int, org: int, h: bytes, digest: bytes, rid: int
) -> None:
    """Give a uniqueId to another document: who held it was deleted. Primary key."""
    values = {"cid": cid, "org": org, "h": h, "digest": digest, "rid": rid}
    await conn.execute(TAKE_OVER, values)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody to whom a version of a document was released."""

    sub: str


# Of what was read, not of what was written. Indexes audit_of, audit_of_several.
READERS: LiteralString = """
    SELECT DISTINCT sub FROM access.audit
     WHERE (cid = %(cid)s OR cids @> ARRAY[%(cid)s::bigint]) AND at >= %(since)s AND granted
       AND act IN ('read', 'vread', 'search', 'history') AND rids && %(rids)s::bigint[]
     ORDER BY sub LIMIT 500
"""


async def readers(
    conn: AsyncConnection[Any], cid: int, rids: Sequence[int], since: datetime
) -> list[Reader]:
    """Who read one of the documents since an instant; under the platform's context."""
    async with conn.cursor(row_factory=class_row(Reader)) as cur:
        await cur.execute(READERS, {"cid": cid, "rids": list(rids), "since": since})
        return await cur.fetchall()


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


# In which compartments an actor holds a record. Indexes mandate_by_sub, mandate_of.
HOLDS: LiteralString = """
    SELECT %(patient)s::bigint WHERE %(patient)s::bigint = ANY (%(cids)s::bigint[])
    UNION ALL
    SELECT m.cid FROM access.mandate m
     WHERE m.sub = %(sub)s AND m.cid = ANY (%(cids)s::bigint[]) AND m.reach = 'all'
       AND m.nature IN ('representative', 'guardian') AND m.revoked IS NULL
       AND m.since <= %(now)s AND (m.until IS NULL OR m.until > %(now)s)
"""
# A mask that another of the merged records changed, as it was; their own word over it. Index meanwhile_of.
MEANWHILE: LiteralString = """
    INSERT INTO access.meanwhile (cid, named, tbl, key, before, after)
    VALUES (%(cid)s, %(named)s, 'masks', %(key)s, %(before)s, %(after)s)
"""
SAID_SINCE: tuple[LiteralString, ...] = (
    """
    UPDATE access.meanwhile SET before = before - %(name)s::text, after = after - %(name)s::text
     WHERE cid = %(cid)s AND tbl = 'masks' AND key = %(key)s
    """,
    """
    DELETE FROM access.meanwhile
     WHERE cid = %(cid)s AND tbl = 'masks' AND key = %(key)s AND before = '{}'
    """,
)


async def holds(
    conn: AsyncConnection[Any], cids: Sequence[int], sub: str, patient: int | None, now: datetime
) -> list[int]:
    """The compartments of one person in which somebody decides for them."""
    values = {"cids": list(cids), "sub": sub, "patient": patient, "now": now}
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(HOLDS, values)
        return await cur.fetchall()


async def mask_changed(
    conn: AsyncConnection[Any], cid: int, named: int, rid: int, name: str, *, was: bool, is_: bool
) -> None:
    """What one compartment decided of a document of another; under a context that writes both."""
    values = {"cid": cid, "named": named, "key": Jsonb({"rid": rid}), "name": name,
              "before": Jsonb({name: was}), "after": Jsonb({name: is_})}  # fmt: skip
    if cid == named:
        for statement in SAID_SINCE:
            await conn.execute(statement, values)
    elif was != is_:
        await conn.execute(MEANWHILE, values)
