# SPDX-License-Identifier: EUPL-1.2
"""A helper's session: somebody who helps at a public desk acts for the person present, for a while.

The person is there with their card, says yes, and what may be seen: never the whole record. It lasts two
hours at most, ends with a button, and leaves a receipt of what was done, taken from the audit.
Source: CASF L.113-1 does not cover it; the mandate is that of Aidants Connect (arrêté du 9 May 2022):
reach and length are the project's own, unverified, 2026-11-22.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from carnet import errors
from carnet.access import audit
from carnet.access import queries as access
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.door.decide import REPRESENTING
from carnet.rights import mandate
from carnet.rights.acting import queries
from carnet.rights.mandate import Acting, Traits, WrongReach
from carnet.rights.readers import ACTS, OTHERWISE, title_of

HOW: Final = frozenset(("oral", "written"))
REACHES: Final = ("care", "management")
LONGEST: Final = timedelta(hours=2)


class NotAHelper(errors.Forbidden):
    """Only a helper begins a session, with the person present."""


class WrongHow(errors.Invalid):
    """The person present agrees aloud or in writing."""


@dataclass(frozen=True, slots=True)
class Did:
    """One thing done in a session."""

    at: datetime
    what: str  # in plain French
    titles: tuple[str, ...]  # of the documents, as far as the reader may see them
    refused: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done in a session, for the person to take away."""

    id: str
    patient: str
    person: str
    helper: str
    reach: str
    how: str
    since: datetime
    until: datetime  # it ended, or will end
    over: bool
    done: tuple[Did, ...]


async def begin(visit: Visit, person: Traits, how: str, reach: str) -> Acting:
    """Open a session on the record of the person present; one that was open ends.

    person: as their card says it. how: oral or written. reach: care or management.
    """
    actor, door = visit.actor, visit.door
    if actor.kind is not ActorKind.HELPER:
        raise NotAHelper
    if how not in HOW:
        raise WrongHow
    if reach not in REACHES:
        raise WrongReach
    cid = await mandate.bearer(visit, person)
    for one in await mandate.acting(visit):
        await mandate.revoke(visit, one.id)
    until = door.clock() + min(timedelta(minutes=door.settings.helper_minutes), LONGEST)
    async with door.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [cid])
        number = await mandate.write(
            visit, conn, cid, actor.sub, "helper", reach, how, actor.sub, "", until
        )
    id = door.ids.encode(cid, number)
    return next(one for one in await mandate.acting(visit) if one.id == id)


async def end(visit: Visit, id: str) -> Receipt:
    """End a session with its receipt, read while the helper may still read the titles."""
    told = await receipt(visit, id)
    if told.over:
        return told
    await mandate.revoke(visit, id)
    return replace(told, until=visit.door.clock(), over=True)


async def sessions(visit: Visit, patient: str = "") -> list[queries.Session]:
    """Sessions of this helper, or those held on a record, for its person; newest first."""
    async with visit.door.pool.connection() as conn:
        if visit.actor.kind is ActorKind.HELPER:
            return await queries.sessions(conn, sub=visit.actor.sub)
        cid = mandate.compartment(visit, patient)
        natures = {one.nature for one in await mandate.held(visit, cid)}
        if not natures & (REPRESENTING | {"self"}):
            raise errors.NotFound
        return await queries.sessions(conn, cid=cid)


async def receipt(visit: Visit, id: str) -> Receipt:
    """What was done in a session: for its helper, and for the person and who represents them."""
    door, now = visit.door, visit.door.clock()
    place = door.ids.decode(id)
    if place is None:
        raise errors.NotFound
    cid, number = place
    patient = door.ids.encode(cid, cid)
    found = [one for one in await sessions(visit, patient) if (one.cid, one.id) == (cid, number)]
    if not found:
        raise errors.NotFound
    (one,) = found
    ended = min(one.until, one.ended or one.until)
    async with door.pool.connection() as conn:
        every = (await access.sets(conn, [cid])).get(cid, (cid,))
        lines = await queries.deeds(
            conn,
            {"cids": list(every), "sub": one.sub, "since": one.since, "until": min(ended, now)},
        )
    wanted = sorted({rid for line in lines for rid in line.rids})
    seen = {}
    if wanted:
        seen = {stored.rid: stored for stored in await visit.named(cid, wanted, "receipt")}
    else:
        async with door.pool.connection() as conn:
            await audit.write(conn, visit.trace("receipt", "receipt"), granted=True, cids=[cid])
    done = []
    for line in lines:
        if line.act in ("receipt", "mandate"):
            continue
        documents = [seen[rid] for rid in line.rids if rid in seen]
        titles = [title_of(each) for each in documents if each.rtype == "DocumentReference"]
        said = ACTS.get(line.act, OTHERWISE)
        done.append(Did(line.at, said, tuple(dict.fromkeys(titles)), not line.granted))
    return Receipt(
        id=id,
        patient=patient,
        person=one.person,
        helper=one.holder,
        reach=one.reach,
        how=one.how,
        since=one.since,
        until=ended,
        over=ended <= now,
        done=tuple(done),
    )
