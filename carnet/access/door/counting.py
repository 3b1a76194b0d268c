# SPDX-License-Identifier: EUPL-1.2
"""How many people's records an account reads: in an hour, in a day, and through one client.

A new record beyond a limit is refused everywhere at once, since the audit is what counts. Who goes on
asking for new ones is a program: the account is stopped, with all that is connected in its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus

from carnet.access import audit, queries, recent
from carnet.access.limits import alarms
from carnet.access.limits.refusals import (
    TooFast,
    TooManyByClient,
    TooManyPatientsInADay,
    TooManyPatientsRead,
)

if TYPE_CHECKING:
    from carnet.access.door.visit import Visit

DAY: Final = timedelta(days=1)


async def count(visit: Visit, conn: AsyncConnection[Any], cids: Sequence[int] | None) -> None:
    """TooManyPatientsRead when these would be too many; else they are counted."""
    door, sub = visit.door, visit.actor.sub
    now = door.clock()
    if not door.recent.new(sub, cids, now):
        return
    done = await queries.patients_read_since(conn, sub, now - recent.HOUR, cids or ())
    if done >= door.settings.patients_per_hour:
        await refuse(visit, conn, cids, TooManyPatientsRead())
    most = door.counter.rates["patients-day"].most
    if door.recent.today(sub, now) >= most:
        done = await queries.patients_read_since(conn, sub, now - DAY, cids or ())
        door.recent.counted(sub, done, now)
        if done >= most:
            await refuse(visit, conn, cids, TooManyPatientsInADay())
    if visit.actor.grant and cids:
        try:
            await door.counter.take_exactly(conn, "patients-client", visit.actor.client)
        except TooFast:
            await refuse(visit, conn, cids, TooManyByClient())
    door.recent.keep(sub, cids, now)


async def refuse(
    visit: Visit,
    conn: AsyncConnection[Any],
    cids: Sequence[int] | None,
    error: TooManyPatientsRead,
) -> None:
    """Trace, alarm, refusal. In a transaction that is undone, who began it calls `told` after it."""
    if conn.info.transaction_status == TransactionStatus.IDLE:
        trace = visit.trace("read-refused", recent.RULE)
        await audit.write(conn, trace, granted=False, cids=[cid for cid in cids or () if cid])
        await told(visit, conn, error)
    raise error


async def told(visit: Visit, conn: AsyncConnection[Any], error: TooManyPatientsRead) -> None:
    """The alarm; and who goes on asking is stopped."""
    sub, now = visit.actor.sub, visit.door.clock()
    client = visit.actor.client
    async with conn.transaction():
        await alarms.tell(conn, error.reason, now, sub=sub, client=client, done="refused")
    if isinstance(error, TooManyByClient):  # the client's fault, not theirs
        return
    try:
        await visit.door.counter.take_exactly(conn, "walk", sub)
    except TooFast:
        async with conn.transaction():
            await alarms.tell(conn, "walk", now, sub=sub, client=client, done="account-stopped")
            await alarms.stop(conn, sub, "walk", now)
