# SPDX-License-Identifier: EUPL-1.2
"""Name a professional who sees what is masked, as the médecin traitant does (CSP L.1111-16).

It opens no record by itself: a consent does. Nor does it change what the matrix lets them read.
"""

from __future__ import annotations

from carnet.access.door import Visit
from carnet.rights import queries
from carnet.rights.professionals import begin, end


async def trust(visit: Visit, rpps: int, patient: str = "") -> bool:
    """From now on; whether anything changed. patient: "" for one's own record."""
    return await begin(visit, rpps, patient, "trust", "trusted-by-holder", queries.TRUST)


async def untrust(visit: Visit, rpps: int, patient: str = "") -> bool:
    """It ends now; whether they were trusted."""
    return await end(visit, rpps, patient, "untrust", "untrusted-by-holder", queries.UNTRUST)
