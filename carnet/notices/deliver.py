# SPDX-License-Identifier: EUPL-1.2
"""E-mails leave, once: each is claimed, written, then marked, in a transaction of its own.

A crash after the writing writes the same file again: its name is the notice's number, and so is the
e-mail's Message-ID, by which any receiver knows it for the same.
"""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

import structlog

from carnet.access.door import Door, platform
from carnet.notices import queries
from carnet.notices.queries import Outgoing
from carnet.notices.render import render

log = structlog.get_logger("carnet.notices")
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=12)
BY_POST = 8  # tries, about four hours: what cannot be sent becomes a letter
MOST = 1000  # of one look


class Mail(Protocol):
    """Where e-mails go; one that is put twice arrives once."""

    def put(self, number: int, message: EmailMessage) -> None:
        """Take it for good, or raise OSError."""


class Folder:
    """A file for each e-mail: the only way out of a demonstration."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, number: int, message: EmailMessage) -> None:
        """Written beside, synced, then named: half a file is never seen."""
        self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path / f"{number}.eml"
        temporary = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes(policy=SMTP))
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def numbers(self) -> list[int]:
        """Those that are there."""
        return [int(path.stem) for path in self._path.glob("*.eml") if path.stem.isdigit()]

    def remove(self, number: int) -> None:
        """Forget one."""
        (self._path / f"{number}.eml").unlink(missing_ok=True)


def message_of(door: Door, notice: Outgoing) -> EmailMessage:
    """The e-mail: plain text, no picture, no link that tells who followed it."""
    rendered = render(door, notice)
    host = door.settings.base_url.split("//")[-1].split("/")[0].split(":")[0]
    message = EmailMessage()
    message["From"] = door.settings.sender
    message["To"] = notice.email or ""
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(notice.at)
    message["Message-ID"] = f"<notice.{notice.id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = notice.language
    message.set_content(rendered.text + "\n")
    return message


async def sweep_folder(door: Door, folder: Folder) -> int:
    """E-mails whose notice is no more (an erased record) go; returns how many."""
    removed = 0
    numbers = iter(await asyncio.to_thread(folder.numbers))
    while batch := list(islice(numbers, MOST)):
        async with door.pool.connection() as conn, conn.transaction():
            await platform.enter(door, conn)
            cursor = await conn.execute(queries.KNOWN, (batch,))
            known = {number for (number,) in await cursor.fetchall()}
        for number in set(batch) - known:
            await asyncio.to_thread(folder.remove, number)
            removed += 1
    return removed


async def deliver(door: Door, mail: Mail) -> int:
    """Send what is due; returns how many left. What fails is tried again, then becomes a letter."""
    sent = 0
    for _ in range(MOST):
        one = await _next(door, mail)
        if one is None:
            break
        sent += one
    return sent


async def _next(door: Door, mail: Mail) -> bool | None:
    now = door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        found = await queries.fetched(conn, queries.CLAIM, {"now": now})
        if not found:
            return None
        notice = found[0]
        try:
            if not notice.email:
                raise NoAddress
            await asyncio.to_thread(mail.put, notice.id, message_of(door, notice))
        except (OSError, ValueError) as wrong:
            failed = type(wrong).__name__
            log.warning("notice not sent", id=notice.id, error=failed)
            wait = min(FIRST_WAIT * 2**notice.tries, LONGEST_WAIT)
            post = notice.tries + 1 >= BY_POST or isinstance(wrong, NoAddress)
            values = {"id": notice.id, "failed": failed, "next_try": now + wait, "by_post": post}
            await conn.execute(queries.FAILED, values)
            return False
        await conn.execute(queries.SENT, {"id": notice.id, "now": now})
    return True


class NoAddress(ValueError):
    """There is no address any more: the notice becomes a letter."""
