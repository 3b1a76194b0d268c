# SPDX-License-Identifier: EUPL-1.2
"""Who may take the whole platform away: one operator asks, another confirms, and both are traced."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import audit
from carnet.access.door import Visit
from carnet.export.platform import queries, sealed
from carnet.export.platform.queries import Leaving

STANDS: Final = timedelta(hours=24)  # from the question to the file
TOGETHER: Final = 1000  # records a line of the trace names


class NotAsked(errors.NotFound):
    """Nobody asked for the platform under this number."""


class SameOperator(errors.Forbidden):
    """Another operator has to confirm: nobody takes the platform away alone."""


class NotConfirmed(errors.Forbidden):
    """No second operator has confirmed this."""


class OtherKey(errors.Forbidden):
    """This is not the key that was asked for: the two operators name the same one."""


class Over(errors.BusinessRule):
    """What was asked has expired, was confirmed already or was taken: ask again."""


async def ask(conn: AsyncConnection[Any], visit: Visit, recipient: str) -> int:
    """Ask for the platform, to be encrypted to a public key; returns the number to confirm."""
    sealed.recipient(recipient)
    now = visit.door.clock()
    async with conn.transaction():
        found = await queries.ask(conn, recipient.strip(), now, visit.actor.sub, now + STANDS)
        await _trace(conn, visit, "platform-asked", granted=True)
    return found


async def confirm(conn: AsyncConnection[Any], visit: Visit, id: int, recipient: str) -> Leaving:
    """Confirm what another operator asked, for the same key."""
    refusal: errors.CarnetError | None = None
    async with conn.transaction():
        found = await _of(conn, visit, id)
        if found.asked_by == visit.actor.sub:
            refusal = SameOperator()
        elif found.recipient != recipient.strip():
            refusal = OtherKey()
        elif found.confirmed is not None:
            refusal = Over()
        else:
            await conn.execute(queries.CONFIRM, (visit.door.clock(), visit.actor.sub, id))
        await _trace(conn, visit, "platform-confirmed", granted=refusal is None)
    if refusal is not None:
        raise refusal
    return found


async def begin(conn: AsyncConnection[Any], visit: Visit, id: int) -> Leaving:
    """What two operators agreed on, before it is written: each record's trace says that it leaves."""
    async with conn.transaction():
        found = await _of(conn, visit, id)
        agreed = found.confirmed_by is not None and found.confirmed_by != found.asked_by
        if not agreed or visit.actor.sub not in (found.asked_by, found.confirmed_by):
            await _trace(conn, visit, "platform-not-confirmed", granted=False)
        else:
            after = 0
            while cids := await queries.patients(conn, after, TOGETHER):
                after = cids[-1]
                await _trace(conn, visit, "platform-taken", granted=True, cids=cids)
            await _trace(conn, visit, "platform-taken", granted=True)
    if not agreed:
        raise NotConfirmed
    if visit.actor.sub not in (found.asked_by, found.confirmed_by):
        raise SameOperator("One of the two operators who agreed writes the archive.")
    return found


async def taken(conn: AsyncConnection[Any], visit: Visit, id: int, digest: bytes) -> None:
    """The archive is whole: what was asked is over."""
    async with conn.transaction():
        await conn.execute(queries.TAKEN, (visit.door.clock(), digest, id))
        await _trace(conn, visit, "platform-written", granted=True)


async def _of(conn: AsyncConnection[Any], visit: Visit, id: int) -> Leaving:
    found = await queries.of(conn, id)
    if found is None:
        raise NotAsked
    if found.taken is not None or found.ends <= visit.door.clock():
        raise Over
    return found


async def _trace(
    conn: AsyncConnection[Any],
    visit: Visit,
    rule: str,
    *,
    granted: bool,
    cids: list[int] | None = None,
) -> None:
    await audit.write(conn, visit.trace("export", rule), granted=granted, cids=cids or ())
