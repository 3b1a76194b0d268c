# SPDX-License-Identifier: EUPL-1.2
"""Mandates: the person of a record lets somebody act for them, as far as a reach goes, until a day.

By themselves they give a code to whom they chose, who takes it in their own account; nobody learns who has
an account. On paper, a professional of theirs or the operator declares it with the signed form's reference.
A mandate ends at its date, or at once when either of the two ends it.
Source: CSP L.1111-13-1, R.1111-26 and following; Code civil, articles 1984 and following.
"""

from __future__ import annotations

from base64 import b32encode
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import audit, notices, queries, reach, stepup
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.door.decide import REPRESENTING
from carnet.access.together import together
from carnet.identity.ins import InsSystem
from carnet.identity.traits import majority, normal
from carnet.rights.acting import queries as own
from carnet.rights.acting.queries import Mandated

CODE_LASTS: Final = timedelta(days=7)
LONGEST: Final = timedelta(days=3 * 366)  # of a mandate; then it is given again
ACTS_FOR: Final = frozenset((ActorKind.PATIENT, ActorKind.HELPER))


class NotTheirs(errors.NotFound):
    """Only the person of the record, or who represents them, gives or ends a mandate."""


class WrongReach(errors.Invalid):
    """A mandate reaches the whole record, the follow-up of care, or administrative documents."""


class WrongEnd(errors.Invalid):
    """A mandate ends on a day to come, three years from now at most."""


class WrongCode(errors.NotFound):
    """This code is unknown, was used, or is over."""


class NotOneself(errors.BusinessRule):
    """Nobody holds a mandate on their own record, and nobody takes the code they gave."""


class NotAnAdult(errors.BusinessRule):
    """A minor's representatives give mandates for them."""


class NobodyAnswers(errors.NotFound):
    """Nobody answers to this number, name and birth date, or they have no account here."""


class NotForYou(errors.Forbidden):
    """A signed form is declared by a professional of the person's care, or by the operator."""


class NoForm(errors.Invalid):
    """A mandate on paper is declared with the reference of the signed form."""


@dataclass(frozen=True, slots=True)
class Acting:
    """A record somebody acts for, or somebody who acts for one: the same line, seen from both ends."""

    id: str  # of the mandate
    patient: str  # id of the person's Patient
    person: str
    birth_date: date
    sex: str
    holder: str  # name of who acts
    nature: str  # representative, guardian, carer, helper
    reach: str
    how: str
    form: str
    since: datetime
    until: datetime | None

    @property
    def represents(self) -> bool:
        """Whether they hold the person's own rights, and not an errand."""
        return self.nature in REPRESENTING


@dataclass(frozen=True, slots=True)
class Offer:
    """A code to tell whom one chose; it is shown once."""

    code: str  # ten characters, in two groups
    ends: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Traits:
    """Who somebody is, from the card they hold: all of it has to be right."""

    ins: str
    name: str
    birth_date: date | None


# -------------------------------------------------------------------------------------- who acts


async def acting(visit: Visit) -> list[Acting]:
    """Those this actor acts for now, oldest mandate first."""
    if visit.actor.kind not in ACTS_FOR or visit.actor.secret:
        return []
    async with visit.door.pool.connection() as conn:
        rows = await own.mandates(conn, visit.door.clock(), sub=visit.actor.sub)
    return [line(visit, row) for row in rows]


async def place(visit: Visit, patient: str) -> Acting:
    """By what this actor opens a record that is not theirs; NotFound, and traced, when by nothing."""
    cid = compartment(visit, patient)
    async with visit.door.pool.connection() as conn:
        every = (await queries.sets(conn, [cid])).get(cid, (cid,))
    ids = {visit.door.ids.encode(each, each) for each in every}
    found = [one for one in await acting(visit) if one.patient in ids]
    if not found:
        await visit.refused("read", "no-mandate", [cid])
        raise errors.NotFound
    return max(found, key=lambda one: (one.represents, list(reach.table("mandates")["reach"])
               .index(one.reach) * -1))  # fmt: skip


async def mandated(visit: Visit, patient: str = "") -> list[Acting]:
    """Who acts for the person of a record: told to them, their representatives, and to who treats them.

    patient: id of a Patient, or "" for one's own record.
    """
    cid = compartment(visit, patient)
    async with visit.door.pool.connection() as conn:
        decision = await visit.door.decide(conn, visit.actor, [cid])
        treats = visit.actor.kind is ActorKind.PROFESSIONAL and decision.granted
        theirs = cid in decision.own or decision.rule == "representative"
        if not (treats or (theirs and decision.granted)):
            raise NotTheirs
        rows = await own.mandates(conn, visit.door.clock(), cid=cid)
    return [line(visit, row) for row in rows]


async def held(visit: Visit, cid: int) -> list[queries.Held]:
    """By what the actor holds a record, as the door knows it."""
    actor = visit.actor
    if actor.kind not in ACTS_FOR:
        return []
    async with visit.door.pool.connection() as conn:
        return await queries.held(conn, actor.sub, actor.patient, [cid], visit.door.clock(), 100)


def compartment(visit: Visit, patient: str) -> int:
    """The record of a Patient's id; "" is the actor's own."""
    if not patient and visit.actor.patient is not None:
        return visit.actor.patient
    place = visit.door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise errors.NotFound
    return place[0]


def line(visit: Visit, row: Mandated) -> Acting:
    """A row, as the pages take it."""
    encode = visit.door.ids.encode
    return Acting(
        id=encode(row.cid, row.id),
        patient=encode(row.cid, row.cid),
        person=row.person,
        birth_date=row.birth_date,
        sex=row.sex,
        holder=row.holder,
        nature=row.nature,
        reach=row.reach,
        how=row.how,
        form=row.form,
        since=row.since,
        until=row.until,
    )


# ------------------------------------------------------------------------------------ given by oneself


async def offer(visit: Visit, reach_: str, until: datetime, *, patient: str = "") -> Offer:
    """The person of a record, or who represents them, makes a mandate for whom they will tell the code.

    reach_: of access/mandates.toml. until: the mandate's end.
    """
    stepup.fresh(visit.actor, visit.door.clock())
    cid = compartment(visit, patient)
    now = visit.door.clock()
    natures = {one.nature for one in await held(visit, cid)}
    if not natures & (REPRESENTING | {"self"}) or visit.actor.secret:
        raise NotTheirs
    if reach_ not in reach.table("mandates")["reach"]:
        raise WrongReach
    if not now < until <= now + LONGEST:
        raise WrongEnd
    if "self" in natures:
        async with visit.door.pool.connection() as conn:
            known = await queries.identity(conn, cid)
        if known is not None and majority(known.birth_date) > now:
            raise NotAnAdult
    return await offering(visit, cid, "carer", reach_, until)


async def offering(
    visit: Visit, cid: int, nature: str, reach_: str, until: datetime | None
) -> Offer:
    """Write an offer that was decided on; its code is kept as a keyed hash."""
    door, now = visit.door, visit.door.clock()
    plain = b32encode(door.random(7)).decode()[:10]
    ends = now + CODE_LASTS
    async with door.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [cid])
        await conn.execute(
            own.ADD_OFFER,
            {
                "code": _hashed(visit, plain),
                "cid": cid,
                "nature": nature,
                "reach": reach_,
                "until": until,
                "made_by": visit.actor.sub,
                "made": now,
                "ends": ends,
            },
        )
        await audit.write(conn, visit.trace("mandate", "code-given"), granted=True, cids=[cid])
    return Offer(f"{plain[:5]} {plain[5:]}", ends, until)


async def accept(visit: Visit, code: str) -> Acting:
    """Take the mandate of a code; it is used once, and not by who gave it."""
    stepup.fresh(visit.actor, visit.door.clock())
    actor, door, now = visit.actor, visit.door, visit.door.clock()
    if actor.kind is not ActorKind.PATIENT or actor.secret:
        raise WrongCode
    hashed = _hashed(visit, code)
    async with door.pool.connection() as conn, conn.transaction():
        found = await own.offered(conn, hashed, now)
        if found is None:
            raise WrongCode
        every = (await queries.sets(conn, [found.cid])).get(found.cid, (found.cid,))
        if actor.patient in every or actor.sub == found.made_by:
            raise NotOneself
        await visit.rights_of(conn, [found.cid])
        taken = await conn.execute(own.TAKE, {"code": hashed, "now": now})
        if not taken.rowcount:
            raise WrongCode
        how = "shared" if found.nature == "representative" else "electronic"
        number = await write(
            visit, conn, found.cid, actor.sub, found.nature, found.reach, how, found.made_by, "",
            found.until,
        )  # fmt: skip
    return next(one for one in await acting(visit) if one.id == door.ids.encode(found.cid, number))


def _hashed(visit: Visit, code: str) -> bytes:
    kept = "".join(code.split()).upper()
    return visit.door.hasher.long(b"mandate|" + kept.encode("utf-8", "replace"))


# --------------------------------------------------------------------------------------- on paper


async def declare(
    visit: Visit, patient: str, carer: Traits, reach_: str, until: datetime, form: str
) -> str:
    """A professional of the person's care, or the operator, declares a signed form; the mandate's id.

    carer: who is to act, as their own card says it. form: reference of the signed form, which is kept.
    """
    stepup.fresh(visit.actor, visit.door.clock())
    actor, door, now = visit.actor, visit.door, visit.door.clock()
    cid = compartment(visit, patient)
    if actor.kind is ActorKind.PROFESSIONAL and actor.rpps is not None:
        async with door.pool.connection() as conn:
            links = await queries.links(conn, actor.rpps, [cid], now, 1)
        if not links or links[0].emergency:
            await visit.refused("mandate", "no-live-link", [cid])
            raise errors.NotFound
    elif actor.kind is not ActorKind.OPERATOR:
        raise NotForYou
    if reach_ not in reach.table("mandates")["reach"]:
        raise WrongReach
    if not now < until <= now + LONGEST:
        raise WrongEnd
    if not form.strip():
        raise NoForm
    holder = await bearer(visit, carer)
    if await visit.same(cid, holder):
        raise NotOneself
    async with door.pool.connection() as conn, conn.transaction():
        sub = await own.subject_of(conn, holder)
        if sub is None:
            raise NobodyAnswers
        await visit.rights_of(conn, [cid])
        number = await write(
            visit, conn, cid, sub, "carer", reach_, "paper", actor.sub, form.strip()[:200], until
        )
    return door.ids.encode(cid, number)


async def bearer(visit: Visit, traits: Traits) -> int:
    """The open record of who bears a number, when name and birth date are theirs too.

    Counted and limited as any search for a person; the same words for all that does not answer.
    """
    door, now = visit.door, visit.door.clock()
    ins = "".join(traits.ins.split()).upper()
    systems = [str(system) for system in InsSystem if system.real or door.settings.lenient]
    async with door.pool.connection() as conn:
        done = await queries.finds_since(conn, visit.actor.sub, now - timedelta(hours=1))
        if done >= door.settings.find_per_hour:
            raise errors.TooMany
        rows = await queries.identities_by_ins(conn, ins, systems)
        rows = [
            row
            for row in rows
            if row.birth_name == normal(traits.name) and row.birth_date == traits.birth_date
        ]
        opened = await queries.open_records(conn, [row.cid for row in rows])
        found = [row.cid for row in rows if row.cid in opened]
        await audit.write(conn, visit.trace("find", "find-by-card"), granted=len(found) == 1)
    if len(found) != 1:
        raise NobodyAnswers
    return found[0]


# ----------------------------------------------------------------------------------- written, ended


async def write(
    visit: Visit,
    conn: AsyncConnection[Any],
    cid: int,
    sub: str,
    nature: str,
    reach_: str,
    how: str,
    by: str,
    form: str,
    until: datetime | None,
) -> int:
    """The mandate and its trace, under a context that lets write this record's rights."""
    number = visit.door.ids.new()
    await conn.execute(
        own.ADD_MANDATE,
        {
            "id": number,
            "cid": cid,
            "sub": sub,
            "nature": nature,
            "reach": reach_,
            "how": how,
            "declared_by": by,
            "form": form,
            "since": visit.door.clock(),
            "until": until,
        },
    )
    await audit.write(conn, visit.trace("mandate", f"{nature}-{how}"), granted=True, cids=[cid])
    if nature != "helper":  # with whom the person is
        await notices.send(visit.door, conn, cid, "access-changed")
    return number


def _other(one: Mandated, ended: Mandated) -> bool:
    """Whether who held a mandate still represents the person by another."""
    return one.sub == ended.sub and one.id != ended.id and one.nature in REPRESENTING


async def revoke(visit: Visit, id: str) -> None:
    """End a mandate at once: the person of the record, who represents them, or who holds it.

    A representation is ended by the operator alone; whoever holds it may not end another's.
    """
    actor, door, now = visit.actor, visit.door, visit.door.clock()
    place = door.ids.decode(id)
    if place is None:
        raise errors.NotFound
    cid, number = place
    natures = {one.nature for one in await held(visit, cid)}
    theirs = bool(natures & (REPRESENTING | {"self"})) and not actor.secret
    async with door.pool.connection() as conn, conn.transaction():
        found = [one for one in await own.mandates(conn, now, cid=cid) if one.id == number]
        may = found and (
            actor.kind is ActorKind.OPERATOR
            or (found[0].nature not in REPRESENTING and (theirs or found[0].sub == actor.sub))
        )
        if may:
            every = (await queries.sets(conn, [cid])).get(cid, (cid,))
            own_word = theirs and found[0].sub != actor.sub and actor.patient in every
            # The person's own decision names their own compartment; a holder ends their mandate wherever.
            await together(visit, conn, actor.patient or cid if own_word else cid)
            await conn.execute(own.REVOKE, {"id": number, "cid": cid, "now": now, "by": actor.sub})
            if not any(_other(one, found[0]) for one in await own.mandates(conn, now, cid=cid)):
                said = {"sub": found[0].sub, "cids": list(every), "now": now}
                await conn.execute(own.END_ALLOWED, said)
            trace = visit.trace("mandate-ended", f"{found[0].nature}-revoked")
            await audit.write(conn, trace, granted=True, cids=[cid])
            if not own_word and found[0].nature != "helper":
                await notices.send(door, conn, cid, "access-changed")
    if not may:
        raise NotTheirs
