# SPDX-License-Identifier: EUPL-1.2
"""E-mails about accounts leave: each is claimed, sent, and its row goes with its seed, in one transaction.

A crash after the sending sends the same again, under the same Message-ID and with the same code. A mail
server that is away is tried again until the message is of no use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import structlog
from psycopg.rows import class_row

from carnet.access.door import Door, platform
from carnet.accounts import minting, queries, recover
from carnet.accounts.mails import templates

log = structlog.get_logger("carnet.accounts")
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=30)
MOST = 1000  # of one look
KEPT = timedelta(days=2)  # a file of a demonstration
Put = Callable[[int, EmailMessage], None]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of access.mail."""

    id: int
    template: str
    email: str
    language: str
    seed: bytes | None
    number: bytes | None
    at: datetime
    until: datetime
    tries: int


def message_of(door: Door, one: Waiting) -> EmailMessage:
    """Plain text; no name, no picture, no link that enters."""
    template = templates()[one.template]
    said = template.texts["en" if one.language == "en" else "fr"]
    named: dict[str, object] = {"link": door.settings.base_url.rstrip("/")}
    if template.code and one.seed is not None:
        named["code"] = minting.seeded(door, bytes(one.seed))
        named["hours"] = round((one.until - one.at) / timedelta(hours=1))
    message = EmailMessage()
    message["From"] = door.settings.sender
    message["To"] = one.email
    message["Subject"] = said.subject
    message["Date"] = format_datetime(one.at)
    message["Message-ID"] = f"<account.{one.id}@{door.settings.sender.split('@')[-1].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = one.language
    message.set_content(said.text.strip().format(**named) + "\n")
    return message


async def deliver(door: Door, put: Put) -> int:
    """Send what is due; returns how many left."""
    sent = 0
    for _ in range(MOST):
        one = await _next(door, put)
        if one is None:
            break
        sent += one
    return sent


def forget(folder: Path, now: datetime) -> int:
    """Files of a demonstration older than the longest code they may bear go; how many."""
    removed = 0
    for path in folder.glob("*.eml"):
        if path.stat().st_mtime < (now - KEPT).timestamp():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


async def _next(door: Door, put: Put) -> bool | None:
    now = door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        async with conn.cursor(row_factory=class_row(Waiting)) as cur:
            await cur.execute(queries.CLAIM_MAIL, {"now": now})
            one = await cur.fetchone()
        if one is None:
            return None
        left = False
        if one.until <= now:
            log.warning(
                "e-mail about an account not sent in time", id=one.id, template=one.template
            )
        elif one.template == recover.LOST:
            await recover.resolve(door, conn, one.email, one.number or b"")
        else:
            try:
                await asyncio.to_thread(put, one.id, message_of(door, one))
            except (OSError, ValueError) as wrong:
                failed = type(wrong).__name__
                log.warning("e-mail about an account not sent", id=one.id, error=failed)
                wait = min(FIRST_WAIT * 2 ** min(one.tries, 10), LONGEST_WAIT)
                values = {"id": one.id, "failed": failed, "next_try": now + wait}
                await conn.execute(queries.MAIL_FAILED, values)
                return False
            left = True
        await conn.execute(queries.MAIL_GONE, {"id": one.id})
    return left
