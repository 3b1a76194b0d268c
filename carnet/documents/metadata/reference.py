# SPDX-License-Identifier: EUPL-1.2
"""The DocumentReference of a document: what PDSm's comprehensive profile asks of its header.

Source: ANS, PDSm 3.1.1 (ComprehensiveDocumentReference) and PDSm4DMP; IHE MHD 4.2.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from carnet.documents import nomenclature
from carnet.documents.cda.attachments import Role
from carnet.documents.cda.datatypes import Id
from carnet.documents.cda.header import Header
from carnet.documents.metadata.making import RELATION, Making
from carnet.documents.metadata.people import Contained
from carnet.documents.metadata.pieces import (
    INSTANT,
    RFC3986,
    Json,
    concept,
    identifier,
    kept,
    language,
    period,
)

PROFILE: Final = (
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/"
    "pdsm-comprehensive-document-reference"
)
CLASS: Final = "1.2.250.1.213.1.1.4.1"  # TRE_A03-ClasseDocument
# Models whose acts are imaging studies: their serviceEvent ids are Study Instance UIDs.
IMAGING: Final = frozenset({"1.2.250.1.213.1.1.1.45"})  # CI-SIS, CR d'imagerie médicale
# Types of references to other systems (JDV_J231-XdsTypesIdentifiantsReferenceId-DMP).
ORDER: Final = "urn:ihe:iti:xds:2013:order"
ACCESSION: Final = "urn:ihe:iti:xds:2013:accession"
STUDY: Final = "urn:ihe:iti:xds:2016:studyInstanceUID"
DOCUMENT: Final = "urn:ihe:iti:xds:2013:uniqueId"


def unique_id(header: Header) -> Json | None:
    """The document's own identifier as FHIR writes it; None when it has none."""
    return identifier(header.id) if header.id else None


def document_reference(making: Making) -> Json:
    """The metadata of the document, and where its files are."""
    header = making.header
    contained = Contained()
    body = next((a for _, a in making.files if a.role is Role.BODY), None)
    author = [contained.party(p) for p in header.authors]
    authenticator = contained.party(header.legal_authenticator)
    made: Json = {
        "resourceType": "DocumentReference",
        "meta": {"profile": [PROFILE]},
        "masterIdentifier": unique_id(header),
        "identifier": _versions(header),
        "status": "current",
        "docStatus": making.status,
        "type": concept(header.code),
        "category": category(header),
        "subject": making.subject,
        "date": _date(making),
        "author": [a for a in author if a],
        "authenticator": authenticator,
        "custodian": contained.organisation(header.custodian),
        "relatesTo": [
            {
                "code": RELATION[parent.relation],
                "target": {"type": "DocumentReference", "identifier": identifier(number)},
            }
            for parent in header.parents
            if parent.relation in RELATION
            for number in parent.ids
        ],
        "securityLabel": _security(making),
        "content": [
            {
                "attachment": _attachment(
                    making,
                    making.document.media_type,
                    making.source,
                    making.document.source,
                    header.title,
                ),
                "format": nomenclature.document_format(
                    header.templates,
                    None if making.document.structured else (body.media_type if body else ""),
                ),
            },
            *(
                {
                    "attachment": _attachment(
                        making, a.media_type, url, a.data, a.title or header.title
                    ),
                    "format": nomenclature.table("formats")["default"],
                }
                for url, a in making.files
            ),
        ],
        "context": _context(making, contained),
    }
    made["contained"] = contained.resources
    return kept(made)


def category(header: Header) -> list[Json] | None:
    """The class its type belongs to; None for a type that is not listed."""
    found = nomenclature.class_of(header.code.code or "") if header.code else None
    if found is None:
        return None
    coding = {"system": nomenclature.system(CLASS), "code": found[0], "display": found[1]}
    return [{"coding": [coding]}]


def _date(making: Making) -> str:
    """When the document was written (PDSm4DMP), if that is an instant; else when received."""
    written = making.header.effective
    if written and INSTANT.fullmatch(written):
        return written
    return making.now


def _security(making: Making) -> list[Json]:
    """One level, then the masks: 1 to 4 codes."""
    known = nomenclature.confidentiality()
    given = [c.code or "" for c in making.header.confidentiality]
    masks = [c for c in known if known[c]["mask"] and (c in given or c in making.labels)]
    return [
        {
            "coding": [
                {
                    "system": nomenclature.system(known[c]["system"]),
                    "code": c,
                    "display": known[c]["label"],
                }
            ]
        }
        for c in (level(making.header), *masks)
    ]


def level(header: Header) -> str:
    """N, R or V: the first the header says, N when it says none."""
    known = nomenclature.confidentiality()
    given = (c.code or "" for c in header.confidentiality)
    return next((c for c in given if c in known and not known[c]["mask"]), "N")


def _attachment(making: Making, media_type: str, url: str, data: bytes, title: str | None) -> Json:
    digest = hashlib.sha1(data, usedforsecurity=False).digest()  # what FHIR and XDS ask for
    return kept(
        {
            "contentType": media_type,
            "language": language(making.header.language),
            "url": url,
            "size": len(data),
            "hash": base64.b64encode(digest).decode(),
            "title": title,
            "creation": making.header.effective,
        }
    )


def _context(making: Making, contained: Contained) -> Json:
    header, encounter = making.header, making.header.encounter
    act = header.act
    performer = act.performer if act else None
    performer = performer or next((e.performer for e in header.events if e.performer), None)
    settings = (
        party.organisation.setting
        for party in (performer, header.legal_authenticator, *header.authors)
        if party and party.organisation
    )
    stay = encounter.period if encounter else None
    return kept(
        {
            "event": [c for c in (concept(e.code) for e in header.events) if c],
            "period": period(making.act or stay),
            "facilityType": concept(encounter.facility_type) if encounter else None,
            "practiceSetting": concept(next((s for s in settings if s), None)),
            "sourcePatientInfo": contained.patient(header.patient),
            "related": list(_related(header)),
        }
    )


def refer(document: Json, numbers: Iterable[Json]) -> None:
    """Documents elsewhere that an entry of this one points at, after what the header names."""
    for number in numbers:
        related = document.setdefault("context", {}).setdefault("related", [])
        named = _referenced(DOCUMENT, number)
        if named not in related:
            related.append(named)


def _related(header: Header) -> Iterator[Json]:
    """Entries of referenceIdList: what other systems call the order and the study."""
    for order in header.orders:
        for number in order.ids:
            yield _referenced(ORDER, identifier(number))
        if order.accession:
            yield _referenced(ACCESSION, identifier(order.accession))
    if IMAGING & set(header.templates):
        studies = dict.fromkeys(i for event in header.events for i in event.ids)
        for study in studies:  # PDSm: no assigning authority
            yield _referenced(STUDY, {"value": _uid(study)})


def _referenced(kind: str, number: Json) -> Json:
    return {"identifier": {"type": {"coding": [{"system": RFC3986, "code": kind}]}} | number}


def _uid(study: Id) -> str:
    """A DICOM UID is an OID; some write it as an extension."""
    return study.extension or study.root


def _versions(header: Header) -> list[Json]:
    """What all versions of a document share."""
    return [{"type": {"text": "setId"}} | identifier(header.set_id)] if header.set_id else []
