# SPDX-License-Identifier: EUPL-1.2
"""A CDA document as FHIR resources: its metadata, its files, its text, its results. Pure.

- `reference.py`: the DocumentReference, in the comprehensive shape of PDSm, plus one `content` per
  file printed from the same document: readers of the record find the PDF there, and the Binary is
  named by what governs it.
- `entries/`: every other coded entry, each with the element of the source it comes from.
- `report.py`: results of a laboratory; each Observation is `derivedFrom` its DocumentReference.
- `provenance.py`: where each of these stands in the source.
- `composition.py`: the sections of a structured document and their text.

A document is found by its number in all of them: DocumentReference.masterIdentifier,
Composition.identifier and DiagnosticReport.identifier are the same, so the text of a document is
`Composition?identifier=<its uniqueId>`.

Sources: ANS, PDSm 3.1.1 (ComprehensiveDocumentReference) and PDSm4DMP; IHE MHD 4.2; FHIR R4.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from carnet.documents.cda import CdaDocument, understood
from carnet.documents.cda.attachments import Role
from carnet.documents.cda.statements import named
from carnet.documents.metadata import entries
from carnet.documents.metadata.composition import UNKNOWN_AUTHOR, composition
from carnet.documents.metadata.making import Made, Making
from carnet.documents.metadata.people import birth_place
from carnet.documents.metadata.pieces import Json, identifier
from carnet.documents.metadata.provenance import provenance
from carnet.documents.metadata.reference import document_reference, refer, unique_id
from carnet.documents.metadata.report import report

__all__ = [
    "UNKNOWN_AUTHOR",
    "Made",
    "became",
    "birth_place",
    "identifier",
    "resources",
    "said",
    "told",
    "unique_id",
]

AFTER = 1 << 20  # in a section, what entries say comes after its results
DENIED = frozenset({"not-done", "not-taken", "entered-in-error", "refuted", "cancelled"})
FILES = frozenset({Role.BODY, Role.COPY, Role.ATTACHED})  # an image stands in its text


def resources(
    document: CdaDocument,
    *,
    patient: str,
    received: datetime,
    new_uuid: Callable[[], str],
    labels: Collection[str] = (),
) -> list[Made]:
    """Everything a document brings into a record, its DocumentReference first, its text last.

    patient: reference of its owner, e.g. Patient/abc. received: aware; used where the document
    gives no instant. new_uuid: gives one UUID at each call. labels: masks asked for beside the
    document (MASQUE_PS…); those of the header are added.
    """

    making = _making(document, patient, received, new_uuid, labels)
    made = [
        Made(making.url, document_reference(making)),
        Made(making.source, _binary(making, document.media_type), document.source),
    ]
    made.extend(Made(url, _binary(making, a.media_type), a.data) for url, a in making.files)
    found, shown = report(making) if document.results.results else ([], {})
    made.extend(found)
    reading, _ = entries.read(making)
    made.extend(reading.made())
    refer(made[0].resource, reading.related)
    for rank, one in enumerate(reading.found):
        shown.setdefault(one.section, []).append((AFTER + rank, one.url))
    if document.structured:
        made.append(Made(making.new_url(), composition(making, shown)))
    whole = provenance(making, made)
    if whole is not None:
        made.append(Made(making.new_url(), whole))
    return made


def told(document: CdaDocument) -> tuple[understood.Line, ...]:
    """What was understood of the whole document: which entries became data, which are only kept."""
    return understood.together(document.report, _read(document)[1])


def became(document: CdaDocument) -> tuple[tuple[str, str], ...]:
    """What each entry that is a resource of its own is called in `told`, and the type it became."""
    reading, _ = _read(document)
    return tuple(
        (named(each.statement.kind, each.statement.templates), each.resource["resourceType"])
        for each in reading.found
    )


def said(document: CdaDocument) -> dict[int, tuple[str, ...]]:
    """What entries became, in the words of the document, by the section they stand in.

    What they deny is left out: its bare name would be read as the contrary.
    """
    reading, _ = _read(document)
    found: dict[int, dict[str, None]] = {}
    for each in reading.found:
        if _holds(each.resource) and (label := _label(each.resource)):
            found.setdefault(each.section, {})[label] = None
    return {section: tuple(labels) for section, labels in found.items()}


def _holds(resource: Json) -> bool:
    """Whether a resource says that something is, and not that it is not."""
    verified = resource.get("verificationStatus", {}).get("coding", [{}])[0].get("code")
    return (
        resource.get("status") not in DENIED
        and verified not in DENIED
        and not resource.get("doNotPerform")
        and resource.get("valueBoolean") is not False
    )


def _label(resource: Json) -> str:
    """The name of what a resource says; "" for one that is named by no code of its own."""
    for element in ("code", "vaccineCode", "medicationCodeableConcept", "serviceType", "type"):
        concept = resource.get(element)
        concept = concept[0] if isinstance(concept, list) and concept else concept
        if isinstance(concept, dict):
            displays = [each.get("display") for each in concept.get("coding", [])]
            return next((str(each) for each in (*displays, concept.get("text")) if each), "")
    return ""


def _read(document: CdaDocument) -> tuple[entries.Reading, tuple[understood.Line, ...]]:
    """The entries alone, of nobody's record."""
    return entries.read(_making(document, "", datetime.fromtimestamp(0, UTC), lambda: "", ()))


def _making(
    document: CdaDocument,
    patient: str,
    received: datetime,
    new_uuid: Callable[[], str],
    labels: Collection[str],
) -> Making:
    def new_url() -> str:
        return f"urn:uuid:{new_uuid()}"

    return Making(
        document,
        {"reference": patient},
        received,
        labels,
        new_url,
        new_url(),
        new_url(),
        tuple((new_url(), a) for a in document.attachments if a.role in FILES),
    )


def _binary(making: Making, media_type: str) -> Json:
    return {
        "resourceType": "Binary",
        "contentType": media_type,
        "securityContext": {"reference": making.url},
    }
