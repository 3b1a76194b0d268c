# SPDX-License-Identifier: EUPL-1.2
"""Open a closed record again, with what its archive holds.

The archive is the same compartment, so nothing moves; consents are asked for anew.
Source: CSP R.1111-36.
"""

from __future__ import annotations

from carnet.access import ended, notices
from carnet.access.door import Visit
from carnet.rights import statements
from carnet.rights.life import WEB, WrongState, ruling


async def reopen(visit: Visit, patient: str = "", *, how: str = WEB) -> None:
    """While the archive is there, or for who had objected; a deletion asked for is given up."""
    async with ruling(visit, patient, "reopen", motive="request", how=how, of=("closed",)) as on:
        if not on.life.reopens(on.now):
            raise WrongState
        await on.conn.execute(statements.SET_OPEN, {**on.values, "motive": "reopened"})
        await ended.alive(on.conn, on.cids)
        await notices.send(visit.door, on.conn, on.cid, "reopened")
