# SPDX-License-Identifier: EUPL-1.2
"""What a mail is judged by before it is taken: its line ends, its headers, who it says it is from.

Two readers that understood a mail differently could be told different things by it (smuggling, several
From): what is ambiguous is refused, never repaired.
Source: RFC 5321 2.3.8 and 4.1.1.4, RFC 5322 3.6; ANS, CI-SIS (X-MSS-* headers, subject XDM/1.0/DDM+).
"""

from __future__ import annotations

import email
import re
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from typing import Final

from carnet import errors
from carnet.messaging import address
from carnet.messaging.address import Address, WrongAddress

BARE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")
NUMBER: Final = re.compile(r"<[!-;=?-~]{1,240}@[!-;=?-~]{1,240}>")
ONCE: Final = (
    "from", "sender", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references",
    "mime-version", "content-type", "content-transfer-encoding", "disposition-notification-to",
    "x-mss-ins", "x-mss-mes",
)  # fmt: skip
HEADERS: Final = 64 * 1024  # bytes
XDM: Final = "XDM/1.0/DDM+"
END: Final = "FIN"  # X-MSS-MES: the patient may not answer


class BareLineEnd(errors.Invalid):
    """A line of the mail does not end by CR LF."""


class WrongHeaders(errors.Invalid):
    """The headers of the mail are not those of RFC 5322: one From, one Message-ID, nothing twice."""


class OtherSender(errors.Forbidden):
    """The mail is not from the mailbox that sends it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that was judged, with what its headers say."""

    message: EmailMessage
    sender: Address
    number: str  # Message-ID
    subject: str
    answers: tuple[str, ...]  # Message-IDs of In-Reply-To and References
    receipt_to: Address | None  # whoever asks to be told it was read
    closed: bool  # the patient may not answer

    @property
    def automatic(self) -> bool:
        """Whether a program sent it, which is answered by none."""
        said = str(self.message.get("auto-submitted", "no")).partition(";")[0].strip().lower()
        return said != "no" or self.message.get_content_type() == "multipart/report"

    @property
    def documents(self) -> bool:
        """Whether it brings an XDM, by its subject."""
        return self.subject.upper().startswith(XDM)


def judged(data: bytes, envelope_from: str) -> Letter:
    """Read a mail; refused when it is ambiguous, or not from the mailbox of its envelope.

    envelope_from: address of MAIL FROM; empty for a notice, whose From is then told as it is.
    """
    if BARE.search(data) or b"\0" in data:
        raise BareLineEnd
    head, separator, _ = data.partition(b"\r\n\r\n")
    if not separator or len(head) > HEADERS:
        raise WrongHeaders
    message = email.message_from_bytes(data, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    try:
        names = [name.lower() for name in message.keys()]  # noqa: SIM118 (keys twice matter)
        if message.defects or any(names.count(each) > 1 for each in ONCE):
            raise WrongHeaders
        sender = _only(message, "from")
        number = str(message.get("message-id", "")).strip()
        subject = " ".join(str(message.get("subject", "")).split())
        asked = message.get("disposition-notification-to")
        answers = re.findall(
            r"<[^<>\s]{3,500}>",
            f"{message.get('in-reply-to', '')} {message.get('references', '')}",
        )
        closed = str(message.get("x-mss-mes", "")).strip().upper() == END
        receipt = _only(message, "disposition-notification-to") if asked else None
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        raise WrongHeaders from None
    if sender is None or not NUMBER.fullmatch(number):
        raise WrongHeaders
    if envelope_from and sender != address.read(envelope_from):
        raise OtherSender
    if receipt is not None and receipt != sender:  # a notice goes to who wrote, and to nobody else
        receipt = None
    return Letter(message, sender, number, subject, tuple(answers[-20:]), receipt, closed)


def _only(message: EmailMessage, name: str) -> Address | None:
    """The one address of a header; None when there is none, WrongHeaders for several."""
    header = message.get(name)
    if header is None:
        return None
    found = header.addresses if hasattr(header, "addresses") else None
    if found is None:
        parsed = policy.SMTP.header_factory("to", str(header))
        found = parsed.addresses
    if len(found) != 1 or getattr(header, "defects", None):
        raise WrongHeaders
    try:
        return address.read(found[0].addr_spec)
    except WrongAddress:
        raise WrongHeaders from None
