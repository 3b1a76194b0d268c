# SPDX-License-Identifier: EUPL-1.2
"""The life of a record: who may change its state, from which one, and the line that says so.

notice → (six weeks) → open → closed (archive of ten years) → deleted.
Source: CSP R.1111-28, R.1111-36, R.1111-40.
"""

from __future__ import annotations

import tomllib
from calendar import monthrange
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from carnet import errors
from carnet.access import audit
from carnet.access import queries as access
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.together import together
from carnet.rights import statements
from carnet.rights.holder import in_the_open

WEB, CODE, PLATFORM = "web", "code", "platform"
BY_OPERATOR = frozenset(("paper", "in-person"))


class NotYours(errors.NotFound):
    """Only the person of a record, or their legal representative, decides over its life."""


class WrongHow(errors.Invalid):
    """An operator says how the person made it known: paper or in-person."""


class WrongMotive(errors.Invalid):
    """This motive is not one of the list."""


class WrongState(errors.Conflict):
    """The record is not in a state that allows it."""


@cache
def table() -> dict[str, Any]:
    """life.toml."""
    return tomllib.loads(Path(__file__).with_name("life.toml").read_text("utf-8"))


def length(name: str) -> int:
    """One of the lengths."""
    return int(table()["lengths"][name])


def opening_after() -> timedelta:
    """From the sending of the notice to the opening."""
    return timedelta(days=length("notice_days"))


def later(moment: datetime, *, years: int = 0, months: int = 0) -> datetime:
    """The same day of a later month, or its last one."""
    count = moment.month - 1 + months
    year, month = moment.year + years + count // 12, count % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class Life:
    """The life of a record: a line of access.record, or what the lines of all of it come to."""

    cid: int  # the compartment that was named
    state: str
    since: datetime
    noticed: datetime | None
    archived_until: datetime | None
    motive: str
    feeding_opposed: bool
    feeding_motive: str | None
    erase_asked: datetime | None
    erase_due: datetime | None

    def reopens(self, now: datetime) -> bool:
        """Whether its archive, if any, is still there."""
        return self.state == "closed" and (self.archived_until is None or now < self.archived_until)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A record whose life is being decided, locked, in a transaction that may write its rights."""

    visit: Visit
    conn: AsyncConnection[Any]
    life: Life
    now: datetime
    how: str
    cids: tuple[int, ...]  # all of it: what is decided is decided of each

    @property
    def cid(self) -> int:
        """The compartment that was named."""
        return self.life.cid

    @property
    def values(self) -> dict[str, object]:
        """Those of the statements of a decision."""
        return {"cid": self.cid, "cids": list(self.cids), "now": self.now}


async def read(
    conn: AsyncConnection[Any], cid: int, cids: Sequence[int] = (), *, lock: bool = False
) -> Life | None:
    """The life of a record; primary key. Locked, nobody else decides until the end.

    cid: the compartment that is named. cids: all of it, when it is a set.
    """
    async with conn.cursor(row_factory=class_row(Life)) as cur:
        await cur.execute(statements.LOCK if lock else statements.LIFE, ([cid, *cids],))
        return come_to(cid, await cur.fetchall())


def come_to(cid: int, lines: Sequence[Life]) -> Life | None:
    """What the lines of one person come to: what shuts one shuts all, and the last term is the term.

    What was erased says nothing any more. An archive has an end only when all of it is closed.
    """
    left = [one for one in lines if one.state != "deleted"] or list(lines)
    if not left:
        return None
    states = {one.state for one in left}
    state = next(each for each in ("closed", "notice", "open", "deleted") if each in states)
    chief = min((one for one in left if one.state == state), key=lambda one: one.cid != cid)
    terms = [one.archived_until for one in left if one.archived_until is not None]
    feeding = next((one for one in left if one.feeding_opposed), chief)
    asked = next((one for one in left if one.erase_asked is not None), chief)
    return replace(
        chief,
        cid=cid,
        archived_until=max(terms) if terms and states == {"closed"} else None,
        feeding_opposed=feeding.feeding_opposed,
        feeding_motive=feeding.feeding_motive,
        erase_asked=asked.erase_asked,
        erase_due=asked.erase_due,
    )


@asynccontextmanager
async def ruling(
    visit: Visit, patient: str, act: str, *, motive: str, how: str, of: Collection[str]
) -> AsyncIterator[Ruling]:
    """Decide over a record; its line of life and its trace are written with what is done inside.

    patient: id of a Patient, or "" for the visitor's own. how: WEB for the person and their
    representatives, one of BY_OPERATOR for an operator. of: the states it may be in.
    """
    in_the_open(visit)
    door, actor = visit.door, visit.actor
    cid = _record_of(visit, patient, how)
    now = door.clock()
    try:
        async with door.pool.connection() as conn, conn.transaction():
            every = (await access.sets(conn, [cid])).get(cid, (cid,))
            if actor.kind is ActorKind.PATIENT and not await _may(conn, visit, every, now):
                raise NotYours
            cids = await together(visit, conn, cid)
            life = await read(conn, cid, cids, lock=True)
            if life is None or life.state == "deleted":
                raise NotYours
            if life.state not in of:
                raise WrongState
            yield Ruling(visit, conn, life, now, how, cids)
            await record(visit, conn, cid, act, motive, how, now)
    except NotYours:
        await visit.refused(act, "not-the-holder", [cid])
        raise


async def record(
    visit: Visit,
    conn: AsyncConnection[Any],
    cid: int,
    act: str,
    motive: str,
    how: str,
    now: datetime,
) -> None:
    """The line of its life and the trace of who decided."""
    line = {
        "id": visit.door.ids.new(), "cid": cid, "at": now, "act": act, "motive": motive, "how": how,
        "declared_by": visit.actor.sub,
    }  # fmt: skip
    await conn.execute(statements.ADD_LIFE, line)
    await audit.write(conn, visit.trace(act, f"{act}-{how}"), granted=True, cids=[cid])


def _record_of(visit: Visit, patient: str, how: str) -> int:
    actor, place = visit.actor, visit.door.ids.decode(patient)
    if place is not None and place[0] != place[1]:
        place = None
    if actor.kind is ActorKind.OPERATOR:
        if how not in BY_OPERATOR:
            raise WrongHow
        if place is None:
            raise NotYours
        return place[0]
    if actor.kind is not ActorKind.PATIENT or how != WEB:
        raise NotYours
    if not patient and actor.patient is not None:
        return actor.patient
    if place is None:
        raise NotYours
    return place[0]


async def _may(
    conn: AsyncConnection[Any], visit: Visit, cids: Sequence[int], now: datetime
) -> bool:
    """The person, or who exercises their rights: whatever the state of the record."""
    if visit.actor.patient in cids:
        return True
    values = {"cids": list(cids), "sub": visit.actor.sub, "now": now}
    return await (await conn.execute(statements.REPRESENTS, values)).fetchone() is not None


async def shut(conn: AsyncConnection[Any], values: Mapping[str, object]) -> None:
    """What a closing ends with it: consents, emergencies, carers' and helpers' mandates, applications.

    A record that is opened again asks for consents anew; its legal representatives stay.
    """
    for statement in (
        statements.END_CONSENTS,
        statements.END_EMERGENCIES,
        statements.END_MANDATES,
        statements.END_ALLOWED,
    ):
        await conn.execute(statement, values)


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the life of a record; codes of life.toml."""

    at: datetime
    act: str
    motive: str
    how: str


@dataclass(frozen=True, slots=True)
class Whole:
    """One's own record, as its person sees it whatever its state."""

    life: Life
    opens: datetime | None  # by itself, when nobody objects
    reopens: bool
    events: tuple[Event, ...]


async def of(visit: Visit) -> Whole:
    """The state of the visitor's own record, and how it came to it."""
    actor, door = visit.actor, visit.door
    if actor.kind is not ActorKind.PATIENT or actor.patient is None:
        raise NotYours
    async with door.pool.connection() as conn, conn.transaction():
        cids = await together(visit, conn, actor.patient)
        life = await read(conn, actor.patient, cids)
        if life is None:
            raise NotYours
        async with conn.cursor(row_factory=class_row(Event)) as cur:
            await cur.execute(statements.LIVED, (list(cids),))
            events = tuple(await cur.fetchall())
    waits = life.state == "notice" and life.noticed is not None
    opens = life.noticed + opening_after() if waits and life.noticed else None
    return Whole(life, opens, life.reopens(door.clock()), events)
