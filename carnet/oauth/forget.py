# SPDX-License-Identifier: EUPL-1.2
"""What is used once is forgotten when its date is past; a grant's own line stays, as what was allowed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, LiteralString

from carnet.postgres.pool import Pool

KEPT: Final = timedelta(days=1)  # beyond the date: a second use is still seen as one
TABLES: Final[tuple[LiteralString, ...]] = ("asked", "code", "launch", "assertion")
FORGET: LiteralString = "DELETE FROM access.{} WHERE until < %(before)s"
# A used token of a family that lives is how a thief is seen: it stays as long as the family may.
FAMILIES: LiteralString = """
    DELETE FROM access.refresh r USING access.allowed a
     WHERE a.id = r.allowed AND r.until < %(before)s
       AND (a.ended_at IS NOT NULL OR a.until < %(before)s OR NOT EXISTS (
            SELECT 1 FROM access.refresh x
             WHERE x.allowed = r.allowed AND x.used_at IS NULL AND x.until >= %(before)s))
"""


async def forget(pool: Pool, now: datetime) -> int:
    """Rows that were removed; pool: of the worker's role."""
    said, removed = {"before": now - KEPT}, 0
    async with pool.connection() as conn:
        for table in TABLES:
            removed += (await conn.execute(FORGET.format(table), said)).rowcount
        removed += (await conn.execute(FAMILIES, said)).rowcount
    return removed
