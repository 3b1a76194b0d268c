# SPDX-License-Identifier: EUPL-1.2
"""A document of the record, sent by secure mail: the operation, and what a page calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from carnet import errors
from carnet.access import queries
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.labels import of as labels_of
from carnet.app.mail_filing import QUALIFIED
from carnet.config import Instance, Settings
from carnet.documents import sent
from carnet.exchange.parts import Author, Number
from carnet.messaging import send, trust
from carnet.messaging.file import NotVerified
from carnet.messaging.send import Sending
from carnet.messaging.trust import TrustList
from carnet.rest.acts import Acts

ASKS: Final = {"to": "string", "text": "string"}
WRITERS: Final = (ActorKind.PROFESSIONAL, ActorKind.SOFTWARE)


class NotTheirMail(errors.Forbidden):
    """Professionals and the software of a place write: citizens answer."""


class NoTrustList(errors.Invalid):
    """A production instance exchanges mail only with the domains of a list that is named."""


def trust_of(settings: Settings) -> TrustList:
    """The list that is named, else the simulator's; production has to name its own."""
    if settings.instance is Instance.PRODUCTION and not settings.trust_list:
        raise NoTrustList
    return trust.load(settings.trust_list)


def register(table: Acts) -> None:
    """POST DocumentReference/{id}/$send-mail: to (addresses, with commas), text."""
    table.ask("DocumentReference", "send-mail", operation, ASKS)


async def operation(visit: Visit, id: str, given: Mapping[str, str]) -> dict[str, Any] | None:
    """The document to mailboxes of secure mail, as an XDM; what the mail is called."""
    to = [each.strip() for each in given["to"].split(",") if each.strip()]
    number = await send_document(visit, id, to, given["text"])
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "message-id", "valueString": number}],
    }


async def send_document(
    visit: Visit, id: str, to: list[str], text: str, *, closed: bool = False
) -> str:
    """A document its caller may read, from their own mailbox; returns the mail's Message-ID."""
    actor, made = visit.actor, visit.door
    if actor.kind not in WRITERS:
        raise NotTheirMail
    settings = made.settings
    sender = await send.mailbox_of(made, actor.rpps, actor.org)
    stored = await visit.read("DocumentReference", id)
    resource = stored.resource
    async with made.pool.connection() as conn:
        whose = await queries.identity(conn, stored.cid)
    if whose is None or not whose.ins or whose.status != QUALIFIED:
        raise NotVerified
    parts = []
    for content in resource.get("content", [])[:1]:  # what is read in it follows it there too
        address = str(content["attachment"].get("url", "")).rpartition("/")[2]
        binary = await visit.read("Binary", address)
        parts.append(sent.part(resource, content, await visit.attachment(binary), whose))
    sending = Sending(
        cid=stored.cid,
        parts=parts,
        label=labels_of(resource),
        title=parts[0].told.title or "Document",
        name=whose.shown_name,
        born=f"{whose.birth_date:%d/%m/%Y}",
        ins=whose.ins,
        text=text,
        author=Author(Number(f"{actor.rpps or ''}", "1.2.250.1.71.4.2.1"), actor.name),
        closed=closed,
    )
    return await send.send(made, trust_of(settings), settings.mss_domain, sender, to, sending)
