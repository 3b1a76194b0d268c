# SPDX-License-Identifier: EUPL-1.2
"""Assistants: each acts for named professionals, with the least line of the matrix.

The professional names them among the assistants of an establishment where both work, and dismisses them;
the operator does it where an establishment asks for it. Both are effective at the next request. An assistant
deposits documents of management alone, for the organisation they work in: the professional is named in the
trace, not as depositor, since what they deposit they would then see for ever.
Source: DESIGN §4; CSP R.1110-2 (who takes part in the care under a professional's responsibility).
"""

from __future__ import annotations

from carnet import errors
from carnet.access import audit
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.rights.acting import queries
from carnet.rights.acting.queries import (
    ADD_ASSISTANT,
    END_ASSISTANT,
    Assisted,
    Assisting,
    Colleague,
)


class NotYours(errors.NotFound):
    """A professional names their own assistants, and the operator anybody's; nobody else does."""


class NotColleague(errors.NotFound):
    """This is no assistant of an establishment where the professional works."""


async def assisted(visit: Visit) -> list[Assisted]:
    """Those this assistant may choose to act for."""
    if visit.actor.kind is not ActorKind.ASSISTANT:
        return []
    async with visit.door.pool.connection() as conn:
        return await queries.assisted(conn, visit.actor.sub, visit.door.clock())


async def colleagues(visit: Visit) -> list[Colleague]:
    """The assistants of where this professional works, and those who assist them now."""
    rpps = whose(visit, None)
    async with visit.door.pool.connection() as conn:
        return await queries.colleagues(conn, rpps, visit.door.clock())


async def everybody(visit: Visit) -> list[Assisting]:
    """For the operator: every assistant with an account, and whom they assist."""
    if visit.actor.kind is not ActorKind.OPERATOR:
        raise NotYours
    async with visit.door.pool.connection() as conn:
        return await queries.assisting(conn, visit.door.clock())


async def name(visit: Visit, sub: str, rpps: int | None = None) -> None:
    """An assistant acts for a professional from now on; again, it is the same.

    sub: of the assistant. rpps: whom they assist, when the operator says it.
    """
    rpps = whose(visit, rpps)
    org = await _shared(visit, rpps, sub)
    now = visit.door.clock()
    async with visit.door.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [org])
        values = {"sub": sub, "rpps": rpps, "since": now, "until": None, "by": visit.actor.sub}
        await conn.execute(ADD_ASSISTANT, values)
        await audit.write(conn, visit.trace("assistant", _rule(visit, "named")), granted=True)


async def dismiss(visit: Visit, sub: str, rpps: int | None = None) -> None:
    """It is over, from now on; nothing changes when they did not assist them."""
    rpps = whose(visit, rpps)
    org = await _shared(visit, rpps, sub)
    now = visit.door.clock()
    async with visit.door.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [org])
        values = {"sub": sub, "rpps": rpps, "now": now, "by": visit.actor.sub}
        await conn.execute(END_ASSISTANT, values)
        await audit.write(conn, visit.trace("assistant-ended", _rule(visit, "ended")), granted=True)


def whose(visit: Visit, rpps: int | None) -> int:
    """Whose assistants this visitor names: a professional their own, the operator those they say."""
    actor = visit.actor
    if (
        actor.kind is ActorKind.PROFESSIONAL
        and actor.rpps is not None
        and rpps in (None, actor.rpps)
    ):
        return actor.rpps
    if actor.kind is ActorKind.OPERATOR and rpps is not None:
        return rpps
    raise NotYours


async def _shared(visit: Visit, rpps: int, sub: str) -> int:
    """The establishment by which somebody is an assistant of a professional, or may become one."""
    async with visit.door.pool.connection() as conn:
        near = await queries.colleagues(conn, rpps, visit.door.clock())
    for one in near:
        if one.sub == sub and one.org is not None:
            return one.org
    await visit.refused("assistant", "not-a-colleague")
    raise NotColleague


def _rule(visit: Visit, what: str) -> str:
    by = "operator" if visit.actor.kind is ActorKind.OPERATOR else "professional"
    return f"{what}-by-{by}"
