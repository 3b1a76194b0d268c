# SPDX-License-Identifier: EUPL-1.2
"""Representatives: parents of a minor, guardians named by a judge. They read all but what is kept from them.

The representation of a minor ends by itself on the day they are eighteen; a judgment ends when it says.
An operator declares them with their proof; a parent shares theirs with the other parent by a code.
Source: CSP R.1111-33, R.1111-50; Code civil, articles 371-1, 388 and 414.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from carnet import errors
from carnet.access import audit, notices, queries, stepup
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.door.decide import REPRESENTING
from carnet.identity.traits import majority
from carnet.rights import mandate
from carnet.rights.acting import queries as own
from carnet.rights.acting.queries import ADD_MANDATE
from carnet.rights.mandate import Acting, NobodyAnswers, NotOneself, Offer, Traits

HOW: Final = {"representative": "civil-status", "guardian": "judgment"}


class NotOperator(errors.Forbidden):
    """Only the operator declares a representative, on proof; a parent shares with the other."""


class OfAge(errors.BusinessRule):
    """An adult has no parents for representatives: a guardian is named by a judgment."""


class NoProof(errors.BusinessRule):
    """A representative is declared with the reference of the proof: the act, or the judgment."""


class PastEnd(errors.BusinessRule):
    """The last day of this judgment is past: it names nobody any more."""


class GuardianOfAge(errors.BusinessRule):
    """A guardian is of age (Code civil, articles 395 and 445)."""


class NotRepresentative(errors.NotFound):
    """Only a parent shares the record of a minor with the other parent."""


@dataclass(frozen=True, slots=True)
class Represented:
    """A person before the operator: who they are, and who acts for them. Nothing of health."""

    patient: str  # id of the Patient
    name: str
    birth_date: date
    minor: bool
    acting: tuple[Acting, ...]


async def find(visit: Visit, traits: Traits) -> str:
    """The operator finds a person by their card, all of it right; the id of their Patient."""
    if visit.actor.kind is not ActorKind.OPERATOR:
        raise NotOperator
    cid = await mandate.bearer(visit, traits)
    return visit.door.ids.encode(cid, cid)


async def of_person(visit: Visit, patient: str) -> Represented:
    """Who acts for a person, as the operator sees it; the look is traced, and the person reads it."""
    if visit.actor.kind is not ActorKind.OPERATOR:
        raise NotOperator
    cid = mandate.compartment(visit, patient)
    now = visit.door.clock()
    async with visit.door.pool.connection() as conn, conn.transaction():
        known = await queries.identity(conn, cid)
        if known is None or not await queries.open_records(conn, [cid]):
            raise errors.NotFound
        rows = await own.mandates(conn, now, cid=cid)
        await audit.write(conn, visit.trace("mandates", "operator"), granted=True, cids=[cid])
    return Represented(
        patient,
        known.shown_name,
        known.birth_date,
        majority(known.birth_date) > now,
        tuple(mandate.line(visit, row) for row in rows),
    )


async def by_card(
    visit: Visit, patient: str, who: Traits, nature: str, proof: str, until: datetime | None
) -> str:
    """Declare who represents a person, by the representative's own card; see `declare`."""
    stepup.fresh(visit.actor, visit.door.clock())
    if visit.actor.kind is not ActorKind.OPERATOR:
        raise NotOperator
    holder = await mandate.bearer(visit, who)
    if await visit.same(mandate.compartment(visit, patient), holder):
        raise NotOneself
    async with visit.door.pool.connection() as conn:
        sub = await own.subject_of(conn, holder)
    if sub is None:
        raise NobodyAnswers
    return await declare(visit, patient, sub, nature, proof, until=until)


async def declare(
    visit: Visit, patient: str, sub: str, nature: str, proof: str, *, until: datetime | None = None
) -> str:
    """The operator declares a representative or a guardian; returns the mandate's id.

    sub: who it is, as a subject. proof: reference of the act of civil status or of the judgment.
    until: the end a judgment gives; a minor's representation ends when they are eighteen.
    """
    door = visit.door
    stepup.fresh(visit.actor, door.clock())
    if visit.actor.kind is not ActorKind.OPERATOR:
        raise NotOperator
    if not proof.strip() or nature not in REPRESENTING:
        raise NoProof
    cid = mandate.compartment(visit, patient)
    now = door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        known, holder = await queries.identity(conn, cid), await queries.subject(conn, sub)
        if known is None or holder is None:
            raise errors.NotFound
        if nature == "representative":
            until = majority(known.birth_date)
            if until <= now:
                raise OfAge
        else:
            if until is not None and until <= now:
                raise PastEnd
            theirs = await queries.identity(conn, holder.patient or 0)
            if theirs is not None and majority(theirs.birth_date) > now:
                raise GuardianOfAge
        await visit.rights_of(conn, [cid])
        number = door.ids.new()
        await conn.execute(
            ADD_MANDATE,
            {
                "id": number,
                "cid": cid,
                "sub": sub,
                "nature": nature,
                "reach": "all",
                "how": HOW[nature],
                "declared_by": visit.actor.sub,
                "form": proof.strip(),
                "since": now,
                "until": until,
            },
        )
        trace = visit.trace("mandate", f"{nature}-declared")
        await audit.write(conn, trace, granted=True, cids=[cid])
        await notices.send(door, conn, cid, "access-changed")
    return door.ids.encode(cid, number)


async def share(visit: Visit, patient: str) -> Offer:
    """A parent gives the other parent a code, by which they represent the child as well."""
    stepup.fresh(visit.actor, visit.door.clock())
    cid = mandate.compartment(visit, patient)
    held = await mandate.held(visit, cid)
    if not any(one.nature == "representative" for one in held):
        raise NotRepresentative
    async with visit.door.pool.connection() as conn:
        known = await queries.identity(conn, cid)
    assert known is not None
    return await mandate.offering(visit, cid, "representative", "all", majority(known.birth_date))
