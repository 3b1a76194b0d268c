# SPDX-License-Identifier: EUPL-1.2
"""Close a record: from the next second nobody reads it, and it is archived ten years.

Source: CSP R.1111-36.
"""

from __future__ import annotations

from datetime import datetime

from carnet.access import ended, notices, stepup
from carnet.access.door import Visit
from carnet.rights import statements
from carnet.rights.life import WEB, Ruling, WrongMotive, later, length, ruling, shut, table

DEATH = "death"  # of life.toml


async def close(visit: Visit, patient: str = "", *, motive: str = "holder", how: str = WEB) -> None:
    """The person closes their record, at any time; an operator, on their word or for a motive."""
    stepup.fresh(visit.actor, visit.door.clock())
    if motive not in table()["motives"]["close"] or (how == WEB and motive != "holder"):
        raise WrongMotive
    async with ruling(visit, patient, "close", motive=motive, how=how, of=("open",)) as on:
        await archive(on, motive)
        if motive == DEATH:
            await ended.died(on.conn, on.cids, on.now)


async def archive(on: Ruling, motive: str) -> None:
    """Close all of it and archive what was open, whatever the reason."""
    door = on.visit.door
    until = archived_until(on)
    await close_rest(on, motive)
    await notices.send(door, on.conn, on.cid, "closed", until=until)


async def close_rest(on: Ruling, motive: str) -> None:
    """Close what of it is not closed, and end what a closing ends; nobody is told."""
    values = {**on.values, "motive": motive, "until": archived_until(on)}
    await on.conn.execute(statements.SET_CLOSED, values)
    await shut(on.conn, on.values)


def archived_until(on: Ruling) -> datetime:
    """The term of an archive that begins now."""
    return later(on.now, years=length("archive_years"))
