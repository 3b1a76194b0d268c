# SPDX-License-Identifier: EUPL-1.2
"""Use an activation code, with the birth date: once, in time, and not after too many wrong dates.

One refusal for all: a code that nobody gave, that served, that ended, or a date that is another's. What was
connected in the account's name ends, and the person is told. Nothing here touches a second factor.
"""

from __future__ import annotations

from datetime import date

from carnet import errors
from carnet.access import audit, notices
from carnet.access import queries as access
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.access.together import together
from carnet.accounts import codes, queries
from carnet.accounts.prove import hashed
from carnet.accounts.rules import rules


class WrongActivation(errors.NotFound):
    """This code and this birth date open no account, or the code was used or is over."""


def bearer(door: Door, request: str) -> Visit:
    """Who brings a code: nobody is logged in."""
    actor = Actor(ActorKind.PATIENT, "activation-code", "", "carnet-pages", purpose="PATRQT")
    return Visit(door, actor, request)


def _values(door: Door, code: str, born: date) -> dict[str, object]:
    return {"hash": hashed(door, codes.plain(code) or ""), "born": born, "now": door.clock(),
            "tries": rules().tries}  # fmt: skip


async def check(door: Door, request: str, code: str, born: date) -> str:
    """Whose account they open, and nothing is used; a wrong date is counted against the code, at once."""
    async with door.pool.connection() as conn:
        found = await (await conn.execute(queries.TRY, _values(door, code, born))).fetchone()
        if found is None or not found[0]:
            trace = bearer(door, request).trace("activate", "wrong-code")
            await audit.write(conn, trace, granted=False)
    if found is None or not found[0]:  # outside: what was counted is committed
        raise WrongActivation
    return str(found[1])


async def use(door: Door, request: str, code: str, born: date) -> str:
    """The subject whose account this is from now on; all that was connected in its name ends."""
    visit, values = bearer(door, request), _values(door, code, born)
    async with door.pool.connection() as conn, conn.transaction():
        found = await (await conn.execute(queries.USE, values)).fetchone()
        if found is None:
            raise WrongActivation
        sub, cid = found
        await access.end_connections(conn, sub)
        cids = [] if cid is None else [cid]
        if cid is not None:
            await together(visit, conn, cid)
            await notices.send(door, conn, cid, "account-activated")
        await audit.write(conn, visit.trace("activate", "activation-code"), granted=True, cids=cids)
    return str(sub)
