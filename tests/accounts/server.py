# SPDX-License-Identifier: EUPL-1.2
"""A real mail server (aiosmtpd) on this machine: with TLS, a log-in, and moments when it is away."""

from __future__ import annotations

import email
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Protocol
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "carnet", "un secret du serveur"


class Mailbox:
    """What arrived; answer: what is said instead of taking it."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.sessions: list[Session] = []
        self.answer = ""

    async def handle_DATA(self, server: Protocol, session: Session, envelope: Envelope) -> str:
        """One message."""
        if self.answer:
            return self.answer
        content = cast(bytes, envelope.content)
        self.got.append(email.message_from_bytes(content, policy=default))
        self.sessions.append(session)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """Those to an address, in order."""
        return [each for each in self.got if each["To"] == address]


def _knows(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    right = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=given == right, handled=False)


@contextmanager
def served(
    folder: Path, *, tls: str = "none", log_in: bool = False
) -> Iterator[tuple[Mailbox, int, ssl.SSLContext | None]]:
    """A server, its port, and what a client trusts."""
    mailbox, made = Mailbox(), None if tls == "none" else _certified(folder)
    given: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0}
    if log_in:
        given |= {
            "authenticator": _knows,
            "auth_required": True,
            "auth_require_tls": tls == "starttls",
        }
    if made and tls == "starttls":
        given |= {"tls_context": made[0], "require_starttls": True}
    if made and tls == "tls":
        given |= {"ssl_context": made[0]}
    controller = _Anywhere(mailbox, **given)
    controller.start()
    try:
        yield mailbox, controller.port, made[1] if made else None
    finally:
        controller.stop()


class _Anywhere(Controller):
    """On a port that the system chooses."""

    def _trigger_server(self) -> None:
        self.port = cast(Any, self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate of this test for localhost: of the server, and of who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    both = folder / "server.pem"
    both.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(both)
    trusted = made.public_bytes(serialization.Encoding.PEM).decode()
    return server, ssl.create_default_context(cadata=trusted)
