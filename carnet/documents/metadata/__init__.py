# SPDX-License-Identifier: EUPL-1.2
"""A CDA document as FHIR resources: its metadata, its files, its text, its results. Pure.

- `reference.py`: the DocumentReference, in the comprehensive shape of PDSm, plus one `content` per
  file printed from the same document: readers of the record find the PDF there, and the Binary is
  named by what governs it.
- `report.py`: results of a laboratory; each Observation is `derivedFrom` its DocumentReference.
- `composition.py`: the sections of a structured document and their text.

A document is found by its number in all of them: DocumentReference.masterIdentifier,
Composition.identifier and DiagnosticReport.identifier are the same, so the text of a document is
`Composition?identifier=<its uniqueId>`.

Sources: ANS, PDSm 3.1.1 (ComprehensiveDocumentReference) and PDSm4DMP; IHE MHD 4.2; FHIR R4.
"""

from collections.abc import Callable, Collection
from datetime import datetime

from carnet.documents.cda import CdaDocument
from carnet.documents.cda.attachments import Role
from carnet.documents.metadata.composition import UNKNOWN_AUTHOR, composition
from carnet.documents.metadata.making import Made, Making
from carnet.documents.metadata.people import birth_place
from carnet.documents.metadata.pieces import Json, identifier
from carnet.documents.metadata.reference import document_reference, unique_id
from carnet.documents.metadata.report import report

__all__ = ["UNKNOWN_AUTHOR", "Made", "birth_place", "identifier", "resources", "unique_id"]

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

    def new_url() -> str:
        return f"urn:uuid:{new_uuid()}"

    making = Making(
        document,
        {"reference": patient},
        received,
        labels,
        new_url,
        new_url(),
        new_url(),
        tuple((new_url(), a) for a in document.attachments if a.role in FILES),
    )
    made = [
        Made(making.url, document_reference(making)),
        Made(making.source, _binary(making, document.media_type), document.source),
    ]
    made.extend(Made(url, _binary(making, a.media_type), a.data) for url, a in making.files)
    found, shown = report(making) if document.results.results else ([], {})
    made.extend(found)
    if document.structured:
        made.append(Made(new_url(), composition(making, shown)))
    return made


def _binary(making: Making, media_type: str) -> Json:
    return {
        "resourceType": "Binary",
        "contentType": media_type,
        "securityContext": {"reference": making.url},
    }
