# SPDX-License-Identifier: EUPL-1.2
"""Declare a consent the patient gave, with how it was had.

A member of the patient's care team declares the team's initial consent; anyone else, a consent for one
visit. A blocked professional declares nothing: to them the record is absent.
Source: CSP L.1110-4, L.1111-17; Conseil d'État, 15 October 2025, no 490409.
"""

from __future__ import annotations

from datetime import timedelta

from carnet import errors
from carnet.access import audit, handles, queries
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.rights.queries import WITHDRAW

HOW = frozenset(("oral", "written", "remote"))


class WrongHow(errors.Invalid):
    """A consent was had orally, in writing or at a distance."""


class NotForYou(errors.Forbidden):
    """Only a professional declares a consent."""


class NotYours(errors.NotFound):
    """Only the patient withdraws a consent."""


async def declare(visit: Visit, handle: str, how: str) -> str:
    """Write the consent and its trace in one transaction; returns the patient's id.

    A team that already has its consent needs no other one.
    handle: from a search for the person. how: oral, written or remote.
    """
    actor, door = visit.actor, visit.door
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps is None:
        raise NotForYou
    if how not in HOW:
        raise WrongHow
    cid = handles.read(visit, handle)
    now = door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        known = await queries.open_records(conn, [cid])
        refused = not known or await queries.blocked(conn, cid, actor.rpps, now)
        if not refused:
            teams = await queries.teams_of(conn, cid, actor.rpps, now)
            held = await queries.links(conn, actor.rpps, [cid], now, 1)
        if not refused and not (teams and any(link.in_team for link in held)):
            await visit.rights_of(conn, [cid])
            until = None if teams else now + timedelta(hours=door.settings.visit_hours)
            await conn.execute(
                queries.ADD_CONSENT,
                {
                    "id": door.ids.new(),
                    "cid": cid,
                    "team": teams[0] if teams else None,
                    "rpps": None if teams else actor.rpps,
                    "how": how,
                    "declared_by": actor.sub,
                    "since": now,
                    "until": until,
                },
            )
            rule = "team-consent-declared" if teams else "visit-consent-declared"
            await audit.write(conn, visit.trace("consent", rule), granted=True, cids=[cid])
    if refused:
        await visit.refused("consent", "record-closed-or-blocked", [cid])
        raise errors.NotFound
    return door.ids.encode(cid, cid)


async def withdraw(visit: Visit, rpps: int) -> int:
    """The patient withdraws what a professional reads by; returns how many consents ended.

    A consent is a team's or a visit's: ending that of a professional's team ends it for all of the team.
    Source: CSP L.1110-4, L.1111-19: at any time, without giving a reason.
    """
    actor, door = visit.actor, visit.door
    if actor.kind is not ActorKind.PATIENT or actor.patient is None:
        raise NotYours
    values = {"cid": actor.patient, "rpps": rpps, "now": door.clock()}
    async with door.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [actor.patient])
        done = await conn.execute(WITHDRAW, values)
        trace = visit.trace("withdraw", "consent-withdrawn")
        await audit.write(conn, trace, granted=True, cids=[actor.patient])
    return done.rowcount
