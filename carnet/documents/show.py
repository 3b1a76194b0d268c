# SPDX-License-Identifier: EUPL-1.2
"""Show the file of a document: how many page images it has, its text, and each image.

What draws and reads it runs apart (`files`). Each look is a read of the Binary, traced as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from carnet.access.actor import ActorKind
from carnet.access.door import Nothing, Stored, Visit
from carnet.documents import consult, files, reserves
from carnet.documents.content import apart
from carnet.documents.pages import DocumentLine
from carnet.documents.upload import OWN


@dataclass(frozen=True, slots=True)
class FilePage:
    """The file of a document, ready to be laid out."""

    line: DocumentLine
    binary: str  # id
    media_type: str
    pages: int  # that have an image
    text: str  # in the language of the document, "" when none could be read
    deposited: bool  # by the patient: no professional answers for it
    readable: bool  # false: it can only be saved


async def file(visit: Visit, patient: str, document: str) -> FilePage:
    """The file of a document that can be shown, the PDF first; Nothing when it has none."""
    cid = _compartment(visit, patient)
    stored = await visit.read("DocumentReference", document)
    if not await visit.same(stored.cid, cid):
        raise Nothing
    binary, media = _shown(stored)
    data = await _bytes(visit, cid, binary)
    look, readable = files.Look(0, ""), True
    try:
        look = await apart(files.look, data, media)
    except files.Refused:  # a file of a professional, kept as it came, that cannot be drawn
        readable = False
    line = consult.line(stored)
    return FilePage(
        line, binary, media, look.pages, look.text, deposited(stored.resource), readable
    )


async def picture(visit: Visit, patient: str, binary: str, number: int, width: int) -> bytes:
    """One page of a file, as PNG; Nothing for a page that is not there or cannot be drawn."""
    cid = _compartment(visit, patient)
    stored = await visit.read("Binary", binary)
    if not await visit.same(stored.cid, cid):
        raise Nothing
    data = await visit.attachment(stored)
    try:
        return await apart(
            files.page, data, str(stored.resource.get("contentType", "")), number, width
        )
    except files.Refused:
        raise Nothing from None


def deposited(resource: dict[str, Any]) -> bool:
    """Whether a patient deposited a document; its type and author are what a sender said."""
    return any(
        each.get("url") == reserves.URL and each.get("valueCoding", {}).get("code") == OWN
        for each in resource.get("extension", [])
    )


async def _bytes(visit: Visit, cid: int, binary: str) -> bytes:
    stored = await visit.read("Binary", binary)
    if not await visit.same(stored.cid, cid):
        raise Nothing
    return await visit.attachment(stored)


def _shown(stored: Stored) -> tuple[str, str]:
    """Binary id and media type of the content to show."""
    found = []
    for content in stored.resource.get("content", []):
        attachment = content.get("attachment", {})
        url, media = str(attachment.get("url", "")), str(attachment.get("contentType", ""))
        kind = files.shown(media)
        if url.startswith("Binary/") and kind is not None:
            found.append((kind is not files.MediaType.PDF, url.removeprefix("Binary/"), media))
    if not found:
        raise Nothing
    _, binary, media = min(found, key=lambda each: each[0])
    return binary, media


def _compartment(visit: Visit, patient: str) -> int:
    """The record a page names; "" is the viewer's own."""
    actor = visit.actor
    if not patient and actor.kind is ActorKind.PATIENT and actor.patient is not None:
        return actor.patient
    place = visit.door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise Nothing
    return place[0]
