# SPDX-License-Identifier: EUPL-1.2
"""Refuse an emergency mode beforehand, each by itself; what runs in that mode ends at once, for good.

Source: CSP L.1111-17 I: the opposition to "bris de glace" and that to the regulation centre are distinct.
"""

from __future__ import annotations

from carnet import errors
from carnet.access import reach
from carnet.access.door import Visit
from carnet.rights import queries, statements
from carnet.rights.holder import holding, in_the_open


class WrongMode(errors.Invalid):
    """An emergency mode is bris-de-glace or centre-15."""


async def refuse(visit: Visit, mode: str, *, refused: bool, patient: str = "") -> None:
    """Refuse a mode, or accept it again; saying it twice changes nothing."""
    if mode not in reach.table("emergency")["modes"]:
        raise WrongMode
    in_the_open(visit)
    rule = "emergency-refused" if refused else "emergency-accepted"
    async with holding(visit, patient, "refuse", rule) as hold:
        values = {
            "cid": hold.cid, "cids": list(hold.cids), "mode": mode, "now": hold.now,
        }  # fmt: skip
        await hold.conn.execute(queries.ALONE, values)
        said = queries.SET_REFUSED if refused else queries.SET_ACCEPTED
        await hold.conn.execute(said[mode], values)
        await hold.conn.execute(queries.REFUSE if refused else queries.ACCEPT, values)
        if refused:  # accepting again later brings nothing back
            await hold.conn.execute(statements.END_MODE, values)
