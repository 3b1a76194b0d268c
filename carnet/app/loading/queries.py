# SPDX-License-Identifier: EUPL-1.2
"""Statements of what was loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a loaded resource became."""

    h: bytes
    cid: int
    rid: int
    rtype: int


FIND: LiteralString = """
    SELECT h, cid, rid, rtype FROM documents.loaded
     WHERE org = %(org)s AND h = ANY (%(hs)s::bytea[])
"""
KEEP: LiteralString = """
    INSERT INTO documents.loaded (org, h, cid, rid, rtype)
    SELECT %(org)s, * FROM unnest(%(h)s::bytea[], %(cid)s::bigint[], %(rid)s::bigint[],
                                  %(rtype)s::smallint[])
    ON CONFLICT (org, h) DO UPDATE SET cid = excluded.cid, rid = excluded.rid,
                                       rtype = excluded.rtype
"""


async def find(conn: AsyncConnection[Any], org: int, hs: Sequence[bytes]) -> list[Loaded]:
    """Those of the hashes this organisation's software has loaded; primary key."""
    async with conn.cursor(row_factory=class_row(Loaded)) as cur:
        await cur.execute(FIND, {"org": org, "hs": list(hs)})
        return await cur.fetchall()


async def keep(conn: AsyncConnection[Any], org: int, rows: Sequence[Loaded]) -> None:
    """Remember what was loaded; what was deleted meanwhile gives way."""
    values = {
        "org": org,
        "h": [row.h for row in rows],
        "cid": [row.cid for row in rows],
        "rid": [row.rid for row in rows],
        "rtype": [row.rtype for row in rows],
    }
    await conn.execute(KEEP, values)
