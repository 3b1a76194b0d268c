# SPDX-License-Identifier: EUPL-1.2
"""Open a record in an emergency: a reason, the least scope, an end; the patient and their doctor are told.

Two modes, each of which the patient may refuse beforehand: any health professional before a person who
cannot speak for themselves ("bris de glace"), and the doctor of a regulation centre on a call. Whatever
the reason of a refusal, the answer is the one for a person who is unknown.
Source: CSP L.1111-17 I, R.1111-48.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from carnet import errors
from carnet.access import audit, handles, notices, queries, reach
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.rights import statements

RULE = "emergency"  # in the trace: the purpose becomes ETREAT


class NotForYou(errors.Forbidden):
    """Only a professional opens a record in an emergency."""


class WrongMode(errors.Invalid):
    """An emergency mode is bris-de-glace or centre-15, with one of its reasons."""


class TooManyEmergencies(errors.TooMany):
    """This account has opened too many records in an emergency in a day."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an emergency opened."""

    patient: str  # id of the Patient
    until: datetime


async def open(visit: Visit, handle: str, mode: str, reason: str) -> Opened:
    """Open the record behind a handle; one that is already open in this mode stays as it is.

    handle: from a search for the person. mode, reason: codes of access/emergency.toml.
    """
    actor = visit.actor
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps is None:
        raise NotForYou
    found = modes().get(mode)
    if found is None or reason not in found["reasons"]:
        raise WrongMode
    return await open_record(visit, handles.read(visit, handle), mode, reason)


async def open_record(visit: Visit, cid: int, mode: str, reason: str) -> Opened:
    """The same, of a record that was found; it is locked, so that a refusal and an opening never cross."""
    actor, door, found = visit.actor, visit.door, modes()[mode]
    rpps, now = actor.rpps, door.clock()
    assert rpps is not None
    async with door.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [cid])
        refused = await _refused(conn, visit, cid, mode, now)
        many = False
        values = {"cid": cid, "rpps": rpps, "mode": mode, "now": now}
        running = await (await conn.execute(statements.EMERGENCY_OF, values)).fetchone()
        if running is None:
            since = {"rpps": rpps, "mode": mode, "since": now - timedelta(days=1)}
            counted = await (await conn.execute(statements.OPENED_SINCE, since)).fetchone()
            many = counted is not None and counted[0] >= found["per_day"]
        until = running[1] if running else now + timedelta(hours=found["hours"])
        if not refused and not many and running is None:
            await _opened(conn, visit, cid, mode, reason, now, until)
    if many:
        await visit.refused("emergency", "too-many-emergencies")
        raise TooManyEmergencies
    if refused:
        await visit.refused("emergency", refused, [cid])
        raise errors.NotFound
    return Opened(door.ids.encode(cid, cid), until)


def modes() -> dict[str, Any]:
    """The two modes."""
    found: dict[str, Any] = reach.table("emergency")["modes"]
    return found


async def _refused(
    conn: AsyncConnection[Any], visit: Visit, cid: int, mode: str, now: datetime
) -> str:
    """Why not, for the trace alone; empty when it may."""
    found = modes()[mode]
    rpps = visit.actor.rpps
    assert rpps is not None
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(statements.MODES_REFUSED, (cid,))
        record = await cur.fetchone()
    setting = await (await conn.execute(statements.SETTING, (visit.actor.org,))).fetchone()
    blocked = await queries.blocked(conn, cid, rpps, now)
    known = await queries.identity(conn, cid)
    if record is None or record["state"] != "open" or known is None or known.quarantined:
        return "emergency-not-open"
    if blocked:
        return "emergency-blocked"
    if record[found["refusal"]]:
        return "emergency-refused-by-patient"
    if found["settings"] and (setting is None or setting[0] not in found["settings"]):
        return "emergency-not-a-regulation-centre"
    return ""


async def _opened(
    conn: AsyncConnection[Any],
    visit: Visit,
    cid: int,
    mode: str,
    reason: str,
    now: datetime,
    until: datetime,
) -> None:
    """The opening, who is told, and the trace: all or nothing."""
    door, actor = visit.door, visit.actor
    line = {
        "id": door.ids.new(), "cid": cid, "rpps": actor.rpps, "org": actor.org, "mode": mode,
        "reason": reason, "since": now, "until": until,
    }  # fmt: skip
    await conn.execute(statements.ADD_EMERGENCY, line)
    await notices.send(door, conn, cid, "emergency")
    treating = await conn.execute(statements.TREATING, {"cid": cid, "now": now})
    for (rpps,) in await treating.fetchall():
        if rpps != actor.rpps:
            await notices.send(door, conn, cid, "emergency-treating", rpps=rpps)
    await audit.write(conn, visit.trace("emergency", RULE), granted=True, cids=[cid])


async def end(visit: Visit, patient: str) -> int:
    """The professional ends their openings of a record before their term; returns how many."""
    actor, door = visit.actor, visit.door
    place = door.ids.decode(patient)
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps is None or place is None:
        raise errors.NotFound
    cid, now = place[0], door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [cid])
        values = {"cid": cid, "rpps": actor.rpps, "now": now}
        done = (await conn.execute(statements.END_EMERGENCY, values)).rowcount
        if done:
            trace = visit.trace("end-emergency", RULE)
            await audit.write(conn, trace, granted=True, cids=[cid])
    if not done:
        raise errors.NotFound
    return done
