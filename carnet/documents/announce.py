# SPDX-License-Identifier: EUPL-1.2
"""What the patient does not see before it is announced: put off, announced, told, visible at a month.

INVISIBLE_PATIENT comes with the deposit, or from the author afterwards. The announcement consultation
lifts it. After two weeks without it the patient is told that their record was updated and invited to see
a professional, without a word of what; after one month the platform lifts it. The month runs from the
first row of a chain that bore the label: a new version does not begin it again.
Source: CSP R.1111-53.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Any

from carnet import errors
from carnet.access import audit, notices, queries
from carnet.access.actor import ActorKind
from carnet.access.door import Door, Held, Unit, Visit, commit, platform
from carnet.access.labels import Label
from carnet.documents import queries as own
from carnet.documents.hide import change, deposited, may_keep, relabel

TOLD_AFTER = timedelta(days=14)
JOB = "announcements"


class NotAuthor(errors.Forbidden):
    """Only the professional who deposited a document, or one of that place, puts its announcement off; a
    software says so in what it deposits (securityLabel INVISIBLE_PATIENT)."""


class NotAnnouncer(errors.Forbidden):
    """A professional who deposited a document, or of that place, or the médecin traitant, says that it was
    announced."""


class Announced(errors.Conflict):
    """This document was made visible to the patient already."""


async def announce_later(visit: Visit, document: str) -> None:
    """Hide a document from its patient until its announcement, a month at most; by its author.

    Once visible, by an announcement or by time, it is not hidden again.
    """
    await change(
        visit, document, "announce-later", by_author, add=Label.INVISIBLE_PATIENT, then=first_time
    )


async def announced(visit: Visit, document: str) -> None:
    """The announcement consultation took place: the patient sees the document from now on."""
    await change(
        visit,
        document,
        "announced",
        by_announcer,
        remove=Label.INVISIBLE_PATIENT,
        then=took_place,
    )


async def later_operation(visit: Visit, id: str) -> dict[str, Any] | None:
    """POST DocumentReference/{id}/$announce-later, by who deposited it: 204."""
    await announce_later(visit, id)
    return None


async def announced_operation(visit: Visit, id: str) -> dict[str, Any] | None:
    """POST DocumentReference/{id}/$announced, by who deposited it or the médecin traitant: 204."""
    await announced(visit, id)
    return None


async def may(visit: Visit, document: str) -> frozenset[str]:
    """Which of these acts this caller may do on a document they see, so that a page offers no other.

    announce-later, announced, keep (from representatives), give-back. Untraced: it releases nothing.
    """
    async with visit.door.pool.connection() as conn, conn.transaction():
        unit = Unit(visit, conn, visit.door.clock())
        held = await unit.held("DocumentReference", document, lock=False)
        found = set(await may_keep(unit, held))
        if held.labels & Label.INVISIBLE_PATIENT:
            if visit.actor.kind is ActorKind.PROFESSIONAL and await _announces(unit, held):
                found.add("announced")
        elif deposited(unit, held):
            await unit.allow(held.cid)
            if not await own.announced_before(conn, held.cid, [held.rid]):
                found.add("announce-later")
    return frozenset(found)


async def by_author(unit: Unit, held: Held) -> str:
    if not deposited(unit, held):
        raise NotAuthor
    return "announcement-awaited"


async def by_announcer(unit: Unit, held: Held) -> str:
    rule = await _announces(unit, held)
    if not rule:
        raise NotAnnouncer
    return rule


async def _announces(unit: Unit, held: Held) -> str:
    """By what this caller says that a document was announced; "" when by nothing."""
    actor = unit.visit.actor
    if deposited(unit, held):
        return "announced-by-author"
    if actor.kind is ActorKind.PROFESSIONAL and actor.rpps is not None:
        links = await queries.links(unit.conn, actor.rpps, [held.cid], unit.at, 1)
        if any(link.treating for link in links):
            return "announced-by-treating-doctor"
    return ""


async def first_time(unit: Unit, cid: int, rids: list[int]) -> None:
    await unit.allow(cid)
    if await own.announced_before(unit.conn, cid, rids):
        raise Announced


async def took_place(unit: Unit, cid: int, rids: list[int]) -> None:
    await _end(unit, cid, rids, "consultation")


async def _end(unit: Unit, cid: int, rids: list[int], how: str) -> None:
    await unit.allow(cid)
    values = {"cid": cid, "rids": rids, "now": unit.at, "how": how}
    await unit.conn.execute(own.END_ANNOUNCEMENT, values)


# ------------------------------------------------------------------------------------- the timers


async def tell(door: Door) -> int:
    """Tell the patients whose two weeks have passed, once each; how many documents it was for."""
    now = door.clock()
    visit = platform.visit(door, JOB)
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        due = await own.to_tell(conn, now - TOLD_AFTER)
        for person, theirs in groupby(due, key=lambda one: one.person):
            key = f"see-a-professional:{person}:{now.date()}"  # one a day, however many records
            for place, (cid, group) in enumerate(groupby(theirs, key=lambda one: one.cid)):
                if not place:
                    await notices.send(door, conn, cid, "see-a-professional", key=key)
                rids = [one.rid for one in group]
                await conn.execute(own.TOLD, {"cid": cid, "rids": rids, "now": now})
                # It names no row: the patient reads this line, and not what it is about.
                trace = visit.trace("announcement-told", "two-weeks")
                await audit.write(conn, trace, granted=True, cids=[cid])
    return len(due)


async def lift(door: Door) -> int:
    """Make visible what was put off a month ago; how many documents."""
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        due = await own.to_end(conn, door.clock())
    for one in due:

        async def work(unit: Unit, one: own.Awaited = one) -> None:
            await unit.allow(one.cid)
            rids = await relabel(
                unit, one.cid, one.rid, "one-month", add=Label.NONE, remove=Label.INVISIBLE_PATIENT
            )
            unit.rule = "one-month"
            await _end(unit, one.cid, rids or [one.rid], "month")

        await commit(platform.visit(door, JOB), work, "announcement-due")
    return len(due)
