# SPDX-License-Identifier: EUPL-1.2
"""A mail that came finds its place: the record it is about, the tray of its mailbox, or the citizen's thread.

Filed by itself only when the sender is a professional or an organisation known here, and every document of
it names one verified identity; else somebody looks (*to attach*). The publishing is given by who puts the
parts together: it keeps once what is brought twice, so that a crash between the two files nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog
from psycopg import AsyncConnection

from carnet import errors
from carnet.access import notices
from carnet.access.door import Door, platform
from carnet.exchange import archive, eml, xdm
from carnet.exchange.parts import Part
from carnet.messaging import address, queries, spool
from carnet.messaging.answer import came_back
from carnet.messaging.envelope import Letter, judged
from carnet.messaging.queries import Delivery

log = structlog.get_logger("carnet.messaging")

MOST: Final = 1000  # of one look
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
TRIES: Final = 8  # of what fails for a reason of ours; then somebody looks
FURNITURE: Final = (".xsl", ".xslt", ".css")


class NotVerified(errors.BusinessRule):
    """The documents of this mail do not all name one verified person: somebody attaches them."""


class NothingInside(errors.BusinessRule):
    """There is no document in this mail."""


@dataclass(frozen=True, slots=True)
class Filed:
    """Where the documents of a mail are."""

    cid: int
    rid: int  # of the first


# What publishes: who deposits (a subject), the documents, the number the mail's header claims, and the
# FHIR id of the record somebody chose ("" when the documents must say it).
Publish = Callable[[str, Sequence[Part], str, str], Awaitable[Filed]]
# What is told back once a mail has found its place: its state, and why it is not filed.
Answer = Callable[[AsyncConnection[Any], Delivery, Letter, str, Exception | None], Awaitable[None]]


async def file(door: Door, publish: Publish, answer: Answer | None = None) -> int:
    """Place every mail that waits; returns how many were filed in a record."""
    filed = 0
    for _ in range(MOST):
        one = await _next(door, publish, answer)
        if one is None:
            break
        filed += one
    return filed


def documents(letter: Letter) -> list[Part]:
    """The documents of a mail's XDM, with what its metadata say of each; none when it brings no XDM."""
    found: list[Part] = []
    for part in eml.read(letter.message.as_bytes()).parts:
        if archive.looks(part.data):
            opened = archive.read(part.data)
            if xdm.looks(opened.parts):
                found += xdm.read(opened).parts
    return [
        each
        for each in found
        if each.name.upper().split("/")[-1]
        not in ("INDEX.HTM", "INDEX.HTML", "README.TXT", "README.HTM", xdm.METADATA)
        and not each.name.lower().endswith(FURNITURE)
    ]


async def _next(door: Door, publish: Publish, answer: Answer | None) -> bool | None:
    now = door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        values = {"now": now, "state": "received"}
        claimed = await queries.deliveries(conn, queries.CLAIM, values)
        if not claimed:
            return None
        one = claimed[0]
        letter = await asyncio.to_thread(judged, spool.opened(door, one), one.sender)
        why: Exception | None = None
        try:
            state, filed = await _placed(door, conn, publish, one, letter)
        except Exception as error:  # one mail must not hold up those behind it
            refused = isinstance(error, errors.CarnetError) and not isinstance(
                error, errors.Transient
            )
            if not refused:
                log.warning("mail not placed", id=one.id, error=type(error).__name__)
            if not refused and one.tries + 1 < TRIES:
                wait = min(FIRST_WAIT * 2**one.tries, LONGEST_WAIT)
                later = {"id": one.id, "failed": type(error).__name__, "next_try": now + wait}
                await platform.enter(door, conn)
                await conn.execute(queries.LATER, later)
                return False
            state, filed, why = "to-attach", None, error
        await platform.enter(door, conn)
        failed = type(why).__name__ if why is not None else None
        rid = filed.rid if filed is not None and filed.rid else None
        done = {"id": one.id, "state": state, "failed": failed, "rid": rid, "now": now}
        await conn.execute(queries.DONE, done)
        if filed is not None:
            await conn.execute(queries.SPEAKS_OF, (filed.cid, one.message))
        if filed is not None and state == "kept":  # in a citizen's own mailbox
            await notices.send(
                door, conn, filed.cid, "message-arrived", key=f"message:{one.message}"
            )
        if answer is not None:
            await answer(conn, one, letter, state, why)
        log.info("mail placed", id=one.id, state=state, why=failed)
        return state == "filed"


async def _placed(
    door: Door, conn: AsyncConnection[Any], publish: Publish, one: Delivery, letter: Letter
) -> tuple[str, Filed | None]:
    """The state of a mail once it has found its place, and its record."""
    if letter.automatic and await came_back(door, conn, letter):
        return "kept", None
    own = address.read(one.address)
    if own.matricule:
        cid = await queries.patient(conn, own.matricule)
        return "kept", Filed(cid, 0) if cid is not None else None
    parts = documents(letter)
    if not parts:
        if letter.documents:
            raise NothingInside
        return "kept", None
    return "filed", await publish(await depositor(conn, one.sender), parts, _claimed(letter), "")


async def depositor(conn: AsyncConnection[Any], sender: str) -> str:
    """The account in whose name a sender's documents are deposited; NotVerified for nobody known."""
    box = await queries.mailbox(conn, sender)
    found = await queries.subject_of(conn, box) if box is not None else None
    if found is None:
        raise NotVerified
    return found


def _claimed(letter: Letter) -> str:
    return str(letter.message.get("x-mss-ins", "")).strip()[:32]
