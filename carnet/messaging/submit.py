# SPDX-License-Identifier: EUPL-1.2
"""Mail in, by SMTP: from the servers of the trust list alone, by their certificate, for our addresses alone.

A mail is answered 250 once it is in the spool, on the disk. What cannot be understood in one way only is
refused. aiosmtpd ends a mail at CR LF . CR LF alone; what it lets through inside is judged here.
Source: RFC 5321, RFC 3207 (STARTTLS); DESIGN §9.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from psycopg_pool import PoolTimeout

from carnet import errors
from carnet.access.door import Door, platform
from carnet.exchange import archive, eml
from carnet.messaging import address, queries, replies, spool
from carnet.messaging.address import WrongAddress
from carnet.messaging.certificates import Files
from carnet.messaging.envelope import Letter, WrongHeaders, judged
from carnet.messaging.threads import may_write
from carnet.messaging.trust import TrustList, names_of

log = structlog.get_logger("carnet.messaging")

MOST: Final = 100  # recipients of one mail
UNKNOWN: Final = 5  # mailboxes that do not exist, before the connection ends
IDLE: Final = 60  # seconds without a word
ROOM: Final = 64 * 1024 * 1024  # bytes the archives of a mail may hold


@dataclass
class Receiver:
    """What judges each step of a connection; one for a server. domain: ours."""

    door: Door
    trust: TrustList
    domain: str

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, given: str, options: list[str]
    ) -> str:
        """MAIL FROM: a domain of the list, for which the certificate of this connection speaks."""
        names = peer(session)
        if not names or not self.trust.known(names):
            return replies.NO_TLS
        if given in ("", "<>"):  # a notice
            envelope.mail_from = "<>"
            return replies.FINE
        try:
            sender = address.read(given)
        except WrongAddress as refusal:
            return replies.refusal(refusal)
        if sender.domain == self.domain or not self.trust.speaks_for(names, sender.domain):
            return replies.NOT_TRUSTED
        envelope.mail_from = str(sender)
        envelope.mail_options.extend(options)
        return replies.FINE

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, given: str, options: list[str]
    ) -> str:
        """RCPT TO: a mailbox of this server."""
        if len(envelope.rcpt_tos) >= MOST:
            return replies.TOO_MANY
        try:
            wanted = address.read(given)
        except WrongAddress as refusal:
            return replies.refusal(refusal)
        if wanted.domain not in (self.domain, address.PATIENT + self.domain):
            return replies.NO_RELAY
        try:
            known = await self._known(wanted)
        except (psycopg.Error, PoolTimeout):
            return replies.LATER
        if not known:
            return self._counted(server, session)
        if str(wanted) not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(str(wanted))
        return replies.FINE

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The whole mail: judged, then in the spool, then answered."""
        data = envelope.content
        assert isinstance(data, bytes)
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        try:
            letter = await asyncio.to_thread(examined, data, sender)
            if not sender and not self.trust.speaks_for(peer(session), letter.sender.domain):
                return replies.NOT_TRUSTED
            own = address.read(sender) if sender else letter.sender
            if own.matricule:
                async with self.door.pool.connection() as conn, conn.transaction():
                    await platform.enter(self.door, conn)
                    await may_write(self.door, conn, own, envelope.rcpt_tos, letter)
            states = [(each, "received") for each in envelope.rcpt_tos]
            put = spool.Put("in", sender, letter.number, data, states)
            new = await spool.put(self.door, put)
        except errors.CarnetError as refusal:
            log.info("mail refused", why=type(refusal).__name__)
            return replies.refusal(refusal)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("mail not taken", error=type(error).__name__)
            return replies.LATER
        log.info("mail taken", size=len(data), deliveries=new)
        return replies.TAKEN

    async def handle_exception(self, error: Exception) -> str:
        """Nothing of an error leaves, its text least of all."""
        log.warning("mail connection failed", error=type(error).__name__)
        return replies.LATER

    async def _known(self, wanted: address.Address) -> bool:
        async with self.door.pool.connection() as conn:
            if wanted.matricule:
                return await queries.patient(conn, wanted.matricule) is not None
            box = await queries.mailbox(conn, str(wanted))
        return box is not None and box.local

    def _counted(self, server: SMTP, session: Session) -> str:
        """Addresses are not to be found by trying them."""
        tries = getattr(session, "unknown", 0) + 1
        session.unknown = tries  # type: ignore[attr-defined]
        if tries <= UNKNOWN:
            return replies.NOBODY
        asyncio.get_running_loop().call_later(0.1, _end, server)
        return replies.TOO_MANY_UNKNOWN


def examined(data: bytes, sender: str) -> Letter:
    """A mail that was judged, and whose archives hold no more than they may; nothing is unpacked."""
    left = ROOM
    try:
        letter = judged(data, sender)
        for part in eml.read(data).parts:
            if archive.looks(part.data):
                left -= sum(len(each.data) for each in archive.read(part.data, left).parts)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        raise WrongHeaders from None  # what no reader of mails gets through
    return letter


def peer(session: Session) -> list[str]:
    """The names of the certificate of a connection; none before STARTTLS."""
    told: Any = session.ssl
    return names_of(told.get("peercert") or {}) if told else []


def context_of(held: Files, *, server: bool) -> ssl.SSLContext:
    """TLS 1.2 or later, both sides with a certificate of the authority."""
    purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
    made = ssl.create_default_context(purpose, cafile=held.authority)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_cert_chain(held.certificate, held.key)
    return made


async def listen(
    receiver: Receiver, host: str, port: int, tls: ssl.SSLContext, limit: int
) -> asyncio.Server:
    """Serve SMTP. limit: bytes of one mail."""
    logging.getLogger("mail.log").setLevel(
        logging.CRITICAL
    )  # it tells addresses and words of mails
    loop = asyncio.get_running_loop()

    def made() -> SMTP:
        return SMTP(
            receiver,
            hostname=receiver.domain,
            ident="Carnet",
            data_size_limit=limit,
            tls_context=tls,
            require_starttls=True,
            timeout=IDLE,
            command_call_limit={"RCPT": 4 * MOST, "MAIL": 100, "DATA": 100, "*": 20},
            loop=loop,
        )

    return await loop.create_server(made, host, port)


def _end(server: SMTP) -> None:
    if server.transport is not None:
        server.transport.close()
