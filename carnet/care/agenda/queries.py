# SPDX-License-Identifier: EUPL-1.2
"""Which appointment holds which slot."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection

TAKEN: LiteralString = "SELECT by FROM care.taken WHERE slot = %s"
TAKE: LiteralString = """
    INSERT INTO care.taken (slot, by, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING slot
"""
FREE: LiteralString = "DELETE FROM care.taken WHERE slot = %s AND by = %s RETURNING slot"
SETTING: LiteralString = "SELECT setting FROM access.organisation WHERE cid = %s"


async def taken(conn: AsyncConnection[Any], slot: int) -> int | None:
    """The keyed hash of the appointment that holds a slot."""
    row = await (await conn.execute(TAKEN, (slot,))).fetchone()
    return None if row is None else int(row[0])


async def take(conn: AsyncConnection[Any], slot: int, by: int, at: datetime) -> bool:
    """False when another appointment holds it."""
    return await (await conn.execute(TAKE, (slot, by, at))).fetchone() is not None


async def free(conn: AsyncConnection[Any], slot: int, by: int) -> bool:
    """False when this appointment did not hold it."""
    return await (await conn.execute(FREE, (slot, by))).fetchone() is not None


async def setting(conn: AsyncConnection[Any], org: int) -> str:
    """Practice setting of an organisation (JDV_J04), "" when it has none."""
    row = await (await conn.execute(SETTING, (org,))).fetchone()
    return str(row[0] or "") if row else ""
