# SPDX-License-Identifier: EUPL-1.2
"""What reaches somebody without being asked for: e-mails, letters, and what the jobs of the worker write.

A job runs in a transaction that is undone, as the worker, at a later hour: both worlds stay as they were.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection

from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, platform
from carnet.app import letters as paper
from carnet.app.parts import Built, insi_of
from carnet.documents import announce
from carnet.notices import deliver, letters, queries
from carnet.notices.queries import Outgoing
from carnet.rights import clock
from carnet.vigilance import match, qualify
from tests.agreement.pages import plain
from tests.space import Answer

EVERY: LiteralString = "SELECT " + queries.COLUMNS + queries.FROM + " ORDER BY o.at, o.id"
OWN: LiteralString = """
    SELECT cid FROM access.mandate WHERE sub = %s AND revoked IS NULL
       AND nature IN ('representative', 'guardian')
"""
# Some of each, as an act of anybody would have written them: to persons, then to professionals.
WRITTEN: LiteralString = """
    INSERT INTO notices.outgoing (id, cid, reader, channel, template, language, codes, at, next_try,
                                  sent)
    SELECT %(first)s + (row_number() OVER ()) * 2 + c.place, w.cid, w.reader, c.channel,
           CASE WHEN w.reader = 'person' THEN (ARRAY['access-changed', 'opened'])[c.place]
                ELSE 'emergency-treating' END,
           CASE WHEN w.cid %% 2 = 0 THEN 'fr' ELSE 'en' END, '{}', %(at)s, %(at)s,
           CASE WHEN w.reader = 'person' THEN %(at)s::timestamptz END
      FROM (SELECT cid, 'person' AS reader FROM unnest(%(cids)s::bigint[]) cid
            UNION ALL
            SELECT %(about)s, 'rpps:' || rpps FROM unnest(%(staff)s::bigint[]) rpps) w,
           (VALUES (1, 'email'), (2, 'letter')) c (place, channel)
"""
AWAITING: LiteralString = (
    "SELECT cid, rid FROM access.announcement WHERE ended IS NULL ORDER BY rid"
)
LINES: LiteralString = """
    SELECT act, rule, granted FROM access.audit WHERE at >= %s AND cid = ANY (%s::bigint[])
     ORDER BY 1, 2
"""


def readable(admin_url: str, actor: Actor) -> tuple[frozenset[int], str]:
    """Whose notices reach this actor: records, and the reader who is named when it is a professional."""
    if actor.kind is ActorKind.PROFESSIONAL:
        return frozenset(), f"rpps:{actor.rpps}"
    if actor.kind is not ActorKind.PATIENT or actor.patient is None:
        return frozenset(), ""
    with psycopg.connect(admin_url) as conn:
        held = {cid for (cid,) in conn.execute(OWN, (actor.sub,))}
    return frozenset({actor.patient, *held}), "person"


def write(
    conn: psycopg.Connection[Any], first: int, at: datetime, cids: Iterable[int],
    staff: Iterable[int], about: int,
) -> None:  # fmt: skip
    """Notices of others' acts: an e-mail and a letter to each; numbered from `first`."""
    values = {
        "first": first, "at": at, "cids": sorted(cids), "staff": sorted(staff), "about": about,
    }  # fmt: skip
    conn.execute(WRITTEN, values)


@dataclass(frozen=True)
class Reader:
    """Somebody, and what is theirs of what leaves."""

    cids: frozenset[int]
    name: str

    def reads(self, one: Outgoing) -> bool:
        """Whether this is for them."""
        return one.reader == self.name and (self.name != "person" or one.cid in self.cids)


async def notices(built: Built, reader: Reader) -> Answer:
    """The e-mails that are theirs, or that go to an address of theirs."""
    async with built.pool.connection() as conn, conn.transaction():
        await platform.enter(built.door, conn)
        rows = await queries.fetched(conn, EVERY, {})
    addresses = {one.email for one in rows if reader.reads(one) and one.email}
    mails = {
        one.id: deliver.message_of(built.door, one)
        for one in rows
        if one.channel == "email" and (reader.reads(one) or one.email in addresses)
    }
    return _answer(_mails(mails, rows, reader))


async def posted(built: Built, reader: Reader) -> Answer:
    """Their letters in the tray, in words and as they are printed."""
    found = []
    async with built.pool.connection() as conn, conn.transaction():
        await platform.enter(built.door, conn)
        rows = await queries.fetched(conn, EVERY, {})
    for one in await letters.tray(built.door):
        row = next((each for each in rows if each.id == one.id), None)
        if row is not None and reader.reads(row):
            found.append(plain(one))
            if one.channel == "letter":
                whole = await letters.letter(built.door, one.id)
                found += [plain(whole), repr(paper.page(whole))]
    return _answer(found)


def _mails(
    mails: dict[int, EmailMessage], rows: list[Outgoing], reader: Reader, new: Collection[int] = ()
) -> list[str]:
    mine = {one.id for one in rows if reader.reads(one)}
    addresses = {one.email for one in rows if one.id in mine and one.email}
    found = []
    for number, mail in sorted(mails.items()):
        if number in mine or mail["To"] in addresses:
            text = repr(mail.as_bytes(policy=SMTP))
            found.append(text.replace(str(number), "new") if number in new else text)
    return found


def _answer(found: list[str]) -> Answer:
    return Answer(200, {}, "\n".join(found).encode())


# ------------------------------------------------------------------------------------------- jobs


class Mails(deliver.Folder):
    """E-mails that leave, kept here."""

    def __init__(self) -> None:
        self.sent: dict[int, EmailMessage] = {}

    def put(self, number: int, message: EmailMessage) -> None:
        self.sent[number] = message

    def numbers(self) -> list[int]:
        return list(self.sent)

    def remove(self, number: int) -> None:
        del self.sent[number]


class One:
    """A pool of one connection, in a transaction of ours: what it commits is a savepoint."""

    def __init__(self, conn: AsyncConnection[Any]) -> None:
        self._conn = conn

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """The one there is."""
        yield self._conn


async def _announcements(door: Door, built: Built) -> None:
    await announce.tell(door)


async def _lifted(door: Door, built: Built) -> None:
    await announce.lift(door)


async def _timers(door: Door, built: Built) -> None:
    await clock.due(door)


async def _identities(door: Door, built: Built) -> None:
    await qualify.ask_again(door, insi_of(built.settings))
    await match.sweep(door)


Job = Callable[[Door, Built], Awaitable[None]]
# Every job of carnet/app/worker.py that writes, with how much later it runs; the e-mails leave after each.
# The others only remove files that no row names: attachments, and e-mails of erased records.
JOBS: dict[str, tuple[Job, timedelta]] = {
    "announcements": (_announcements, timedelta(days=15)),
    "lifting": (_lifted, timedelta(days=32)),
    "timers": (_timers, timedelta(days=45)),
    "identities": (_identities, timedelta(hours=1)),
}


async def job(conn: AsyncConnection[Any], built: Built, reader: Reader, name: str) -> Answer:
    """What a job of the worker writes for this reader: notices, e-mails that leave, lines of the audit."""
    act, later = JOBS[name]
    at, mails = built.door.clock() + later, Mails()
    door = replace(built.door, pool=One(conn), clock=lambda: at, ids=copy.copy(built.door.ids))  # type: ignore[arg-type]
    async with conn.transaction(force_rollback=True):
        await act(door, built)
        await deliver.deliver(door, mails)
        await deliver.sweep_folder(door, mails)
        await platform.enter(door, conn)
        rows = await queries.fetched(conn, EVERY, {})
        lines = await (await conn.execute(LINES, (at, sorted(reader.cids)))).fetchall()
        if name == "lifting":  # a document is theirs from now on, and so is the line of it
            lines = []
        new = {one.id for one in rows if one.at >= at}
        found = [
            plain(replace(one, id=0 if one.id in new else one.id))
            for one in rows
            if reader.reads(one)
        ]
        for one in rows:
            if one.id in new and reader.reads(one) and one.channel == "letter":
                written = replace(await letters.letter(door, one.id), id=0)
                found += [plain(written), repr(paper.page(written))]
    return _answer([*found, *_mails(mails.sent, rows, reader, new), repr(lines)])
