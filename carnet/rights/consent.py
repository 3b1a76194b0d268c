# SPDX-License-Identifier: EUPL-1.2
"""Consents: declared by the professional who asked, read and withdrawn by the patient at any time.

A member of the patient's care team declares the team's initial consent, asked before its first access;
anyone else, a consent for one visit, which ends by itself. A blocked professional declares nothing: to
them the record is absent. Rows are never deleted: each has its beginning and its end.
Source: CSP L.1110-4, L.1111-17, L.1111-19; Conseil d'État, 15 October 2025, no 490409.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection, AsyncCursor

from carnet import errors
from carnet.access import audit, handles, notices, queries, reach
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.together import together
from carnet.identity.traits import majority
from carnet.rights import queries as rights
from carnet.rights.holder import Hold, NotYours, holding, in_the_open, quietly
from carnet.rights.pages import Chosen, Given, Professional, Refused, Rights
from carnet.rights.professionals import told, treating
from carnet.rights.queries import END_CONSENT, WITHDRAW, Member

HOW = frozenset(("oral", "written", "remote"))
MOST = 100_000  # consents of one record

__all__ = ["HOW", "NotForYou", "NotYours", "WrongHow", "all_of", "declare", "end", "withdraw"]


class WrongHow(errors.Invalid):
    """A consent was had orally, in writing or at a distance."""


class NotForYou(errors.Forbidden):
    """Only a professional declares a consent."""


async def declare(visit: Visit, handle: str, how: str) -> str:
    """Write the consent and its trace in one transaction; returns the patient's id.

    A team that already has its consent needs no other one.
    handle: from a search for the person. how: oral, written or remote.
    """
    door = visit.door
    check(visit, how)
    cid = handles.read(visit, handle)
    async with door.pool.connection() as conn, conn.transaction():
        done = await declared(visit, conn, cid, how)
    if not done:
        await visit.refused("consent", "record-closed-or-blocked", [cid])
        raise errors.NotFound
    return door.ids.encode(cid, cid)


def check(visit: Visit, how: str) -> None:
    """Refuse who declares no consent, and a consent that says not how it was had."""
    actor = visit.actor
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps is None:
        raise NotForYou
    if how not in HOW:
        raise WrongHow


async def declared(
    visit: Visit, conn: AsyncConnection[Any], cid: int, how: str
) -> tuple[int, int] | None:
    """The consent by which this professional reads, added when there was none; None when refused.

    Its compartment and number: a team's consent is written where the team is.
    """
    actor, door = visit.actor, visit.door
    assert actor.rpps is not None
    now = door.clock()
    known = await queries.open_records(conn, [cid])
    if not known or await queries.blocked(conn, cid, actor.rpps, now):
        return None
    teams = await queries.teams_of(conn, cid, actor.rpps, now)
    held = await queries.links(conn, actor.rpps, [cid], now, 1)
    if teams and any(link.in_team for link in held):
        found = {team for team, _ in teams}
        given = await rights.consents(conn, sorted({whose for _, whose in teams}), MOST)
        return next((one.cid, one.id) for one in given if one.team in found and one.live(now))
    await together(visit, conn, cid)
    person = await queries.identity(conn, cid) if actor.secret else None
    quiet = (
        person is not None and majority(person.birth_date) > now
    )  # an adult is told, whatever is said
    id, whose = door.ids.new(), teams[0][1] if teams else cid
    values = {
        "id": id,
        "cid": whose,
        "team": teams[0][0] if teams else None,
        "rpps": None if teams else actor.rpps,
        "how": how,
        "declared_by": actor.sub,
        "since": now,
        "until": None if teams else now + timedelta(hours=door.settings.visit_hours),
        "secret": quiet,
    }
    await conn.execute(queries.ADD_CONSENT, values)
    if not quiet:  # a minor's post is read by others
        await notices.send(door, conn, cid, "access-changed")
    rule = "team-consent-declared" if teams else "visit-consent-declared"
    trace = quietly(visit, secret=quiet).trace("consent", rule)
    await audit.write(conn, trace, granted=True, cids=[cid])
    return whose, id


async def withdraw(visit: Visit, rpps: int, patient: str = "") -> int:
    """The patient withdraws what a professional reads by; returns how many consents ended.

    A consent is a team's or a visit's: ending that of a professional's team ends it for all of the team.
    Source: CSP L.1110-4, L.1111-19: at any time, without giving a reason.
    """
    async with holding(visit, patient, "withdraw", "consent-withdrawn") as hold:
        values = {"rpps": rpps, **_over(visit, hold)}
        return await _ended(visit, hold, await hold.conn.execute(WITHDRAW, values))


async def end(visit: Visit, consent: str, patient: str = "") -> bool:
    """The patient withdraws one consent, by its id; whether it was in force."""
    place = visit.door.ids.decode(consent)
    async with holding(visit, patient, "withdraw", "consent-withdrawn") as hold:
        if place is None or place[0] not in hold.cids:
            raise NotYours
        values = {"id": place[1], **_over(visit, hold)}
        return bool(await _ended(visit, hold, await hold.conn.execute(END_CONSENT, values)))


def _over(visit: Visit, hold: Hold) -> dict[str, object]:
    own = visit.actor.patient in hold.cids
    return {"cids": list(hold.cids), "now": hold.now, "own": own}


async def _ended(visit: Visit, hold: Hold, done: AsyncCursor[Any]) -> int:
    """How many ended. What representatives read ends in the open, and what they do not without a trace."""
    secret = [row[0] for row in await done.fetchall()]
    if not all(secret):
        in_the_open(visit)
    hold.quiet = bool(secret) and all(secret)
    return len(secret)


async def all_of(visit: Visit, patient: str = "") -> Rights:
    """All the patient decided of who reads: consents in force and past, blocks, trust, refusals."""
    async with holding(visit, patient, "rights", "holder-reads-rights") as hold:
        conn, cids, now = hold.conn, hold.cids, hold.now
        own = cids if visit.actor.patient in cids else ()  # what a minor said in secret is theirs
        given = await rights.consents(conn, cids, MOST, own=own)
        members = await rights.members(conn, cids)
        blocked = await rights.blocks(conn, cids, now)
        trusted = await rights.trusts(conn, cids, now)
        refused = await rights.refused(conn, cids)
        numbers = {one.rpps for one in members} | {one.rpps for one in (*blocked, *trusted)}
        names = await rights.names(conn, numbers | {one.rpps for one in given if one.rpps})
    shut = {one.rpps for one in blocked}
    doctors = treating(members, now)
    labels = visit.door.matrix.labels

    def who(rpps: int) -> Professional:
        one = told(labels, rpps, names, doctors)
        return Professional(
            one.rpps, one.name, one.profession, one.place, one.treating, blocked=rpps in shut
        )

    return Rights(
        tuple(
            Given(
                id=visit.door.ids.encode(one.cid, one.id),
                team=one.team_name or "",
                members=tuple(map(who, opened_to(one, members, now))),
                how=one.how,
                declared_by=one.declared_name or "",
                since=one.since,
                until=one.until,
                withdrawn=one.withdrawn,
                live=one.live(now),
            )
            for one in given
        ),
        tuple(Chosen(who(one.rpps), one.since) for one in blocked),
        tuple(Chosen(who(one.rpps), one.since) for one in trusted),
        tuple(_refused(refused)),
    )


def opened_to(consent: rights.Consent, members: Sequence[Member], now: datetime) -> list[int]:
    """RPPS of those a consent opens the record to; of a past one, those of its last moment."""
    if consent.rpps is not None:
        return [consent.rpps]
    ends = (consent.withdrawn, consent.until, now)
    at = min(end for end in ends if end is not None)
    return [
        one.rpps
        for one in members
        if one.team == consent.team and one.since <= at and (one.until is None or at < one.until)
    ]


def _refused(found: Mapping[str, tuple[bool, datetime | None]]) -> list[Refused]:
    return [
        Refused(mode, said["label"], said["text"], said["hours"], *found.get(mode, (False, None)))
        for mode, said in reach.table("emergency")["modes"].items()
    ]
