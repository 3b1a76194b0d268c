# SPDX-License-Identifier: EUPL-1.2
"""One file of a record."""

from __future__ import annotations

from carnet import errors
from carnet.access.door import Nothing, Stored, Visit
from carnet.documents.consult import record
from carnet.documents.consult.lines import line
from carnet.documents.pages import Content
from carnet.fhir.search.references import LITERAL


async def content(visit: Visit, patient: str, binary: str) -> Content:
    """The bytes of a file of the record, called as its document calls it."""
    cid = await record.opened(visit, patient)
    stored = await visit.read("Binary", binary)
    if not await visit.same(stored.cid, cid):
        raise Nothing
    media = str(stored.resource.get("contentType", "application/octet-stream"))
    return Content(media, await _title(visit, stored), await visit.attachment(stored))


async def _title(visit: Visit, binary: Stored) -> str:
    """What the document a file belongs to calls it."""
    found = LITERAL.fullmatch(str(binary.resource.get("securityContext", {}).get("reference", "")))
    if found and found[1] == "DocumentReference":
        try:
            document = await visit.read("DocumentReference", found[2])
        except errors.CarnetError:
            return "document"
        for each in document.resource.get("content", []):
            attachment = each.get("attachment", {})
            if attachment.get("url") == binary.address and attachment.get("title"):
                return str(attachment["title"])
        return line(document).title
    return "document"
