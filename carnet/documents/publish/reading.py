# SPDX-License-Identifier: EUPL-1.2
"""Read what is deposited: a CDA as one, anything else as a file that is kept."""

from __future__ import annotations

import asyncio
from typing import Final

from carnet import errors
from carnet.access.door import Unit
from carnet.documents.cda import CdaDocument, NotCda, read
from carnet.documents.cda.conformance import Finding, finding
from carnet.documents.cda.document import ROOT as CLINICAL_DOCUMENT
from carnet.documents.content import File
from carnet.documents.publish.deposit import Deposit, profile_of
from carnet.fhir import xml
from carnet.rest.acts import Entry

XML_TYPES = frozenset(
    ("text/xml", "application/xml", "application/xslt+xml", "application/hl7-cda+xml")
)
WHITE: Final = b"\xef\xbb\xbf\xff\xfe \t\r\n"  # before the first element, byte order marks too


async def first(unit: Unit, entry: Entry, file: File) -> tuple[CdaDocument | None, list[Finding]]:
    """The first file as a CDA, when it is one; what is only kept is said."""
    if isinstance(entry, Deposit) and entry.document is not None:
        return entry.document, []
    if file.media_type.split(";")[0].strip().lower() not in XML_TYPES and not _is_cda(file.data):
        return None, []
    profile = profile_of(unit, entry)
    try:
        document = await asyncio.to_thread(read, file.data)
    except NotCda:
        return None, [finding("not-cda", "DocumentReference.content[0]", profile)]
    header = document.header
    if header.id is None and header.code is None and header.patient is None:
        # The agency's own example of a lot holds an empty ClinicalDocument.
        return None, [finding("empty-cda", "ClinicalDocument", profile)]
    return document, []


async def beside(unit: Unit, entry: Entry, others: list[File]) -> list[Finding]:
    """A CDA document among the other files: nobody would ask it whose it is."""
    hidden = await asyncio.to_thread(lambda: [_is_cda(each.data) for each in others])
    return [
        finding("cda-not-first", f"DocumentReference.content[{place}]", profile_of(unit, entry))
        for place, wrong in enumerate(hidden, 1)
        if wrong
    ]


def _is_cda(data: bytes) -> bool:
    """Whether bytes are a CDA document, whatever they are said to be."""
    if not data.lstrip(WHITE).startswith((b"<", b"\0")):
        return False
    try:
        return next(xml.parse(data).iter(CLINICAL_DOCUMENT), None) is not None
    except errors.CarnetError:
        return False
