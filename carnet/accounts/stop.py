# SPDX-License-Identifier: EUPL-1.2
"""Stop an account, open it again, list those that are stopped or wait for their code. An operator's.

What is connected in its name ends within a second, with its tokens (docs/decisions/0028), and a code that
waited ends with it. An account is named by its subject: no person is looked for here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from carnet import errors
from carnet.access import audit, ended
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.limits import alarms
from carnet.accounts import queries

MOST = 1000
WHY = "operator"  # of access.stopped: somebody's decision, no alarm's


class NoAccount(errors.NotFound):
    """No account has this subject."""


@dataclass(frozen=True, slots=True)
class Line:
    """An account; stopped: why, since when; code: until when one is in force."""

    sub: str
    kind: str
    stopped: str | None
    since: datetime | None
    code: datetime | None


def operator_only(visit: Visit) -> None:
    """To anybody else there is nothing."""
    if visit.actor.kind is not ActorKind.OPERATOR:
        raise errors.NotFound


async def record_of(conn: AsyncConnection[Any], sub: str) -> list[int]:
    """The compartment of a patient's account, none of others'."""
    found = await (await conn.execute(queries.KNOWN, (sub,))).fetchone()
    if found is None:
        raise NoAccount
    return [] if found[0] is None else [found[0]]


async def listed(visit: Visit) -> list[Line]:
    """By subject; index activation_of."""
    operator_only(visit)
    async with (
        visit.door.pool.connection() as conn,
        conn.cursor(row_factory=class_row(Line)) as cur,
    ):
        await cur.execute(queries.LISTED, {"now": visit.door.clock(), "most": MOST})
        return await cur.fetchall()


async def stop(visit: Visit, sub: str) -> None:
    """Nobody comes in by this account; doing it again changes nothing. Nobody waits to stop one."""
    operator_only(visit)
    now = visit.door.clock()
    async with visit.door.pool.connection() as conn, conn.transaction():
        cids = await record_of(conn, sub)
        await alarms.stop(conn, sub, WHY, now)
        await conn.execute(queries.REPLACE, {"sub": sub, "now": now})
        await audit.write(conn, visit.trace("account-stop", WHY), granted=True, cids=cids)


async def reopen(visit: Visit, sub: str) -> None:
    """It is entered again, by who knows its password and has its second factor."""
    operator_only(visit)
    async with visit.door.pool.connection() as conn, conn.transaction():
        cids = await record_of(conn, sub)
        await ended.not_over(conn, sub)
        await alarms.resume(conn, sub)
        await audit.write(conn, visit.trace("account-reopen", WHY), granted=True, cids=cids)
