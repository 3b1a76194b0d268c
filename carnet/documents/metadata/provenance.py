# SPDX-License-Identifier: EUPL-1.2
"""Where each thing read in a document stands in it: one Provenance a document.

Every target is something that was read, with the place of the very element that says it, as an XPath of
names without prefixes from the root of the source: extension `READ_AT` of the target's reference.
Source: FHIR R4, Provenance; HL7 v3 DataOperation.
"""

from typing import Final

from carnet.documents.metadata.composition import UNKNOWN_AUTHOR
from carnet.documents.metadata.making import Made, Making
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import Json, coded, kept

READ_AT: Final = "urn:carnet:documents:read-at"  # valueString; docs/reference/fhir.md
ROOT: Final = "/ClinicalDocument/component/"
KINDS: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
SOFTWARE: Final = "carnet"


def provenance(making: Making, made: list[Made]) -> Json | None:
    """That of all that was read; None when nothing was."""
    targets = [
        {"extension": [{"url": READ_AT, "valueString": ROOT + each.place}], "reference": each.url}
        for each in made
        if each.place
    ]
    if not targets:
        return None
    authors = logical(making.header.authors) or [{"display": UNKNOWN_AUTHOR}]
    return kept(
        {
            "resourceType": "Provenance",
            "target": targets,
            "occurredDateTime": making.header.effective,
            "recorded": making.now,
            "activity": coded(OPERATION, "CREATE"),
            "agent": [
                *({"type": coded(KINDS, "author"), "who": each} for each in authors),
                {"type": coded(KINDS, "assembler"), "who": {"display": SOFTWARE}},
            ],
            "entity": [{"role": "source", "what": {"reference": making.url}}],
        }
    )
