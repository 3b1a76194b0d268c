# SPDX-License-Identifier: EUPL-1.2
"""One's own connections: all that is connected in the name of an account ends, whoever opened it.

Pages ask for the revision of an account at each request; a token is believed for half a second
(carnet/access/revisions.py). A connection that stays bears the new revision: docs/decisions/0028.
"""

from __future__ import annotations

from carnet.access import audit, queries
from carnet.access.door import Visit


async def end(visit: Visit) -> int:
    """End every session and token of an account, this visit's too; the revision of the next ones."""
    actor = visit.actor
    async with visit.door.pool.connection() as conn, conn.transaction():
        rev = await queries.end_connections(conn, actor.sub)
        cids = [] if actor.patient is None else [actor.patient]
        trace = visit.trace("end-connections", "own-account")
        await audit.write(conn, trace, granted=True, cids=cids)
    return rev
