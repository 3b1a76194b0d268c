# SPDX-License-Identifier: EUPL-1.2
"""A mail server, where the installation names one: what is put there has left when it was taken."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path

from carnet.config import MailTls, Settings

SECONDS = 20.0  # for each answer of the server


class Server:
    """Speaks SMTP, in TLS by the certificates this machine trusts, a connection for each message."""

    def __init__(self, settings: Settings, trust: ssl.SSLContext | None = None) -> None:
        self._settings, self._trust = settings, trust

    def put(self, number: int, message: EmailMessage) -> None:
        """Taken by the server, or OSError (of which smtplib's errors are)."""
        said = self._settings
        with self._opened() as server:
            if said.mail_tls is MailTls.STARTTLS:
                server.starttls(context=self._context())
            if said.mail_user:
                password = Path(said.mail_password_file).read_text("utf-8").rstrip("\r\n")
                server.login(said.mail_user, password)
            server.send_message(message)

    def _opened(self) -> smtplib.SMTP:
        said = self._settings
        if said.mail_tls is MailTls.TLS:
            return smtplib.SMTP_SSL(
                said.mail_host, said.mail_port, timeout=SECONDS, context=self._context()
            )
        return smtplib.SMTP(said.mail_host, said.mail_port, timeout=SECONDS)

    def _context(self) -> ssl.SSLContext:
        return self._trust or ssl.create_default_context()
