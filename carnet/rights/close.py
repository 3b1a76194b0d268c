# SPDX-License-Identifier: EUPL-1.2
"""Close a record: from the next second nobody reads it, and it is archived ten years.

Source: CSP R.1111-36.
"""

from __future__ import annotations

from carnet.access import notices
from carnet.access.door import Visit
from carnet.rights import statements
from carnet.rights.life import WEB, Ruling, WrongMotive, later, length, ruling, shut, table


async def close(visit: Visit, patient: str = "", *, motive: str = "holder", how: str = WEB) -> None:
    """The person closes their record, at any time; an operator, on their word or for a motive."""
    if motive not in table()["motives"]["close"] or (how == WEB and motive != "holder"):
        raise WrongMotive
    async with ruling(visit, patient, "close", motive=motive, how=how, of=("open",)) as on:
        await archive(on, motive)


async def archive(on: Ruling, motive: str) -> None:
    """Close and archive, whatever the reason."""
    door = on.visit.door
    until = later(on.now, years=length("archive_years"))
    values = {"cid": on.cid, "now": on.now, "motive": motive, "until": until}
    await on.conn.execute(statements.SET_CLOSED, values)
    await shut(door, on.conn, on.cid, on.now)
    await notices.send(door, on.conn, on.cid, "closed", until=until)
