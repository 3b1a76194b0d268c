# SPDX-License-Identifier: EUPL-1.2
"""Mails leave, once: each is claimed, handed to the server of its domain, then marked.

Claim, sending and mark are one transaction that waits for the other server. A crash after its 250 sends
the same Message-ID again, by which a receiver knows it for the same mail. What cannot be delivered comes
back to its sender as a notice (RFC 3464) in their own mailbox, never to an address a mail claims.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.policy import SMTP
from typing import Any, Final

import structlog
from psycopg import AsyncConnection

from carnet.access.door import Door, platform
from carnet.messaging import address, queries, receipts, spool
from carnet.messaging.queries import Delivery
from carnet.messaging.trust import Domain, TrustList, names_of

log = structlog.get_logger("carnet.messaging")

MOST: Final = 1000  # of one look
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=4)
GIVEN_UP: Final = timedelta(days=5)  # RFC 5321 4.5.4.1
PATIENCE: Final = 30  # seconds another server may take for an answer


class NotTheirs(OSError):
    """The server's certificate is not that of the domain."""


class Refused(Exception):
    """The other server refused it for good. code: of RFC 5321."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True)
class Out:
    """What mails leave by. tls: with our certificate; domain: ours."""

    trust: TrustList
    domain: str
    tls: ssl.SSLContext
    before: Callable[[], None] = lambda: None  # tests stop here, after the other's 250

    def put(self, one: Delivery, data: bytes) -> None:
        """Hand a mail to the server of its domain; OSError to try again, Refused for good."""
        found = self.trust.find(address.read(one.address).domain)
        if found is None:  # taken off the list meanwhile
            raise Refused(550)
        try:
            self._put(found, one, data)
        except smtplib.SMTPRecipientsRefused as refusal:
            raise _kind(next(iter(refusal.recipients.values()))[0]) from None
        except smtplib.SMTPResponseException as refusal:
            raise _kind(refusal.smtp_code) from None
        except smtplib.SMTPException as wrong:
            raise OSError(type(wrong).__name__) from None

    def _put(self, to: Domain, one: Delivery, data: bytes) -> None:
        with smtplib.SMTP(to.server, to.port, self.domain, timeout=PATIENCE) as client:
            client.starttls(context=self.tls)
            client.ehlo(self.domain)
            assert isinstance(client.sock, ssl.SSLSocket)
            if to.certificates.isdisjoint(names_of(client.sock.getpeercert() or {})):
                raise NotTheirs
            client.sendmail(one.sender, [one.address], data)
        self.before()


async def deliver(door: Door, out: Out) -> int:
    """Send what is due; returns how many left."""
    sent = 0
    for _ in range(MOST):
        one = await _next(door, out)
        if one is None:
            break
        sent += one
    return sent


async def _next(door: Door, out: Out) -> bool | None:
    now = door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        values = {"now": now, "state": "waiting"}
        claimed = await queries.deliveries(conn, queries.CLAIM, values)
        if not claimed:
            return None
        one = claimed[0]
        data = spool.opened(door, one)
        try:
            await asyncio.to_thread(out.put, one, data)
        except Refused as refusal:
            await _given_up(door, out, conn, one, data, str(refusal.code))
            return False
        except (OSError, ValueError) as wrong:
            code = type(wrong).__name__
            log.warning("mail not sent", id=one.id, error=code)
            if now - one.at >= GIVEN_UP:
                await _given_up(door, out, conn, one, data, code)
                return False
            wait = min(FIRST_WAIT * 2 ** min(one.tries, 16), LONGEST_WAIT)
            later = {"id": one.id, "failed": code, "next_try": now + wait}
            await conn.execute(queries.LATER, later)
            return False
        await platform.enter(door, conn)  # the other server may have taken its time
        done = {"id": one.id, "state": "sent", "failed": None, "rid": None, "now": now}
        await conn.execute(queries.DONE, done)
    return True


async def _given_up(
    door: Door, out: Out, conn: AsyncConnection[Any], one: Delivery, data: bytes, code: str
) -> None:
    """It will not be sent: its sender is told, in their own mailbox."""
    await platform.enter(door, conn)
    now = door.clock()
    done = {"id": one.id, "state": "failed", "failed": code, "rid": None, "now": now}
    await conn.execute(queries.DONE, done)
    log.warning("mail given up", id=one.id, code=code)
    if not one.sender:
        return  # a notice of a notice there is none
    notice = receipts.not_delivered(out.domain, one, data, code, now)
    number = str(notice["Message-ID"])
    put = spool.Put("in", "", number, notice.as_bytes(policy=SMTP), [(one.sender, "kept")], one.cid)
    await spool.put_in(door, conn, put)


def _kind(code: int) -> Exception:
    return Refused(code) if 500 <= code < 600 else OSError(str(code))
