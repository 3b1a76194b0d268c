# SPDX-License-Identifier: EUPL-1.2
"""Notices of mail: it was not delivered (RFC 3464), it was filed or could not be (RFC 8098).

A notice is never answered by one. What came back is believed only of the address or the domain that the
mail went to.
Source: RFC 3462, RFC 3464, RFC 8098; ANS, HL7MSS, struct-msg-mdn.md and struct-email-standard.md.
"""

from __future__ import annotations

import email
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from carnet.messaging.envelope import Letter
from carnet.messaging.queries import Delivery

AUTOMATIC: Final = "automatic-action/MDN-sent-automatically"
KO: Final = "[KO Intégration système !]"


@dataclass(frozen=True, slots=True)
class Told:
    """What a notice tells of a mail of ours. of: its Message-ID; failed: a code, "" when all is well."""

    of: str
    recipient: str
    failed: str


def not_delivered(
    domain: str, one: Delivery, data: bytes, code: str, now: datetime
) -> EmailMessage:
    """The notice of RFC 3464: which address, why, and the headers of the mail without its content."""
    number = f"<non-remis.{one.id}@{domain}>"
    made = _begun(f"postmaster@{domain}", one.sender, "Message non remis", number, now)
    text = (
        f"Votre message n’a pas pu être remis à {one.address} (code {code}).\n"
        "Il ne sera plus envoyé : vérifiez l’adresse, ou joignez son destinataire autrement.\n"
    )
    fields = (
        f"Reporting-MTA: dns; {domain}\n\nFinal-Recipient: rfc822; {one.address}\n"
        f"Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; {code}\n"
    )
    head = EmailMessage(policy=SMTP)
    said = data.partition(b"\r\n\r\n")[0].decode("ascii", "replace").replace("\r\n", "\n")
    head.set_content(said + "\n")
    head.replace_header("Content-Type", "text/rfc822-headers; charset=utf-8")
    return _report(made, "delivery-status", text, fields, head)


def filed(domain: str, one: Delivery, letter: Letter, now: datetime) -> EmailMessage:
    """The notice of RFC 8098 that a mail is in its record; its asker is its sender."""
    number = f"<recu.{one.id}@{domain}>"
    subject = f"[OK] {letter.subject}"
    made = _begun(one.address, str(letter.sender), subject, number, now)
    text = "Les documents de votre message sont classés dans le dossier de la personne.\n"
    return _report(made, "disposition-notification", text, _disposition(one, letter, "processed"))


def not_filed(
    domain: str, one: Delivery, letter: Letter, code: str, label: str, now: datetime
) -> EmailMessage:
    """That no software could file a mail: as a notice when one was asked for, else as a mail."""
    number = f"<recu.{one.id}@{domain}>"
    subject = f"{KO}[{code}] {letter.subject}"
    made = _begun(one.address, str(letter.sender), subject, number, now)
    text = f"Les documents de votre message n’ont pas pu être intégrés : {label}.\n"
    if letter.receipt_to is None:
        made.set_content(text)
        made.add_attachment(letter.message)
        return made
    fields = _disposition(one, letter, "processed/error") + f"Error: {code}^{_ascii(label)}\n"
    return _report(made, "disposition-notification", text, fields, letter.message)


def told(letter: Letter) -> Told | None:
    """What a notice tells of a mail of ours; None for a mail that is none."""
    message = letter.message
    if message.get_content_type() != "multipart/report":
        return None
    fields: dict[str, str] = {}
    numbers = list(letter.answers)
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/disposition-notification":
            text = "\n".join(str(each) for each in part.walk() if each is not part)
            text = text or part.as_string()
            fields |= _fields(text)
        elif kind == "message/delivery-status":
            for block in (each for each in part.walk() if each is not part):
                fields |= _fields(str(block))
        elif kind == "text/rfc822-headers":
            numbers.append(_fields(str(part.get_payload(decode=False))).get("message-id", ""))
    number = fields.get("original-message-id") or next(filter(None, numbers), "")
    recipient = fields.get("final-recipient", "").partition(";")[2].strip().lower()
    if not number or not recipient:
        return None
    failed = fields.get("error", "").partition("^")[0].strip()[:20]
    if fields.get("action", "").lower() == "failed":
        failed = fields.get("status", "5.0.0")[:20]
    return Told(number, recipient, failed)


def _disposition(one: Delivery, letter: Letter, kind: str) -> str:
    return (
        f"Original-Recipient: rfc822; {one.address}\nFinal-Recipient: rfc822; {one.address}\n"
        f"Original-Message-ID: {letter.number}\nDisposition: {AUTOMATIC}; {kind}\n"
    )


def _begun(sender: str, to: str, subject: str, number: str, now: datetime) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = to
    made["Subject"] = subject[:300]
    made["Date"] = format_datetime(now)
    made["Message-ID"] = number
    made["Auto-Submitted"] = "auto-replied"
    return made


def _report(
    made: EmailMessage, kind: str, text: str, fields: str, back: EmailMessage | None = None
) -> EmailMessage:
    made.set_content(text)
    made.make_mixed()
    head = f"Content-Type: message/{kind}\n\n"
    made.attach(email.message_from_string(head + fields, policy=SMTP))
    if back is not None and back.get_content_type() == "text/rfc822-headers":
        made.attach(back)
    elif back is not None:
        made.add_attachment(back)
    made.replace_header("Content-Type", "multipart/report")
    made.set_param("report-type", kind)
    made.set_boundary(f"=_{made['Message-ID'].strip('<>').replace('@', '.')}")
    return made


def _fields(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        name, mark, value = line.partition(":")
        if mark and not name.startswith((" ", "\t")):
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _ascii(text: str) -> str:
    """Text as a field of a notice may hold it."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return plain.encode("ascii", "ignore").decode()
