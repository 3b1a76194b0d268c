# SPDX-License-Identifier: EUPL-1.2
"""Name a professional who sees what is masked, as the médecin traitant does (CSP L.1111-16).

It opens no record by itself: a consent does. Nor does it change what the matrix lets them read.
"""

from __future__ import annotations

from carnet.access.door import Visit
from carnet.rights import queries
from carnet.rights.holder import holding
from carnet.rights.professionals import exists


async def trust(visit: Visit, rpps: int, patient: str = "") -> bool:
    """From now on; whether anything changed. patient: "" for one's own record."""
    await exists(visit, rpps)
    async with holding(visit, patient, "trust", "trusted-by-holder") as hold:
        values = {"cid": hold.cid, "rpps": rpps, "now": hold.now}
        await hold.conn.execute(queries.ALONE, values)
        done = await hold.conn.execute(queries.TRUST, values)
    return bool(done.rowcount)


async def untrust(visit: Visit, rpps: int, patient: str = "") -> bool:
    """It ends now; whether they were trusted."""
    async with holding(visit, patient, "untrust", "untrusted-by-holder") as hold:
        values = {"cid": hold.cid, "rpps": rpps, "now": hold.now}
        done = await hold.conn.execute(queries.UNTRUST, values)
    return bool(done.rowcount)
