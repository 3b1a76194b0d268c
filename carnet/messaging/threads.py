# SPDX-License-Identifier: EUPL-1.2
"""A citizen's messages: their address is their number; they answer, and never begin.

A professional who sends X-MSS-MES: FIN has closed the conversation: nothing more is written in it.
Source: HL7CDA, mapping-mss.md; domain.md part 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import queries as identities
from carnet.access.actor import ActorKind
from carnet.access.door import Door, Nothing, Visit, platform
from carnet.messaging import address, queries, spool
from carnet.messaging.address import Address
from carnet.messaging.envelope import Letter, judged
from carnet.messaging.inbox import attached, text_of
from carnet.messaging.queries import Delivery

MOST: Final = 200  # messages
LONGEST: Final = 5000  # characters of an answer


class Closed(errors.BusinessRule):
    """The professional closed this conversation: it cannot be answered."""


class NotBegun(errors.Forbidden):
    """A citizen answers a professional who wrote to them, and does not begin."""


class NoWords(errors.Invalid):
    """Write something, five thousand characters at most."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation. own: the citizen's."""

    id: str
    at: datetime
    who: str
    own: bool
    subject: str
    text: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation, its first message first. last: what an answer answers."""

    said: tuple[Said, ...]
    closed: bool
    last: str  # id of the professional's last message

    @property
    def subject(self) -> str:
        """As it began."""
        return self.said[0].subject


@dataclass(slots=True)
class _Read:
    one: Delivery
    letter: Letter


async def threads(visit: Visit) -> list[Thread]:
    """The caller's own conversations, the newest first; they are then seen."""
    door = visit.door
    async with door.pool.connection() as conn, conn.transaction():
        found = await _own(visit, conn)
        unseen = [each.one.id for each in found if not each.one.seen_at and _to_them(each)]
        await conn.execute(queries.SEEN, (door.clock(), unseen))
    grouped = _grouped(found)
    return sorted(
        (_thread(door, each) for each in grouped), key=lambda one: one.said[-1].at, reverse=True
    )


async def answer(visit: Visit, id: str, text: str) -> None:
    """Answer a professional's message, if they did not close the conversation."""
    door, domain = visit.door, visit.door.settings.mss_domain
    words = text.replace("\r\n", "\n").strip()
    if not 0 < len(words) <= LONGEST:
        raise NoWords
    async with door.pool.connection() as conn, conn.transaction():
        found = await _own(visit, conn)
        group = next(
            (some for some in _grouped(found) if id in {_id(door, each) for each in some}), None
        )
        if group is None:
            raise Nothing
        theirs = [each for each in group if not each.letter.sender.matricule]
        if not theirs:
            raise Nothing
        if theirs[-1].letter.closed:
            raise Closed
        last = theirs[-1]
        own = str(address.read(last.one.address))
        made = _mail(door, domain, own, last.letter, words)
        to = last.letter.sender
        states = [(str(to), "kept" if to.domain == domain else "waiting")]
        put = spool.Put(
            "in" if to.domain == domain else "out", own, str(made["Message-ID"]),
            made.as_bytes(policy=SMTP), states, visit.actor.patient,
        )  # fmt: skip
        await spool.put_in(door, conn, put)


async def may_write(
    door: Door, conn: AsyncConnection[Any], sender: Address, to: Sequence[str], letter: Letter
) -> None:
    """NotBegun or Closed when a citizen elsewhere may not write this; in the platform's context."""
    numbers = [spool.number_of(door, each) for each in letter.answers]
    rows = await queries.deliveries(conn, queries.BY_NUMBER, {"numbers": numbers})
    ours = [each for each in rows if each.address == str(sender) and each.sender in to]
    if not ours:
        raise NotBegun
    if any(judged(spool.opened(door, each), each.sender).closed for each in ours):
        raise Closed


def _mail(door: Door, domain: str, own: str, last: Letter, text: str) -> EmailMessage:
    now = door.clock()
    made = EmailMessage(policy=SMTP)
    made["From"] = own
    made["To"] = str(last.sender)
    subject = last.subject.removeprefix("Re: ")[:250]
    made["Subject"] = f"Re: {subject}"
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{door.ids.encode(0, door.ids.new())}@{domain}>"
    made["In-Reply-To"] = last.number
    made["References"] = " ".join(dict.fromkeys((*last.answers, last.number)))
    made.set_content(text + "\n", cte="quoted-printable")
    return made


async def _own(visit: Visit, conn: AsyncConnection[Any]) -> list[_Read]:
    """All messages of the caller, oldest first; under the platform's context from here on."""
    actor, door = visit.actor, visit.door
    if actor.kind is not ActorKind.PATIENT or actor.patient is None:
        raise Nothing
    known = await identities.identity(conn, actor.patient)
    if known is None or not known.ins:
        return []
    own = str(address.of_patient(known.ins, door.settings.mss_domain))
    await platform.enter(door, conn)
    values = {"addresses": [own], "limit": MOST}
    rows = await queries.deliveries(conn, queries.OF_PATIENT, values)
    found = [_Read(each, judged(spool.opened(door, each), each.sender)) for each in rows]
    return sorted(found, key=lambda each: each.one.at)


def _grouped(found: Sequence[_Read]) -> list[list[_Read]]:
    """Messages by the conversation they answer in, each in order."""
    roots: dict[str, str] = {}
    groups: dict[str, list[_Read]] = {}
    for each in found:
        root = next((roots[one] for one in each.letter.answers if one in roots), each.letter.number)
        roots[each.letter.number] = root
        groups.setdefault(root, []).append(each)
    return list(groups.values())


def _thread(door: Door, group: Sequence[_Read]) -> Thread:
    theirs = [each for each in group if not each.letter.sender.matricule]
    said = tuple(
        Said(
            _id(door, each),
            each.one.at,
            str(each.letter.sender),
            bool(each.letter.sender.matricule),
            each.letter.subject,
            text_of(each.letter),
            tuple(one.told.title or one.name for one in attached(each.letter)),
        )
        for each in group
    )
    closed = not theirs or theirs[-1].letter.closed
    return Thread(said, closed, _id(door, theirs[-1]) if theirs else "")


def _to_them(each: _Read) -> bool:
    return bool(address.read(each.one.address).matricule)


def _id(door: Door, each: _Read) -> str:
    return door.ids.encode(0, each.one.id)
