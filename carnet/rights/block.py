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
from carnet.rights.professionals import begin, end


async def block(visit: Visit, rpps: int, patient: str = "") -> bool:
    """From now on; whether anything changed. patient: "" for one's own record."""
    return await begin(visit, rpps, patient, "block", "blocked-by-holder", queries.BLOCK)


async def unblock(visit: Visit, rpps: int, patient: str = "") -> bool:
    """The block ends now; whether there was one."""
    return await end(visit, rpps, patient, "unblock", "unblocked-by-holder", queries.UNBLOCK)
