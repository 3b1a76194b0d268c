# SPDX-License-Identifier: EUPL-1.2
"""Out of quarantine: an identity somebody verified, who is nobody already known here.

Where it is somebody known, two officers merge the two (merge.py). Where it is not, an officer who saw a
document of high trust lets it stand by itself: it is validated, it is found as anybody is, and its record
begins as any other, with its notice; those who treat the person then ask for their consent.
Source: RNIV 1 (provisional identities); docs/decisions/0013 and 0021.
"""

from __future__ import annotations

from carnet import errors
from carnet.access import notices
from carnet.access.door import Unit, Visit, commit
from carnet.access.together import together
from carnet.identity.status import Act
from carnet.vigilance import desk, match, queries, standing


class NotApart(errors.Conflict):
    """This identity is not in quarantine, or is in somebody's record already."""


class ToCompare(errors.Conflict):
    """This identity may be somebody known here: compare them first."""


async def release(visit: Visit, cid: int, proof: str) -> None:
    """By an officer who verified it; proof: code of the document that was seen (identity/status.py)."""

    async def work(unit: Unit) -> None:
        await standing.officer(unit)
        line = await standing.held(unit, cid)
        alone = len(await queries.set_of(unit.conn, [cid])) == 1
        if not line.quarantined or not alone:
            raise NotApart
        await match.look(unit, cid)
        if await queries.unsettled(unit.conn, cid):
            raise ToCompare
        await unit.conn.execute(queries.RELEASED, (cid,))
        if line.doubtful:
            await standing.act(unit, cid, Act.CLEAR)
        await standing.act(unit, cid, Act.VALIDATE, proof=proof)
        values = {"cid": cid, "now": unit.at, "tries": 0, "next": unit.at, "answer": None}
        await unit.conn.execute(queries.ASK, values)
        await together(visit, unit.conn, cid)
        if visit.door.settings.lenient:
            await notices.send(visit.door, unit.conn, cid, "opened")
        else:  # the notice is announced by its job, and the six weeks begin when it has left
            await unit.conn.execute(queries.TO_NOTICE, {"cid": cid, "now": unit.at})

    await commit(visit, work, "identity-release")


async def search(visit: Visit, cid: int) -> int:
    """Whom an identity in quarantine may be, put in the queue; how many there are."""

    async def work(unit: Unit) -> int:
        await standing.officer(unit)
        line = await standing.held(unit, cid)
        if not line.quarantined:
            raise NotApart
        found = await match.look(unit, cid)
        await standing.traced(unit, "identity-match", [cid])
        return found

    return await commit(visit, work, "identity-match")


async def by_id(visit: Visit, id: str, what: str, proof: str) -> None:
    """The forms of the desk: release with a proof, or search again."""
    cid = desk.cid_of(visit, id)
    if what == "release":
        await release(visit, cid, proof)
    elif what == "search":
        await search(visit, cid)
    else:
        raise errors.Invalid
