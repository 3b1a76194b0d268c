# SPDX-License-Identifier: EUPL-1.2
"""Another operator's mail server, for tests: it keeps what it is given and refuses what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from carnet.messaging.certificates import files
from carnet.messaging.submit import context_of


@dataclass
class Peer:
    """What it was given: address, Message-ID as bytes of the whole mail."""

    answers: list[str] = field(default_factory=list)  # to the next mails; 250 when there is none
    given: list[tuple[str, bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.given += [(each, envelope.content) for each in envelope.rcpt_tos]
        return "250 OK"


@asynccontextmanager
async def listening(folder: Path, port: int, name: str = "cabinet") -> AsyncIterator[Peer]:
    """Until left; it asks for a certificate of the same authority."""
    made = Peer()
    loop = asyncio.get_running_loop()
    tls = context_of(files(folder, name), server=True)

    def protocol() -> SMTP:
        return SMTP(made, hostname=name, tls_context=tls, require_starttls=True, loop=loop)

    server = await loop.create_server(protocol, "127.0.0.1", port)
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
