# SPDX-License-Identifier: EUPL-1.2
"""A person answers an application, sees what they allowed, and ends it. docs/decisions/0060."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from carnet import errors
from carnet.access import audit, scopes
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.oauth import allowances, asking, kinds
from carnet.oauth.allowances import AllowedRow
from carnet.oauth.asking import GOING_ON, LogInAgain, NotAsked, Question
from carnet.oauth.requests import Asked, digest, issue_code, refused

WRITING = frozenset("cud")
OWN = "own-account"  # by which these acts are granted


class NotOffered(errors.Invalid):
    """What was answered is not among what the page offered."""


class WrongEnd(errors.Invalid):
    """What is allowed ends on a day to come, within a year."""


class NoneChosen(errors.Invalid):
    """At least one kind of data is chosen, or the application is refused."""


class NotAllowed(errors.NotFound):
    """Nothing of the sort is allowed in this person's name, or it has ended."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person answers.

    record: compartment of the record, None for none. kinds: names of kinds.toml, of a patient.
    writes: it may deposit. until: the end, aware. offline: it goes on when the person is away.
    """

    record: int | None
    kinds: tuple[str, ...]
    writes: bool
    until: datetime
    offline: bool
    amr: tuple[str, ...] = ()  # how they proved who they are (RFC 8176)


async def allow(
    visit: Visit,
    secret: str,
    choice: Choice,
    *,
    issuer: str,
    records: Iterable[int] = (),
    proven: datetime | None = None,
) -> str:
    """Allow what was chosen, of what was asked; the address the person is sent to, with its code.

    records: compartments of those whom the person represents. proven: when they last proved who they
    are, as their session says it. Answered once: a second answer is NotAsked.
    """
    asking.judge(visit.actor)
    actor, now = visit.actor, visit.door.clock()
    if not actor.acr:
        raise LogInAgain  # how they proved who they are is told to applications, never supposed
    async with visit.door.pool.connection() as conn, conn.transaction():
        chosen = choice.record if actor.kind is ActorKind.PROFESSIONAL else None
        question = await asking.read(conn, visit, secret, proven, chosen)
        cid = _record(visit, question, choice, records)
        _judge(question, choice, now)
        if not await allowances.answer(conn, digest(secret), actor.sub, now):
            raise NotAsked
        launched = question.launched
        if launched and not await allowances.launched(conn, digest(question.asked.launch), now):
            raise NotAsked
        id = uuid.UUID(bytes=visit.door.random(16), version=4)
        values = {
            "id": id, "client": question.asked.client, "sub": actor.sub, "rev": actor.rev,
            "scope": " ".join(given(question.wanted, choice)), "cid": cid,
            "situation": actor.situation or None,
            "kinds": kinds.numbers(choice.kinds) if actor.kind is ActorKind.PATIENT else None,
            "writes": choice.writes, "until": choice.until,
            "offline": choice.offline and question.offline,
            "acr": actor.acr, "amr": list(choice.amr),
            "authenticated": actor.authenticated or proven or now, "now": now,
        }  # fmt: skip
        if not await allowances.allow(conn, values):
            raise NotAsked
        trace = visit.trace("app-allowed", OWN)
        await audit.write(conn, trace, granted=True, cids=[] if cid is None else [cid])
        context = {"need_patient_banner": False, **launched.context} if launched else {}
        return await issue_code(
            conn, id, question.asked, issuer=issuer, now=now, context=context,
            random=visit.door.random,
        )  # fmt: skip


async def refuse(visit: Visit, secret: str, *, issuer: str) -> str:
    """Refuse; the address the person is sent to."""
    asking.judge(visit.actor)
    now = visit.door.clock()
    async with visit.door.pool.connection() as conn, conn.transaction():
        row = await allowances.look(conn, digest(secret), visit.actor.sub, now)
        if row is None or not await allowances.answer(conn, digest(secret), visit.actor.sub, now):
            raise NotAsked
        return refused(Asked.of(row.parameters), issuer)


def given(wanted: Iterable[str], choice: Choice) -> list[str]:
    """The scope of what was chosen: without what deposits, or goes on, when that was not allowed."""
    found = []
    for word in wanted:
        if word in GOING_ON and not choice.offline:
            continue
        if word not in scopes.PLAIN and not choice.writes:
            one = scopes.parse(word)
            left = "".join(letter for letter in one.letters if letter not in WRITING)
            if not left:
                continue
            word = str(scopes.DataScope(one.level, one.rtype, left, one.tests))
        found.append(word)
    return found


def _record(visit: Visit, question: Question, choice: Choice, records: Iterable[int]) -> int | None:
    """The one record of a grant: of the launch, else one's own, of whom one represents, or chosen.

    A professional whom an application asks for one patient chooses one, or refuses.
    """
    if visit.actor.kind is not ActorKind.PATIENT:
        if question.needs_record or (choice.record or question.cid) != question.cid:
            raise NotOffered
        return question.cid
    if choice.record is None or choice.record not in {visit.actor.patient, *records}:
        raise NotOffered
    return choice.record


def _judge(question: Question, choice: Choice, now: datetime) -> None:
    if not set(choice.kinds) <= set(question.kinds) or (choice.writes and not question.writes):
        raise NotOffered
    if question.kinds and not choice.kinds and not choice.writes:
        raise NoneChosen
    longest = timedelta(days=kinds.table()["limits"]["longest"] + 1)  # to the end of the last day
    if not now < choice.until <= now + longest:
        raise WrongEnd


# ------------------------------------------------------------------ what was allowed


async def mine(visit: Visit) -> list[AllowedRow]:
    """What is allowed in one's name and on one's record, and what ended less than a year ago."""
    now = visit.door.clock()
    since = now - timedelta(days=kinds.table()["limits"]["listed"])
    async with visit.door.pool.connection() as conn:
        return await allowances.mine(conn, visit.actor.sub, _own(visit), since, now)


async def end(visit: Visit, id: uuid.UUID) -> None:
    """End it, with every token of it: refused within a second everywhere."""
    now = visit.door.clock()
    async with visit.door.pool.connection() as conn, conn.transaction():
        found = await allowances.end(conn, id, visit.actor.sub, _own(visit), now)
        await _traced(conn, visit.trace("app-ended", OWN), found)


async def shorten(visit: Visit, id: uuid.UUID, until: datetime) -> None:
    """An earlier end; what was allowed never becomes longer but by a new answer."""
    now = visit.door.clock()
    if until <= now:
        raise WrongEnd
    async with visit.door.pool.connection() as conn, conn.transaction():
        found = await allowances.shorten(conn, id, visit.actor.sub, _own(visit), until, now)
        await _traced(conn, visit.trace("app-shortened", OWN), found)


async def _traced(
    conn: allowances.Conn, trace: audit.Trace, found: tuple[int | None] | None
) -> None:
    if found is None:
        raise NotAllowed
    cids = [cid for cid in found if cid is not None]
    await audit.write(conn, trace, granted=True, cids=cids)


def _own(visit: Visit) -> int | None:
    """One's own record, whose person may end what another allowed on it."""
    return None if visit.actor.secret else visit.actor.patient
