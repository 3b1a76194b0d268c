# SPDX-License-Identifier: EUPL-1.2
"""Imaging: the studies a report names (ImagingStudy), and the report itself (DiagnosticReport).

Source: DICOM PS3.20, Imaging Reports; CI-SIS, CR-IMG; FHIR R4.
"""

from html import unescape
from re import sub
from typing import Final

from carnet.documents.cda import datatypes as d
from carnet.documents.cda.attachments import Role
from carnet.documents.cda.datatypes import Id
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries import void
from carnet.documents.metadata.entries.reading import Found, Reading
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import (
    INSTANT,
    Json,
    coded,
    concept,
    effective,
    identifier,
    kept,
)

STUDY: Final = ("1.2.250.1.213.1.1.3.155", "1.2.840.10008.9.16")
SERIES: Final = ("1.2.250.1.213.1.1.3.156", "1.2.840.10008.9.17")
OBJECT: Final = ("1.2.250.1.213.1.1.3.157", "1.2.840.10008.9.18")
TECHNIQUE: Final = ("1.2.250.1.213.1.1.3.153", "1.2.840.10008.9.14")
# Models that are reports of imaging: DICOM, CI-SIS.
REPORTS: Final = frozenset({"1.2.840.10008.9.1", "1.2.250.1.213.1.1.1.45"})
CONCLUSION: Final = "19005-8"
DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
URI: Final = "urn:ietf:rfc:3986"
UID: Final = "urn:dicom:uid"
V2: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
MODALITY: Final = "121139"  # DICOM: qualifier of a series
OTHER: Final = "OT"  # DICOM: another modality, or one that is not said
MAX_UID: Final = 64  # DICOM PS3.5, 9.1; also the longest id of FHIR


def study(reading: Reading, statement: Statement) -> None:
    """A study with its series and its objects, as the catalogue of the report names them."""
    number = _uid(statement)
    if not statement.happened or number is None:
        reading.keep(statement, "not-done" if not statement.happened else "no-code")
        return
    series = [
        made
        for each in statement.inside(None, *SERIES)
        if (made := _series(reading, each)) is not None
    ]
    modes = {each["modality"]["code"]: each["modality"] for each in series}
    header = reading.making.header
    reading.take(
        statement,
        {
            "resourceType": "ImagingStudy",
            "identifier": [_dicom(number), *_accessions(reading)],
            "status": "available",
            "modality": list(modes.values()),
            "subject": reading.making.subject,
            "started": statement.at.first if statement.at else None,
            "basedOn": [
                {"type": "ServiceRequest", "identifier": identifier(each)}
                for order in header.orders
                for each in order.ids
            ],
            "interpreter": logical(header.authors),
            "numberOfSeries": len(series) or None,
            "numberOfInstances": sum(each.get("numberOfInstances", 0) for each in series) or None,
            "series": series,
        },
    )


def alone(reading: Reading, statement: Statement) -> None:
    """A series or an object outside a study: nothing says of which images."""
    reading.keep(statement)


def whole(reading: Reading) -> None:
    """The report: what was concluded, and the studies and measures it rests on."""
    header = reading.making.header
    if not REPORTS & set(header.templates) or not reading.found:
        return
    standing = [each for each in reading.found if not void.withdrawn(each.resource)]
    studies = [each for each in standing if each.resource["resourceType"] == "ImagingStudy"]
    _techniques(reading, studies)
    members = {
        held["reference"] for each in reading.found for held in each.resource.get("hasMember", [])
    }
    measures = [
        each
        for each in standing
        if each.resource["resourceType"] == "Observation" and each.url not in members
    ]
    act = reading.making.act
    report = {
        "resourceType": "DiagnosticReport",
        "identifier": [identifier(header.id)] if header.id else None,
        "basedOn": [
            {"type": "ServiceRequest", "identifier": identifier(each)}
            for order in header.orders
            for each in order.ids
        ],
        "status": _status(reading, standing),
        "category": [coded("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD")],
        "code": concept(header.code) or {"text": header.title or "Compte rendu"},
        "subject": reading.making.subject,
        **effective(act, header.effective),
        "issued": header.effective
        if header.effective and INSTANT.fullmatch(header.effective)
        else None,
        "performer": logical([header.custodian]),
        "resultsInterpreter": logical([header.legal_authenticator, *header.authors]),
        "result": [{"reference": each.url} for each in measures],
        "imagingStudy": [{"reference": each.url} for each in studies],
        "conclusion": _conclusion(reading),
        "presentedForm": [
            kept({"contentType": a.media_type, "url": url, "title": a.title or header.title})
            for url, a in reading.making.files
            if a.role is Role.COPY
        ],
    }
    first = (studies or reading.found)[0]
    reading.found.append(
        Found(reading.making.new_url(), kept(report), first.statement, first.section, whole=True)
    )


def _status(reading: Reading, standing: list[Found]) -> str:
    """That of the document; in error when all it says was withdrawn."""
    if not standing:
        return void.ERROR
    return "corrected" if reading.making.status == "amended" else reading.making.status


def _series(reading: Reading, statement: Statement) -> Json | None:
    number = _uid(statement)
    if not statement.happened or number is None:
        return None
    reading.use(statement)
    objects = [
        made
        for each in statement.inside(None, *OBJECT)
        if (made := _object(reading, each)) is not None
    ]
    return kept(
        {
            "uid": number,
            "modality": _modality(statement),
            "numberOfInstances": len(objects) or None,
            "started": statement.at.first if statement.at else None,
            "bodySite": next(iter((concept(statement.sites[0]) or {}).get("coding", [])), None)
            if statement.sites
            else None,
            "instance": objects,
        }
    )


def _object(reading: Reading, statement: Statement) -> Json | None:
    number, code = _uid(statement), statement.code
    if not statement.happened or number is None or code is None or not code.code:
        return None
    reading.use(statement)
    shown = {"system": URI, "code": f"urn:oid:{code.code}", "display": code.display}
    return {"uid": number, "sopClass": kept(shown)}


def _uid(statement: Statement) -> str | None:
    """The DICOM number: the root of the identifier, alone."""
    found = next((each for each in statement.ids if each.extension is None), None)
    return (
        found.root if found and d.OID.fullmatch(found.root) and len(found.root) <= MAX_UID else None
    )


def _dicom(number: str) -> Json:
    return {"system": UID, "value": f"urn:oid:{number}"}


def _accessions(reading: Reading) -> list[Json]:
    """The accession numbers of the orders; of several, nothing says which is this study's."""
    found = [each.accession for each in reading.making.header.orders if each.accession]
    return [_accession(found[0])] if len(found) == 1 else []


def _accession(number: Id) -> Json:
    return {"type": coded(V2, "ACSN"), **identifier(number)}


def _modality(statement: Statement) -> Json:
    """The qualifier of the series; OT when it says none: R4 wants one."""
    for each in d.children(d.child(statement.element, "code"), "qualifier"):
        name = d.code(d.child(each, "name"))
        value = d.code(d.child(each, "value"))
        if name and name.code == MODALITY and value and value.code:
            return kept({"system": DCM, "code": value.code, "display": value.display})
    return {"system": DCM, "code": OTHER}


def _techniques(reading: Reading, studies: list[Found]) -> None:
    """What was done for each study, as the technique of the section it stands in, or above, says."""
    sections = reading.making.document.sections
    codes: dict[int, list[Json]] = {}
    for each in reading.found:
        if each.statement.is_a(*TECHNIQUE) and (code := each.resource.get("code")):
            codes.setdefault(each.section, []).append(code)
    for each in studies:
        where: int | None = each.section
        while where is not None and where >= 0 and where not in codes:
            where = sections[where].parent
        if where is not None and where in codes:
            each.resource["procedureCode"] = codes[where]


def _conclusion(reading: Reading) -> str | None:
    """The words of the conclusion."""
    for section in reading.making.document.sections:
        if section.code is not None and section.code.code == CONCLUSION and section.html:
            return " ".join(unescape(sub("<[^>]*>", " ", section.html)).split()) or None
    return None
