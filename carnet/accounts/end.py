# SPDX-License-Identifier: EUPL-1.2
"""End an account for good: its log-in is forgotten, and what the audit says of its subject remains.

Whoever had it comes back by being proven anew, with a code, and begins from nothing.
"""

from __future__ import annotations

from carnet import errors
from carnet.access import audit, ended, stepup
from carnet.access.door import Visit
from carnet.accounts.stop import operator_only, record_of


class YourOwn(errors.Conflict):
    """Nobody ends the account they act by: another operator does."""


async def end(visit: Visit, sub: str) -> None:
    """Identifier, password, second factors, sessions, tokens, codes; doing it again changes nothing."""
    now = visit.door.clock()
    stepup.fresh(visit.actor, now)
    operator_only(visit)
    if sub == visit.actor.sub:
        raise YourOwn
    async with visit.door.pool.connection() as conn, conn.transaction():
        cids = await record_of(conn, sub)
        await ended.end(conn, [sub], ended.ENDED, now, for_good=True)
        await audit.write(conn, visit.trace("account-end", "operator"), granted=True, cids=cids)
