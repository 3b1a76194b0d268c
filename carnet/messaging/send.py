# SPDX-License-Identifier: EUPL-1.2
"""Mail out: a document of the record, to mailboxes of the trust list, as an XDM.

It waits in the spool, in one transaction; `deliver` takes it from there. Its Message-ID is its number in the
spool, so that a receiver who is sent it twice knows it for the same.
Source: CI-SIS (IHE_XDM.ZIP, subject XDM/1.0/DDM+ then title, name and birth date); X-MSS-INS,
X-MSS-CODECDA, X-MSS-NIL, X-MSS-MES (domain.md part 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import notices
from carnet.access.door import Door, platform
from carnet.access.labels import Label
from carnet.exchange import xdm_writing
from carnet.exchange.parts import Author, Part
from carnet.exchange.xdm_writing import Submission
from carnet.messaging import address, masks, queries, spool
from carnet.messaging.address import Address
from carnet.messaging.envelope import END, XDM
from carnet.messaging.masks import HiddenFromThem
from carnet.messaging.trust import TrustList

SOFTWARE: Final = "CARNET"  # X-MSS-NIL: the number of the software, of the register of an operator
ROOT: Final = "2.25"  # OIDs made of a number of our own (UUID arc)
MOST: Final = 50  # recipients


class NoMailbox(errors.BusinessRule):
    """You have no mailbox of secure mail here."""


class NotOnTheList(errors.BusinessRule):
    """This domain is not one of the trust list: nothing is sent there."""


class NobodyThere(errors.BusinessRule):
    """There is no such mailbox here."""


class OtherPatient(errors.BusinessRule):
    """This is the address of another person than the one the document is about."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What is sent. parts: with all that is told of them; label: every mask of the document.

    closed: the patient may not answer (X-MSS-MES: FIN). receipt: ask to be told that it was read.
    """

    cid: int
    parts: Sequence[Part]
    label: Label
    title: str
    name: str
    born: str  # dd/mm/yyyy
    ins: str
    text: str
    author: Author
    closed: bool = False
    receipt: bool = True


async def mailbox_of(door: Door, rpps: int | None, org: int | None) -> str:
    """The mailbox somebody writes from: their own first; NoMailbox."""
    async with door.pool.connection() as conn:
        found = await queries.owned(conn, rpps, org)
    if not found:
        raise NoMailbox
    return found[0].address


async def send(
    door: Door, trust: TrustList, domain: str, sender: str, to: Sequence[str], given: Sending
) -> str:
    """Put a document in the spool for each address; returns the mail's Message-ID.

    domain: ours. Nothing leaves when one of the addresses may not have it.
    """
    recipients = [address.read(each) for each in dict.fromkeys(to)]
    if not recipients or len(recipients) > MOST:
        raise errors.Invalid("A mail goes to one address at least, and to fifty at most.")
    patient = any(each.matricule for each in recipients)
    professional = any(not each.matricule for each in recipients)
    if not masks.allowed(given.label, record=False, professional=professional, patient=patient):
        raise HiddenFromThem
    for each in recipients:
        if trust.find(each.domain) is None:
            raise NotOnTheList
        if each.matricule and each.matricule != given.ins.upper():
            raise OtherPatient
    number = f"<{door.ids.encode(given.cid, door.ids.new())}@{domain}>"
    data = mail_of(door, sender, recipients, number, given).as_bytes(policy=SMTP)
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        here = {f"{address.PATIENT}{domain}", domain}
        ours = [str(each) for each in recipients if each.domain in here]
        away = [str(each) for each in recipients if each.domain not in here]
        for mine in ours:
            await _there(conn, mine)
        for way, state, some in (("out", "waiting", away), ("in", "kept", ours)):
            if some:
                states = [(each, state) for each in some]
                put = spool.Put(way, sender, number, data, states, given.cid)
                await spool.put_in(door, conn, put)
        if any(address.read(mine).matricule for mine in ours):
            await notices.send(door, conn, given.cid, "message-arrived", key=f"message:{number}")
    return number


def mail_of(
    door: Door, sender: str, to: Sequence[Address], number: str, given: Sending
) -> EmailMessage:
    """The mail: text for people, IHE_XDM.ZIP for software."""
    now = door.clock()
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = ", ".join(str(each) for each in to)
    made["Subject"] = _line(f"{XDM}{given.title} {given.name} {given.born}")
    made["Date"] = format_datetime(now)
    made["Message-ID"] = number
    made["X-MSS-INS"] = given.ins
    for code in sorted({each.told.type.code for each in given.parts if each.told.type}):
        made["X-MSS-CODECDA"] = _line(code)
    made["X-MSS-NIL"] = SOFTWARE
    if given.closed:
        made["X-MSS-MES"] = END
    if given.receipt:
        made["Disposition-Notification-To"] = sender
    made.set_content(given.text.replace("\r\n", "\n") + "\n", cte="quoted-printable")
    oid = f"{ROOT}.{int.from_bytes(door.random(16), 'big')}"
    submission = Submission(oid, ROOT, given.title, f"{now:%Y%m%d%H%M%S}", given.author)
    archive = xdm_writing.write(given.parts, submission)
    made.add_attachment(archive, maintype="application", subtype="zip", filename="IHE_XDM.ZIP")
    return made


async def _there(conn: AsyncConnection[object], one: str) -> None:
    """Whether an address of ours exists."""
    own = address.read(one)
    if own.matricule:
        found = await queries.patient(conn, own.matricule) is not None
    else:
        box = await queries.mailbox(conn, one)
        found = box is not None and box.local
    if not found:
        raise NobodyThere


def _line(text: str) -> str:
    """Text as one line of a header: nothing of it begins another."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:300]
