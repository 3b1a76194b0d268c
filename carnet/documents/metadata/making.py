# SPDX-License-Identifier: EUPL-1.2
"""What the resources of one document share while they are made."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from carnet.documents.cda import CdaDocument
from carnet.documents.cda.attachments import Attachment
from carnet.documents.cda.datatypes import Period
from carnet.documents.cda.header import Header
from carnet.documents.metadata.pieces import Json

# A relatedDocument → DocumentReference.relatesTo and Composition.relatesTo.
RELATION: Final = {"RPLC": "replaces", "APND": "appends", "XFRM": "transforms"}
# Status of a document or of its main act that says more than its being there. Source: HL7 v3
# ActStatus; IHE PaLM XD-LAB: a report of results still to come is "active".
UNFINISHED: Final = frozenset({"new", "active", "held", "suspended"})
VOID: Final = frozenset({"nullified", "obsolete"})


@dataclass(frozen=True, slots=True)
class Made:
    """One resource to write; references between those of one document are their urls."""

    url: str  # urn:uuid:…, to be replaced by the address the store gives
    resource: Json
    data: bytes | None = None  # content of a Binary, kept out of the JSON
    place: str = ""  # of the statement it says, below ClinicalDocument/component; "" for none


@dataclass(frozen=True, slots=True)
class Making:
    """One document being made into resources."""

    document: CdaDocument
    subject: Json  # reference to its owner
    received: datetime
    labels: Collection[str]
    new_url: Callable[[], str]
    url: str  # of the DocumentReference
    source: str  # of the Binary of the document itself
    files: tuple[tuple[str, Attachment], ...]  # other Binaries, and what they hold

    @property
    def header(self) -> Header:
        return self.document.header

    @property
    def replaced(self) -> bool:
        """Whether it takes the place of another."""
        return bool(self.document.header.replaces)

    @property
    def status(self) -> str:
        """FHIR CompositionStatus, which is also that of docStatus."""
        header = self.document.header
        said = {header.status, *(e.status for e in header.events)}
        if header.status in VOID:
            return "entered-in-error"
        if UNFINISHED & said:
            return "preliminary"
        return "amended" if self.replaced else "final"

    @property
    def act(self) -> Period | None:
        """When the act of the document took place."""
        act = self.document.header.act
        return act.period if act else None

    @property
    def now(self) -> str:
        """When it was received, as a FHIR instant."""
        return self.received.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
