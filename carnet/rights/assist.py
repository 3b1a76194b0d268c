# SPDX-License-Identifier: EUPL-1.2
"""Assistants: each acts for named professionals, with the least line of the matrix, by the operator's word.

An assistant deposits documents of management alone, for the organisation they work in: the professional is
named in the trace, not as depositor, since what they deposit they would then see for ever.
Source: DESIGN §4; CSP R.1110-2 (who takes part in the care under a professional's responsibility).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.rights.acting import queries
from carnet.rights.acting.queries import ADD_ASSISTANT, END_ASSISTANT, Assisted


async def name(
    conn: AsyncConnection[Any], sub: str, rpps: int, now: datetime, until: datetime | None = None
) -> None:
    """The operator says that somebody assists a professional; again, it is the same."""
    await conn.execute(ADD_ASSISTANT, {"sub": sub, "rpps": rpps, "since": now, "until": until})


async def dismiss(conn: AsyncConnection[Any], sub: str, rpps: int, now: datetime) -> None:
    """The operator says that it is over, from now on."""
    await conn.execute(END_ASSISTANT, {"sub": sub, "rpps": rpps, "now": now})


async def assisted(visit: Visit) -> list[Assisted]:
    """Those this assistant may choose to act for at log-in."""
    if visit.actor.kind is not ActorKind.ASSISTANT:
        return []
    async with visit.door.pool.connection() as conn:
        return await queries.assisted(conn, visit.actor.sub, visit.door.clock())
