# SPDX-License-Identifier: EUPL-1.2
"""Every emergency opening is looked at, by the treating doctor or by the data-protection officer.

The officer (an operator) sees who opened and why, never whose record it is nor what is in it. The patient
sees the openings of their own record, with the verdict; so do their legal representatives, but for those
made in a minor's secret connection. A treating doctor whom the person blocked, or whose patient's record is
shut, has nothing to review: the officer has it.
Source: CSP R.1111-48, R.1111-50; CNIL's remarks on the first trials; docs/decisions/0020.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from carnet import errors
from carnet.access import audit, queries, reach
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.door.decide import REPRESENTING
from carnet.rights import statements

VERDICTS = ("justified", "unjustified")


class NotReviewer(errors.NotFound):
    """Openings are reviewed by the treating doctor or by the data-protection officer."""


class WrongVerdict(errors.Invalid):
    """A verdict is justified or unjustified, with one of the comments of the list."""


class Reviewed(errors.Conflict):
    """This opening was reviewed already."""


@dataclass(frozen=True, slots=True)
class Line:
    """One opening."""

    id: int
    who: str
    profession: str  # French label
    place: str
    mode: str  # codes of access/emergency.toml
    reason: str
    since: datetime
    until: datetime  # when it ends, or was ended
    running: bool
    overdue: bool  # it should have been reviewed
    verdict: str  # "" when not reviewed
    patient: str  # name, for the treating doctor alone
    secret: bool = False  # nothing of it is said to the representatives of a minor


async def queue(visit: Visit) -> list[Line]:
    """What is to be reviewed, the oldest first, then what was."""
    actor = visit.actor
    async with visit.door.pool.connection() as conn, conn.transaction():
        if actor.kind is ActorKind.OPERATOR:
            found = await _lines(conn, visit, statements.UNREVIEWED, {})
        elif actor.kind is ActorKind.PROFESSIONAL and actor.rpps is not None:
            values = {"rpps": actor.rpps, "now": visit.door.clock()}
            found = await _lines(conn, visit, statements.OF_TREATED, values, named=True)
        else:
            raise NotReviewer
        await audit.write(conn, visit.trace("reviews", "emergency-reviews"), granted=True)
    return found


async def of_record(visit: Visit, patient: str = "") -> list[Line]:
    """The openings of a record, newest first, for the top of the page of readers.

    patient: id of whom the visitor represents, "" for their own record; nobody else is told of any.
    """
    actor, door = visit.actor, visit.door
    cid = actor.patient
    if patient:
        place = door.ids.decode(patient)
        cid = place[0] if place is not None and place[0] == place[1] else None
    if actor.kind is not ActorKind.PATIENT or cid is None:
        return []
    async with door.pool.connection() as conn:
        held = await queries.held(conn, actor.sub, actor.patient, [cid], door.clock(), 100)
        own = any(one.nature == "self" for one in held)
        stands = any(one.nature in REPRESENTING and one.reach == "all" for one in held)
        if not own and (actor.secret or not stands):
            return []
        values: dict[str, object] = {"cids": sorted({one.cid for one in held}), "own": own}
        found = await _lines(conn, visit, statements.OF_RECORD, values)
    return sorted(found, key=lambda line: line.since, reverse=True)


async def _lines(
    conn: AsyncConnection[Any],
    visit: Visit,
    which: LiteralString,
    values: dict[str, object],
    *,
    named: bool = False,
) -> list[Line]:
    now = visit.door.clock()
    late = timedelta(days=reach.table("emergency")["review"]["days"])
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(statements.EMERGENCIES.replace("{which}", which).encode(), values)
        rows = await cur.fetchall()
    names = {}
    if named:
        for cid in {row["cid"] for row in rows}:
            identity = await queries.identity(conn, cid)
            names[cid] = identity.shown_name if identity else ""
    return [
        Line(
            id=row["id"],
            who=row["name"] or "",
            profession=visit.door.matrix.label(row["profession"] or ""),
            place=row["place"] or "",
            mode=row["mode"],
            reason=row["reason"],
            since=row["since"],
            until=row["until"],
            running=row["until"] > now,
            overdue=row["reviewed"] is None and row["since"] + late < now,
            verdict=row["verdict"] or "",
            patient=names.get(row["cid"], ""),
            secret=row["secret"],
        )
        for row in rows
    ]


async def review(visit: Visit, number: int, verdict: str, comment: str) -> None:
    """Say whether an opening was justified; once, and never one's own."""
    actor, door = visit.actor, visit.door
    if verdict not in VERDICTS or comment not in reach.table("emergency")["comments"]:
        raise WrongVerdict
    now = door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        row = await (await conn.execute(statements.ONE, (number,))).fetchone()
        if row is None or not await _may(conn, visit, row[0], row[1], now):
            raise NotReviewer
        if row[2]:  # what was opened in secret is reviewed in secret
            visit = replace(visit, actor=replace(actor, secret=True))
        await visit.rights_of(conn, [row[0]])
        values = {
            "id": number, "now": now, "by": actor.sub, "verdict": verdict, "comment": comment,
        }  # fmt: skip
        if (await conn.execute(statements.REVIEW, values)).rowcount != 1:
            raise Reviewed
        trace = visit.trace("review", f"emergency-{verdict}")
        await audit.write(conn, trace, granted=True, cids=[row[0]])


async def _may(
    conn: AsyncConnection[Any], visit: Visit, cid: int, rpps: int, now: datetime
) -> bool:
    actor = visit.actor
    if actor.kind is ActorKind.OPERATOR:
        return True
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps in (None, rpps):
        return False
    treating = await conn.execute(statements.TREATING, {"cid": cid, "now": now})
    return actor.rpps in {each for (each,) in await treating.fetchall()}
