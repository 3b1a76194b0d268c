# SPDX-License-Identifier: EUPL-1.2
"""A professional's mailboxes: what came, what waits to be attached, and the attaching.

Theirs are those of their own number and of where they practise now. A mail of another is absent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Nothing, Visit, platform
from carnet.exchange import eml
from carnet.exchange.parts import Part
from carnet.messaging import queries, spool
from carnet.messaging.envelope import Letter, judged
from carnet.messaging.file import Filed, documents
from carnet.messaging.queries import Delivery
from carnet.messaging.signature import Trusted, Verdict, verdict

MOST: Final = 50  # mails of a page
READERS: Final = (ActorKind.PROFESSIONAL, ActorKind.ASSISTANT)
TRAY: Final = "to-attach"


class NothingToAttach(errors.BusinessRule):
    """There is no document in this mail, or it is in a record already."""


@dataclass(frozen=True, slots=True)
class Line:
    """A mail of a list. state: of the delivery; whom: as its documents say, "" for nobody."""

    id: str
    at: datetime
    sender: str
    subject: str
    state: str
    whom: str
    seen: bool


@dataclass(frozen=True, slots=True)
class Mail:
    """A whole mail, as it is read."""

    line: Line
    mailbox: str
    text: str
    files: tuple[str, ...]
    signed: Verdict = Verdict.NOT_SIGNED


# What publishes documents in the record somebody chose, in their own visit.
Attach = Callable[[Visit, Sequence[Part], str], Awaitable[Filed]]


async def inbox(visit: Visit) -> list[Line]:
    """What came, the newest first; those to attach before the others."""
    door = visit.door
    async with door.pool.connection() as conn, conn.transaction():
        boxes = await _boxes(conn, visit.actor)
        await platform.enter(door, conn)
        values = {"addresses": boxes, "limit": MOST}
        found = await queries.deliveries(conn, queries.OF_ADDRESSES, values)
    lines = [_line(door, each, _letter(door, each)) for each in found]
    return sorted(lines, key=lambda each: each.state != TRAY)


async def read(visit: Visit, id: str, known: Trusted | None = None) -> Mail:
    """One mail, which is then seen; Nothing when it is another's. known: whose signatures are believed."""
    door = visit.door
    async with door.pool.connection() as conn, conn.transaction():
        one = await _own(visit, conn, id)
        await conn.execute(queries.SEEN, (door.clock(), [one.id]))
    data = spool.opened(door, one)
    letter = judged(data, one.sender)
    files = tuple(each.told.title or each.name for each in attached(letter))
    signed = verdict(data, letter, known, one.at) if known is not None else Verdict.NOT_SIGNED
    return Mail(_line(door, one, letter), one.address, text_of(letter), files, signed)


async def attach(visit: Visit, id: str, patient: str, publish: Attach) -> None:
    """Put the documents of a mail in the record of a person its reader chose; their own deposit."""
    door = visit.door
    async with door.pool.connection() as conn, conn.transaction():
        one = await _own(visit, conn, id)
    if one.state == "filed":
        raise NothingToAttach
    parts = attached(_letter(door, one))
    if not parts:
        raise NothingToAttach
    filed = await publish(visit, parts, patient)
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        done = {"id": one.id, "state": "filed", "failed": None, "rid": filed.rid}
        await conn.execute(queries.DONE, {**done, "now": door.clock()})
        await conn.execute(queries.SPEAKS_OF, (filed.cid, one.message))


def attached(letter: Letter) -> list[Part]:
    """The documents of a mail: of its XDM, else the files that stand beside its text."""
    found = documents(letter)
    if found:
        return found
    return [
        each
        for each in eml.read(letter.message.as_bytes()).parts
        if each.media_type in ("application/pdf", "text/xml", "application/xml")
    ]


def text_of(letter: Letter) -> str:
    """What a mail says to people, as plain text; nothing of HTML is shown."""
    body = letter.message.get_body(("plain",))
    try:
        return str(body.get_content()).strip()[:20_000] if body is not None else ""
    except (LookupError, ValueError):
        return ""


async def _boxes(conn: AsyncConnection[Any], actor: Actor) -> list[str]:
    if actor.kind not in READERS or actor.rpps is None:
        raise Nothing
    return [each.address for each in await queries.owned(conn, actor.rpps, actor.org)]


async def _own(visit: Visit, conn: AsyncConnection[Any], id: str) -> Delivery:
    """A mail of the caller's, under the platform's context from here on."""
    place = visit.door.ids.decode(id)
    boxes = await _boxes(conn, visit.actor)
    await platform.enter(visit.door, conn)
    found = []
    if place is not None:
        found = await queries.deliveries(conn, queries.ONE, {"id": place[1]})
    if not found or found[0].way != "in" or found[0].address not in boxes or not found[0].shown:
        raise Nothing
    return found[0]


def _letter(door: Door, one: Delivery) -> Letter:
    return judged(spool.opened(door, one), one.sender)


def _line(door: Door, one: Delivery, letter: Letter) -> Line:
    whom = ""
    for each in documents(letter) if letter.documents else ():
        if each.told.person is not None and each.told.person.named:
            person = each.told.person
            whom = " ".join(filter(None, (*person.given_names[:1], person.birth_name)))
            break
    return Line(
        door.ids.encode(0, one.id),
        one.at,
        str(letter.sender),
        letter.subject,
        one.state,
        whom,
        one.seen_at is not None,
    )
