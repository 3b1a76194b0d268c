# SPDX-License-Identifier: EUPL-1.2
"""Statements of what is counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

# In the order of the key, so that two processes never wait for each other.
SHARE: LiteralString = """
    INSERT INTO access.rate AS r (class, who, begins, ends, count)
    SELECT * FROM unnest(%s::text[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[]) u
     ORDER BY 1, 2, 3
    ON CONFLICT (class, who, begins) DO UPDATE SET count = r.count + excluded.count
    RETURNING class, who, begins, count
"""
FORGET: LiteralString = "DELETE FROM access.rate WHERE ends < %s"
GIVE_BACK: LiteralString = """
    UPDATE access.rate SET count = count - 1 WHERE class = %s AND who = %s AND begins = %s AND count > 0
"""
COUNTED: LiteralString = """
    SELECT coalesce(sum(count), 0) FROM access.rate WHERE class = %s AND who = %s AND begins = %s
"""

Key = tuple[str, bytes, int]  # class, who, beginning of the window


async def share(
    conn: AsyncConnection[Any], counted: Sequence[tuple[Key, int, int]]
) -> dict[Key, int]:
    """Add what was counted (key, end of its window, how many); what all have counted. Primary key."""
    columns: tuple[list[Any], ...] = ([], [], [], [], [])
    for (name, who, begins), ends, count in counted:
        for column, value in zip(columns, (name, who, begins, ends, count), strict=True):
            column.append(value)
    found = await (await conn.execute(SHARE, columns)).fetchall()
    return {(name, bytes(who), begins): count for name, who, begins, count in found}


async def counted(conn: AsyncConnection[Any], key: Key) -> int:
    """What all have counted; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(COUNTED, key)
        return int(await cur.fetchone() or 0)


async def give_back(conn: AsyncConnection[Any], key: Key) -> None:
    """One less; primary key."""
    await conn.execute(GIVE_BACK, key)


async def forget(conn: AsyncConnection[Any], now: int) -> None:
    """Windows that ended; index rate_over."""
    await conn.execute(FORGET, (now,))
