# SPDX-License-Identifier: EUPL-1.2
"""Block a professional: to them the record is as if it did not exist, whatever consent there is.

The médecin traitant may be blocked too. Consents stay as they are, and open nothing to who is blocked;
they open again once the block is lifted, if they have not ended meanwhile. Feeding goes on: it needs no
right to read. Rows are never deleted: a block has its beginning and its end.
Source: CSP L.1111-19; DMP, EX (a blocked professional never accesses, with or without authorisation).
"""

from __future__ import annotations

from carnet.access.door import Visit
from carnet.rights import queries
from carnet.rights.holder import holding
from carnet.rights.professionals import exists


async def block(visit: Visit, rpps: int, patient: str = "") -> bool:
    """From now on; whether anything changed. patient: "" for one's own record."""
    await exists(visit, rpps)
    async with holding(visit, patient, "block", "blocked-by-holder") as hold:
        values = {"cid": hold.cid, "rpps": rpps, "now": hold.now}
        await hold.conn.execute(queries.ALONE, values)
        done = await hold.conn.execute(queries.BLOCK, values)
    return bool(done.rowcount)


async def unblock(visit: Visit, rpps: int, patient: str = "") -> bool:
    """The block ends now; whether there was one."""
    async with holding(visit, patient, "unblock", "unblocked-by-holder") as hold:
        values = {"cid": hold.cid, "rpps": rpps, "now": hold.now}
        done = await hold.conn.execute(queries.UNBLOCK, values)
    return bool(done.rowcount)
