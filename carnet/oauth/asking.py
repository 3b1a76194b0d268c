# SPDX-License-Identifier: EUPL-1.2
"""What an application asks of a person, as their page says it: a request is theirs once they looked.

A request that is over, was answered, is another person's or of an application that is no longer live is
all the same: absent. docs/decisions/0060.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from carnet import errors
from carnet.access import queries, scopes
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.oauth import allowances, kinds
from carnet.oauth.allowances import Conn
from carnet.oauth.requests import Asked, digest

GOING_ON: Final = frozenset(("offline_access", "online_access"))
LEVELS: Final = {ActorKind.PATIENT: ("patient",), ActorKind.PROFESSIONAL: ("patient", "user")}


class NotAsked(errors.NotFound):
    """No request waits for this person at this address."""


class NobodyToAllow(errors.Forbidden):
    """Patients and professionals allow applications, in their own name and not in secret."""


class NotChosen(errors.NotFound):
    """No such patient is open to this professional."""


class LogInAgain(errors.Unauthenticated):
    """The application asks that the person proves again who they are."""


@dataclass(frozen=True, slots=True)
class Question:
    """All a page says of a request.

    kinds: names of kinds.toml. reads, writes: what is asked of the data. offline: it asks to go on when
    the person is away. record: the name of whom a launch was opened on, or a professional chose, "" for
    none. needs_record: a professional is asked for one record, which nobody said yet. wanted: words of the
    scope that this person can give. cid: compartment of that record.
    """

    asked: Asked
    name: str
    organisation: str
    homepage: str
    privacy: str
    sandbox: bool
    kinds: tuple[str, ...]
    reads: bool
    writes: bool
    offline: bool
    identity: bool
    record: str
    needs_record: bool
    wanted: tuple[str, ...]
    launched: allowances.LaunchRow | None = None
    cid: int | None = None


async def question(
    visit: Visit, secret: str, proven: datetime | None = None, chosen: int | None = None
) -> Question:
    """The request of a page's address; NotAsked, NobodyToAllow, LogInAgain.

    proven: when the person last proved who they are, as their session says it. chosen: compartment of the
    record a professional chose.
    """
    judge(visit.actor)
    async with visit.door.pool.connection() as conn, conn.transaction():
        return await read(conn, visit, secret, proven, chosen)


def judge(actor: Actor) -> None:
    """Who may allow; NobodyToAllow."""
    if actor.kind not in LEVELS or actor.secret:
        raise NobodyToAllow


async def read(
    conn: Conn, visit: Visit, secret: str, proven: datetime | None, chosen: int | None = None
) -> Question:
    """The request, in a transaction of the caller."""
    actor, now = visit.actor, visit.door.clock()
    row = await allowances.look(conn, digest(secret), actor.sub, now)
    if row is None:
        raise NotAsked
    asked = Asked.of(row.parameters)
    _again(asked, row.made_at, actor.authenticated or proven)
    launched = await _launched(conn, visit, asked, now) if asked.launch else None
    record, person = None, ""
    if launched is not None:
        record, person = launched.cid, launched.person or ""
    elif chosen is not None:
        record, person = chosen, await _opened(conn, visit, chosen)
    wanted = tuple(_wanted(asked, row.scopes, actor, record is not None))
    letters = {letter for one in scopes.read(frozenset(wanted)) for letter in one.letters}
    asks_record = actor.kind is ActorKind.PROFESSIONAL and any(
        word.startswith("patient/") or word == "launch/patient" for word in asked.scopes
    )
    return Question(
        asked=asked,
        name=row.name,
        organisation=row.organisation or "",
        homepage=row.homepage or "",
        privacy=row.privacy or "",
        sandbox=row.sandbox,
        kinds=kinds.asked(wanted) if actor.kind is ActorKind.PATIENT else (),
        reads=bool(letters & set("rs")),
        writes=bool(letters & set("cud")),
        offline=bool(GOING_ON & set(wanted)),
        identity=bool({"openid", "fhirUser", "profile"} & set(wanted)),
        record=person,
        needs_record=asks_record and record is None,
        wanted=wanted,
        launched=launched,
        cid=record,
    )


async def _launched(
    conn: Conn, visit: Visit, asked: Asked, now: datetime
) -> allowances.LaunchRow | None:
    """What was opened from the desk: for who opened it, in that situation, while they may open the record."""
    actor = visit.actor
    found = await allowances.launch(conn, digest(asked.launch), asked.client, actor.sub, now)
    if found is None or actor.kind is not ActorKind.PROFESSIONAL:
        raise NotAsked
    if (found.situation or "") != actor.situation:
        raise NotAsked
    if not (await visit.door.decide(conn, actor, [found.cid])).granted:
        raise NotAsked
    return found


async def _opened(conn: Conn, visit: Visit, cid: int) -> str:
    """The name of a record that a professional chose and may open now; else it is absent."""
    if visit.actor.kind is not ActorKind.PROFESSIONAL:
        raise NotChosen
    if not (await visit.door.decide(conn, visit.actor, [cid])).granted:
        raise NotChosen
    found = await queries.identity(conn, cid)
    if found is None:
        raise NotChosen
    return found.shown_name


def _wanted(asked: Asked, widest: str, actor: Actor, launched: bool) -> list[str]:
    """Words that this person can give: within what the client still may ask, and of their own level.

    An application that a patient allows reads the one record they chose: `user/` is left out. One of a
    professional reads a record in its context alone by `patient/`, so without a launch that is left out.
    """
    levels = [*LEVELS[actor.kind]]
    of_record = actor.kind is ActorKind.PATIENT or launched
    if not of_record:
        levels.remove("patient")
    found = []
    for word in asked.scope.split():
        if not scopes.covered(word, widest.split()):
            continue
        if word in scopes.PLAIN:
            if word != "launch/patient" or of_record:
                found.append(word)
        elif scopes.parse(word).level in levels:
            found.append(word)
    return found


def _again(asked: Asked, made_at: datetime, proven: datetime | None) -> None:
    """OpenID Connect, 3.1.2.1: prompt=login and max_age; LogInAgain."""
    since = None
    if "login" in asked.prompt.split():
        since = made_at
    if asked.max_age is not None:
        oldest = made_at - timedelta(seconds=asked.max_age)
        since = oldest if since is None else max(since, oldest)
    if since is not None and (proven is None or proven < since):
        raise LogInAgain
