# SPDX-License-Identifier: EUPL-1.2
"""Announce a record, then open it: six weeks after the notice left, or at once when asked for.

Source: CSP R.1111-28, R.1111-40.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from carnet.access import notices
from carnet.access.door import Visit
from carnet.rights import statements
from carnet.rights.life import PLATFORM, WEB, length, read, record, ruling


async def announce(visit: Visit, conn: AsyncConnection[Any], cid: int, now: datetime) -> None:
    """Write the notice of opening, with its one-time code; told once, whoever asks again.

    The six weeks do not run yet: they do from the moment the notice leaves.
    """
    door = visit.door
    number = await notices.send(
        door, conn, cid, "opening-notice", key=f"opening-notice:{cid}", days=length("notice_days")
    )
    hashed = notices.code_hash(door, notices.one_time_code(door, number))
    await conn.execute(statements.ADD_CODE, {"h": hashed, "cid": cid, "now": now})
    await record(visit, conn, cid, "notice", "", PLATFORM, now)


async def open_now(visit: Visit, patient: str = "", *, how: str = WEB) -> None:
    """The person asks for their record to be opened, without waiting for the six weeks."""
    async with ruling(visit, patient, "open", motive="request", how=how, of=("notice",)) as on:
        await on.conn.execute(statements.SET_OPEN, {**on.values, "motive": "request"})
        await notices.send(visit.door, on.conn, on.cid, "opened")


async def open_at_term(visit: Visit, conn: AsyncConnection[Any], cid: int, now: datetime) -> bool:
    """The six weeks have passed: open, unless it was decided otherwise meanwhile. A job's."""
    life = await read(conn, cid, lock=True)
    if life is None or life.state != "notice" or life.noticed is None:
        return False
    await conn.execute(statements.SET_OPEN, {"cids": [cid], "now": now, "motive": "term"})
    await notices.send(visit.door, conn, cid, "opened")
    await record(visit, conn, cid, "open", "term", PLATFORM, now)
    return True
