# SPDX-License-Identifier: EUPL-1.2
"""The tray: what leaves, and the letters to print and post. Who posts one says so, and the log names them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import audit
from carnet.access.actor import Actor
from carnet.access.door import Door, Visit, platform
from carnet.notices import queries
from carnet.notices.queries import Outgoing
from carnet.notices.render import render, spoken

MOST = 200  # lines of the tray


class NoNotice(errors.NotFound):
    """No notice has this number."""


class NoLetter(errors.NotFound):
    """No letter has this number."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it is printed; or an e-mail as it left."""

    id: int
    channel: str
    to: tuple[str, ...]  # lines of the address, or the e-mail address
    day: str
    subject: str
    paragraphs: tuple[str, ...]
    at: datetime
    sent: datetime | None
    failed: str
    language: str


async def tray(door: Door) -> list[Letter]:
    """What was written last, the newest first; of a demonstration or of the operator who posts."""
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        found = await queries.fetched(conn, queries.TRAY, {"limit": MOST})
        return [_letter(door, each, (each.email or "",)) for each in found]


async def letter(door: Door, number: int, by: Actor | None = None) -> Letter:
    """One of them, with the address of its reader; by: the operator who opens it, none the platform."""
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        found = await queries.fetched(conn, queries.ONE, {"id": number})
        if not found:
            raise NoNotice
        one = found[0]
        if one.channel == "email":
            to: tuple[str, ...] = (one.email or "",)
        elif one.reader.startswith("rpps:"):
            rpps = int(one.reader.removeprefix("rpps:"))
            row = await (await conn.execute(queries.READER, (rpps,))).fetchone()
            to = tuple(filter(None, row)) if row else ()
        else:
            to = await _address(door, conn, one.cid)
        if one.channel == "letter":
            visit, rule = _visit(door, by)
            trace = visit.trace("letter", rule)
            await audit.write(conn, trace, granted=True, cids=_record(one))
    return _letter(door, one, to)


async def posted(door: Door, number: int, by: Actor | None = None) -> None:
    """The letter was posted: what it announces runs from now; by: the operator who says so."""
    now = door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        found = await queries.fetched(conn, queries.ONE, {"id": number})
        if not found or found[0].channel != "letter":
            raise NoLetter
        sent = await conn.execute(queries.SENT, {"id": number, "now": now})
        if sent.rowcount:
            visit, rule = _visit(door, by)
            trace = visit.trace("letter-posted", rule)
            await audit.write(conn, trace, granted=True, cids=_record(found[0]))


def _visit(door: Door, by: Actor | None) -> tuple[Visit, str]:
    """The visit of who posts, and the rule they do it by."""
    if by is None:
        return platform.visit(door, "notices"), "platform-notices"
    return Visit(door, by, secrets.token_hex(8)), "operator-posts"


def _record(one: Outgoing) -> list[int]:
    """Whose record the trace names: that a professional was written to is not said in any."""
    return [] if one.reader.startswith("rpps:") else [one.cid]


async def _address(door: Door, conn: AsyncConnection[Any], cid: int) -> tuple[str, ...]:
    patient = await platform.patient(door, conn, cid)
    if patient is None:
        return ()
    names = patient.get("name") or [{}]
    used = next((each for each in names if each.get("use") == "usual"), names[0])
    name = " ".join([*used.get("given", [])[:1], used.get("family", "")]).strip()
    where = (patient.get("address") or [{}])[0]
    town = f"{where.get('postalCode', '')} {where.get('city', '')}".strip()
    return tuple(filter(None, (name, *where.get("line", []), town)))


def _letter(door: Door, one: Outgoing, to: tuple[str, ...]) -> Letter:
    rendered = render(door, one)
    return Letter(
        id=one.id,
        channel=one.channel,
        to=to,
        day=spoken(one.at.date(), one.language),
        subject=rendered.subject,
        paragraphs=tuple(rendered.text.split("\n\n")),
        at=one.at,
        sent=one.sent,
        failed=one.failed or "",
        language=one.language,
    )
