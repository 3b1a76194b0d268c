# SPDX-License-Identifier: EUPL-1.2
"""Prove who somebody is, at a counter: an operator sees a document, and a code is given, posted or sent.

Which document was seen is written, never its number. A new code ends the one before. For who has no account
yet, and for who lost the way in: the code is the same, and says nothing of which. A second factor that was
lost is replaced by a code of another kind, handed over at the counter and in no other way.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import audit, notices, stepup
from carnet.access import queries as access
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.access.queries import Subject
from carnet.access.together import together
from carnet.accounts import envelope, minting, queries
from carnet.accounts.minting import ACCOUNT, COMMAND, COUNTER, EMAIL, FACTOR, LETTER, Given, Order
from carnet.accounts.rules import rules

__all__ = ["Given", "Way", "by_command", "give", "give_account"]
ACTS = {ACCOUNT: "activation-code", FACTOR: "factor-code"}  # of the audit
WORKING = (
    "professional",
    "assistant",
    "helper",
    "operator",
)  # no birth date of theirs is known here


class NoDocument(errors.Invalid):
    """Say which identity document was seen, of those that prove an identity at a counter."""


class WrongWay(errors.Invalid):
    """A code goes by hand, by letter or by e-mail; one for a second factor, by hand alone."""


class NoAddress(errors.BusinessRule):
    """No postal address is known: the code is handed over."""


class NoMail(errors.BusinessRule):
    """No e-mail leaves this installation: the code is handed over or posted."""


class OneOfYours(errors.Forbidden):
    """Nobody gives themselves a code: another operator does."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a code goes, and what for. email: where it is sent; lines: of an address that is not known here."""

    how: str = COUNTER
    kind: str = ACCOUNT
    email: str = ""
    lines: tuple[str, ...] = ()


BY_HAND = Way()


def mails(door: Door) -> bool:
    """Whether e-mails about accounts leave: by a server, or into the folder of a demonstration."""
    return door.settings.mails


def _allowed(visit: Visit, document: str, way: Way) -> None:
    stepup.fresh(visit.actor, visit.door.clock())
    if visit.actor.kind is not ActorKind.OPERATOR:
        raise errors.NotFound
    if document not in rules().documents:
        raise NoDocument
    if way.how not in (COUNTER, LETTER, EMAIL) or way.kind not in (ACCOUNT, FACTOR):
        raise WrongWay
    if way.kind == FACTOR and way.how != COUNTER:
        raise WrongWay
    if way.how == EMAIL:
        if not mails(visit.door):
            raise NoMail
        if not notices.EMAIL.fullmatch(way.email):
            raise errors.Invalid("This e-mail address is not one.")


async def give(visit: Visit, patient: str, document: str, way: Way = BY_HAND) -> Given:
    """A code for this person, whose document is before you; patient: id of their Patient."""
    door, actor = visit.door, visit.actor
    _allowed(visit, document, way)
    place = door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise errors.NotFound
    cid = place[0]
    lines = await envelope.address(visit, cid) if way.how == LETTER else ()
    if way.how == LETTER and len(lines) < envelope.LEAST:
        raise NoAddress
    async with door.pool.connection() as conn, conn.transaction():
        known = await access.identity(conn, cid)
        if known is None or known.quarantined:
            raise errors.NotFound
        cids = await together(visit, conn, cid)
        sub = (await (await conn.execute(queries.SUBJECT_OF, (list(cids),))).fetchone() or [""])[0]
        order = Order(
            sub, way.how, document, actor.sub, kind=way.kind, cid=cid, born=known.birth_date,
            email=_kept(way),
        )  # fmt: skip
        made = await minting.mint(door, conn, order, known.shown_name)
        trace = visit.trace(ACTS[way.kind], f"seen-{document}")
        await audit.write(conn, trace, granted=True, cids=[cid])
    return replace(made, address=lines)


async def give_account(visit: Visit, sub: str, document: str, way: Way = BY_HAND) -> Given:
    """A code for the account of a professional, assistant, helper or operator; another operator gives it.

    Its number is said by voice: it is on no sheet, letter or e-mail.
    """
    _allowed(visit, document, way)
    if sub == visit.actor.sub:
        raise OneOfYours
    if way.how == LETTER and len(way.lines) < envelope.LEAST - 1:  # the name is known
        raise NoAddress
    async with visit.door.pool.connection() as conn, conn.transaction():
        known = await _working(conn, sub)
        order = Order(
            sub, way.how, document, visit.actor.sub, kind=way.kind, email=_kept(way)
        )  # fmt: skip
        made = await minting.mint(visit.door, conn, order, known.name)
        trace = visit.trace(ACTS[way.kind], f"seen-{document}")
        await audit.write(conn, trace, granted=True, cids=[])
    return replace(made, address=(known.name, *way.lines) if way.how == LETTER else ())


async def by_command(door: Door, sub: str, kind: str = ACCOUNT) -> Given:
    """A code for an operator, by who holds the machine: the first one, or the last one left."""
    actor = Actor(ActorKind.OPERATOR, "command", "", "carnet-account", purpose="HSYSADMIN")
    visit = Visit(door, actor, secrets.token_hex(8))
    async with door.pool.connection() as conn, conn.transaction():
        known = await _working(conn, sub)
        if known.kind != ActorKind.OPERATOR:
            raise errors.NotFound
        made = await minting.mint(
            door, conn, Order(sub, COMMAND, COMMAND, COMMAND, kind), known.name
        )
        await audit.write(conn, visit.trace(ACTS[kind], COMMAND), granted=True, cids=[])
    return made


async def _working(conn: AsyncConnection[object], sub: str) -> Subject:
    """Whose account it is; patients are proven by their card, software has keys."""
    known = await access.subject(conn, sub)
    if known is None or known.kind not in WORKING:
        raise errors.NotFound
    return known


def _kept(way: Way) -> str:
    return way.email.lower() if way.how == EMAIL else ""
