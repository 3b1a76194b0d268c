# SPDX-License-Identifier: EUPL-1.2
"""Statements of the documents' own tables."""

from __future__ import annotations

from dataclasses import dataclass
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
