# SPDX-License-Identifier: EUPL-1.2
"""A mail: its text, its attachments, the mails inside it.

A signature is kept as the file it is and said not verified; what is encrypted is said unread. What a
mail says of who sent it proves nothing.
Source: RFC 5322, RFC 2045 to 2047, RFC 8551 (S/MIME).
"""

from __future__ import annotations

import email
import re
from email import policy
from email.message import EmailMessage
from typing import Final

from carnet import errors
from carnet.exchange.parts import LARGEST, Note, Opened, Part

MOST: Final = 1000  # parts
DEEPEST: Final = 8  # mails in mails
HEADERS: Final = re.compile(
    rb"^(received|return-path|from|to|subject|date|message-id|mime-version|delivered-to|x-[a-z-]+|"
    rb"content-type|dkim-signature|reply-to|cc)[ \t]*:",
    re.IGNORECASE,
)
SIGNATURES: Final = ("application/pkcs7-signature", "application/x-pkcs7-signature")
ENVELOPES: Final = ("application/pkcs7-mime", "application/x-pkcs7-mime")
SUFFIXES: Final = {
    "application/pdf": ".pdf", "text/xml": ".xml", "application/xml": ".xml", "text/plain": ".txt",
    "text/html": ".html", "application/zip": ".zip", "image/jpeg": ".jpg", "image/png": ".png",
    "application/fhir+json": ".json", "application/json": ".json",
}  # fmt: skip

SENTENCES: Final = {
    "mail-signed": (
        "The mail is signed (S/MIME): the signature is not verified here.",
        "Le message est signé (S/MIME) : la signature n’est pas vérifiée ici.",
    ),
    "mail-encrypted": (
        "The mail, or a part of it, is encrypted (S/MIME): it is kept and cannot be read here.",
        "Le message, ou une de ses parties, est chiffré (S/MIME) : gardé, il ne peut être lu ici.",
    ),
    "mail-part-unread": (
        "This part of the mail cannot be decoded.",
        "Cette partie du message ne peut être décodée.",
    ),
    "mail-defect": (
        "The mail is not well formed; it was read as well as it could be.",
        "Le message est mal formé ; il est lu du mieux possible.",
    ),
}


class TooDeep(errors.TooLarge):
    """There are more than eight mails inside each other."""


class TooManyParts(errors.TooLarge):
    """The mail has more than 1,000 parts."""


class NotAMail(errors.Invalid):
    """The file is named .eml and is not a mail."""


def looks(data: bytes, name: str = "") -> bool:
    """Whether bytes are a mail, by their first lines or by their name."""
    if name.lower().endswith((".eml", ".msg.txt")):
        return True
    head = data[:4096].replace(b"\r\n", b"\n").split(b"\n\n")[0].split(b"\n")
    return bool(HEADERS.match(head[0])) and sum(bool(HEADERS.match(line)) for line in head) >= 3


def read(data: bytes) -> Opened:
    """The parts of a mail, and what there is to say of it."""
    message = email.message_from_bytes(data, policy=policy.default)
    if not message.keys():
        raise NotAMail
    reader = _Reader()
    reader.walk(message, "", 0)
    return Opened("mail", tuple(reader.parts), tuple(dict.fromkeys(reader.notes)), ())


class _Reader:
    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.notes: list[Note] = []
        self.names: set[str] = set()
        self.seen = 0
        self.size = 0

    def note(self, rule: str, place: str = "", severity: str = "information") -> None:
        self.notes.append(Note(rule, severity, *SENTENCES[rule], place))

    def walk(self, message: EmailMessage, where: str, depth: int) -> None:
        if depth > DEEPEST:
            raise TooDeep
        self.seen += 1
        if self.seen > MOST:
            raise TooManyParts
        kind = message.get_content_type()
        if message.defects:
            self.note("mail-defect", where, "warning")
        if kind == "message/rfc822":
            for number, inner in enumerate(_inner(message), 1):
                self.walk(inner, f"{where}message-{number}/", depth + 1)
            return
        if message.is_multipart():
            if kind == "multipart/signed":
                self.note("mail-signed", where)
            inside = [each for each in message.iter_parts() if isinstance(each, EmailMessage)]
            if kind == "multipart/alternative":  # the same text twice: the plain one is read
                plain = [each for each in inside if each.get_content_type() == "text/plain"]
                rest = [each for each in inside if each.get_content_maintype() != "text"]
                inside = [*(plain or inside[:1]), *rest]
            for each in inside:
                self.walk(each, where, depth + 1)
            return
        if kind in ENVELOPES:
            signed = str(message.get_param("smime-type") or "") == "signed-data"
            self.note("mail-signed" if signed else "mail-encrypted", where, "warning")
        if kind in SIGNATURES:
            self.note("mail-signed", where)
            return
        self.keep(message, where, kind)

    def keep(self, message: EmailMessage, where: str, kind: str) -> None:
        try:
            data = message.get_payload(decode=True)
        except (ValueError, LookupError, UnicodeError):
            data = None
        if not isinstance(data, bytes):
            self.note("mail-part-unread", where, "error")
            return
        self.size += len(data)
        if self.size > LARGEST:
            raise errors.TooLarge("The mail holds more than 256 MB.")
        attached = _name(message)
        text = message.get_content_maintype() == "text"
        if text and not attached:
            try:
                data = data.decode(message.get_content_charset() or "utf-8", "replace").encode()
            except LookupError:
                data = data.decode("utf-8", "replace").encode()
            if not data.strip():
                return
        name = attached or ("message" if text else "part") + SUFFIXES.get(kind, "")
        self.parts.append(Part(self.alone(where + name), data, kind))

    def alone(self, name: str) -> str:
        """A name that no other part has."""
        stem, dot, suffix = name.rpartition(".")
        found, number = name, 1
        while found.casefold() in self.names:
            number += 1
            found = f"{stem}-{number}.{suffix}" if dot else f"{name}-{number}"
        self.names.add(found.casefold())
        return found


def _name(message: EmailMessage) -> str:
    """The name of an attachment: its last step, without what commands a terminal."""
    try:
        given = message.get_filename() or ""
    except (ValueError, LookupError):
        given = ""
    last = str(given).replace("\\", "/").rpartition("/")[2]
    return "".join(each for each in last if each.isprintable())[:150].strip(". ")


def _inner(message: EmailMessage) -> list[EmailMessage]:
    payload = message.get_payload()
    return (
        [each for each in payload if isinstance(each, EmailMessage)]
        if isinstance(payload, list)
        else []
    )
