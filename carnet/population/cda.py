# SPDX-License-Identifier: EUPL-1.2
"""Writes French CDA R2 documents: laboratory reports (level 3) and letters around a PDF (level 1).

Source: ANS, CI-SIS, volets Structuration minimale, CR-BIO 2024.01 and Document non structuré; IHE
PALM XD-LAB. Only what the demonstration needs. The reader in carnet.documents shares nothing with
this writer, so that each can show the other's mistakes.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from uuid import UUID

from carnet.identity.organisations import IDNST
from carnet.identity.professionals import IDNPS
from carnet.identity.traits import Sex
from carnet.population.clock import stamp
from carnet.population.laboratory import Measure, Panel, printed, printed_range
from carnet.population.people import Address, Establishment, Person, Professional

IDNPS_OID = IDNPS.removeprefix("urn:oid:")
IDNST_OID = IDNST.removeprefix("urn:oid:")
LOINC_OID = "2.16.840.1.113883.6.1"
PROFESSION_OID = "1.2.250.1.213.1.1.4.5"
SETTING_OID = "1.2.250.1.213.1.1.4.9"
FACILITY_OID = "1.2.250.1.71.4.2.4"
FUNCTION_OID = "2.16.840.1.113883.5.88"
ACT_OID = "2.16.840.1.113883.5.4"
INTERPRETATION_OID = "2.16.840.1.113883.5.83"
CONFIDENTIALITY_OID = "2.16.840.1.113883.5.25"
GENDER_OID = "2.16.840.1.113883.5.1"

# Templates: HL7 France, CI-SIS, then each model's own.
COMMON = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1")
CR_BIO = ("1.3.6.1.4.1.19376.1.3.3", "1.2.250.1.213.1.1.1.55")
UNSTRUCTURED = ("1.3.6.1.4.1.19376.1.2.20",)
CHAPTER = ("1.3.6.1.4.1.19376.1.3.3.2.1", "1.2.250.1.213.1.1.2.70")
SUB_CHAPTER = ("1.3.6.1.4.1.19376.1.3.3.2.2", "1.2.250.1.213.1.1.2.71")
RESULTS = ("1.3.6.1.4.1.19376.1.3.1", "1.2.250.1.213.1.1.3.21")
BATTERY = ("1.3.6.1.4.1.19376.1.3.1.4", "1.2.250.1.213.1.1.3.78")
RESULT = ("1.3.6.1.4.1.19376.1.3.1.6", "1.2.250.1.213.1.1.3.80")
PRESCRIBER = ("1.3.6.1.4.1.19376.1.3.3.1.6",)
LABORATORY = ("1.3.6.1.4.1.19376.1.3.3.1.7",)
PDF_COPY = ("1.2.250.1.213.1.1.2.243",)
ATTACHED = ("1.2.250.1.213.1.1.3.18",)
ATTACHED_TYPE = (
    "1.3.6.1.4.1.19376.1.5.3.1.4.13",
    "1.2.250.1.213.1.1.3.48",
    "1.2.250.1.213.1.1.3.48.18",
)

INTERPRETATIONS = {"N": "Normal", "L": "Anormalement bas", "H": "Anormalement haut"}

NAMESPACES = (
    'xmlns="urn:hl7-org:v3" xmlns:lab="urn:oid:1.3.6.1.4.1.19376.1.3.2" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


@dataclass(frozen=True, slots=True)
class Seat:
    """A professional, and the place they act in."""

    who: Professional
    where: Establishment


@dataclass(frozen=True, slots=True)
class Encounter:
    """The context of care: JDV EncompassingEncounterCode, and when."""

    code: str
    label: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Header:
    """What the head of a document says."""

    unique_id: str  # an OID
    set_id: str  # the same for every version
    version: int
    replaces: str | None  # unique_id of the version before
    code: str  # LOINC, JDV_J07-XdsTypeCode
    label: str
    title: str
    effective: datetime
    patient: Person
    guardian: Person | None
    author: Seat
    prescriber: Seat | None
    attending: Seat | None
    prescribed: datetime | None
    order: str | None  # number of the prescription
    performed: tuple[datetime, datetime]  # reception and end of the act
    encounter: Encounter


# ---------------------------------------------------------------- the two documents


def laboratory_report(
    header: Header,
    results: Sequence[tuple[Panel, Sequence[Measure]]],
    sampled: datetime,
    remark: str | None,
    pdf: bytes,
) -> bytes:
    """A CR-BIO, level 3: a chapter for each discipline, a PDF copy at the end.

    sampled: when the blood was drawn, the time of every result.
    remark: a sentence of the biologist.
    """
    chapters = [
        (code, label, list(group))
        for (code, label), group in groupby(
            results, key=lambda one: (one[0].chapter, one[0].chapter_label)
        )
    ]
    serial = _Serial(header.unique_id)
    sections = [
        _chapter(code, label, panels, sampled, remark if number == 0 else None, serial)
        for number, (code, label, panels) in enumerate(chapters)
    ]
    acts = [(code, label) for code, label, _ in chapters]
    body = tag("structuredBody", *sections, _pdf_copy(header.unique_id, pdf))
    return _document(header, CR_BIO, acts, body)


def letter(header: Header, pdf: bytes) -> bytes:
    """A document of level 1: the head, and a PDF."""
    content = b64encode(pdf).decode()
    text = tag("text", content, mediaType="application/pdf", representation="B64")
    return _document(header, UNSTRUCTURED, (), tag("nonXMLBody", text))


def oid(*path: object) -> str:
    """An OID for a thing of the demonstration: 2.25 and a UUID of its path (ITU-T X.667)."""
    return f"2.25.{uuid(*path).int}"


def uuid(*path: object) -> UUID:
    """A UUID drawn from a path: the same path, the same UUID."""
    return UUID(bytes=sha256("/".join(map(str, path)).encode()).digest()[:16], version=4)


# ---------------------------------------------------------------- elements


def tag(name: str, *children: str, **attributes: str | None) -> str:
    """An element. Children are markup (see `leaf` for text); an attribute of None is left out."""
    said = "".join(
        f' {key}="{value.translate(ESCAPED)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return f"<{name}{said}/>"
    return f"<{name}{said}>{''.join(children)}</{name}>"


def leaf(name: str, text: str, **attributes: str | None) -> str:
    """An element around a text."""
    return tag(name, text.translate(ESCAPED), **attributes)


def typed(name: str, kind: str, *children: str, **attributes: str | None) -> str:
    """An element with an xsi:type."""
    return tag(name, *children, **{"xsi:type": kind, **attributes})


def templates(*roots: str) -> str:
    """The templateIds an element claims."""
    return "".join(f'<templateId root="{root}"/>' for root in roots)


def loinc(code: str, label: str, *children: str) -> str:
    """A code in LOINC."""
    return tag(
        "code", *children, code=code, displayName=label, codeSystem=LOINC_OID,
        codeSystemName="LOINC",
    )  # fmt: skip


def time(moment: datetime, name: str = "time") -> str:
    """A point in time."""
    return tag(name, value=stamp(moment))


def interval(
    name: str, low: datetime | None, high: datetime | None, kind: str | None = None
) -> str:
    """An interval, open where a bound is None."""
    bounds = (time(low, "low") if low else "", time(high, "high") if high else "")
    return tag(name, *bounds, **{"xsi:type": kind})


# ---------------------------------------------------------------- head


def _document(
    header: Header, model: Iterable[str], acts: Sequence[tuple[str, str]], body: str
) -> bytes:
    parts = (
        tag("realmCode", code="FR"),
        tag("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        templates(*COMMON, *model),
        tag("id", root=header.unique_id),
        loinc(header.code, header.label),
        leaf("title", header.title),
        time(header.effective, "effectiveTime"),
        tag("confidentialityCode", code="N", displayName="Normal", codeSystem=CONFIDENTIALITY_OID),
        tag("languageCode", code="fr-FR"),
        tag("setId", root=header.set_id),
        tag("versionNumber", value=str(header.version)),
        _record_target(header),
        _author(header),
        tag(
            "custodian",
            tag(
                "assignedCustodian",
                _organisation("representedCustodianOrganization", header.author.where),
            ),
        ),
        tag(
            "legalAuthenticator",
            time(header.effective),
            tag("signatureCode", code="S"),
            _assigned("assignedEntity", header.author, setting=True),
        ),
        *_participants(header),
        tag("inFulfillmentOf", tag("order", tag("id", root=oid("orders"), extension=header.order)))
        if header.order
        else "",
        *_acts(header, acts),
        _replaced(header),
        _component_of(header),
        tag("component", body),
    )
    text = "\n".join(part for part in parts if part)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument {NAMESPACES}>\n{text}\n'
        "</ClinicalDocument>\n"
    ).encode()


def _record_target(header: Header) -> str:
    patient = header.patient
    woman = patient.sex is Sex.FEMALE
    place = patient.birth_place
    birthplace = tag("addr", leaf("county", place.code), leaf("city", place.name))
    return tag(
        "recordTarget",
        tag(
            "patientRole",
            tag("id", extension=patient.ins, root=patient.ins_oid),
            tag(  # IPP: the number the place itself gives
                "id",
                extension=str(uuid(header.author.where.key, patient.key).int % 10**10),
                root=oid("ipp", header.author.where.key),
            ),
            _address(patient.address, use="H"),
            *_telecoms(patient),
            tag(
                "patient",
                tag(
                    "name",
                    leaf("family", patient.birth_name, qualifier="BR"),
                    leaf("given", " ".join(patient.birth_given_names)),
                    leaf("given", patient.first_given_name, qualifier="BR"),
                    leaf("family", patient.used_name, qualifier="CL"),
                    leaf("given", patient.used_given_name, qualifier="CL"),
                ),
                tag(
                    "administrativeGenderCode",
                    code="F" if woman else "M",
                    displayName="Féminin" if woman else "Masculin",
                    codeSystem=GENDER_OID,
                ),
                tag("birthTime", value=f"{patient.birth_date:%Y%m%d}"),
                _guardian(header.guardian) if header.guardian else "",
                tag("birthplace", tag("place", birthplace)),
                classCode="PSN",
            ),
        ),
    )


def _guardian(guardian: Person) -> str:
    name = tag(
        "name",
        leaf("prefix", guardian.title),
        leaf("family", guardian.used_name),
        leaf("given", guardian.used_given_name),
    )
    return tag(
        "guardian",
        _address(guardian.address, use="H"),
        *_telecoms(guardian),
        tag("guardianPerson", name),
    )


def _telecoms(person: Person) -> list[str]:
    if not person.phones:
        return [tag("telecom", nullFlavor="NASK")]
    return [
        tag("telecom", value=f"tel:{phone}", use="MC" if phone[:2] in ("06", "07") else "H")
        for phone in person.phones
    ]


def _address(address: Address, use: str | None = None) -> str:
    return tag(
        "addr",
        leaf("houseNumber", address.number),
        leaf("streetName", address.street),
        leaf("postalCode", address.town.postal_code),
        leaf("city", address.town.name),
        leaf("country", "FRANCE"),
        use=use,
    )


def _profession(who: Professional) -> str:
    """Profession and specialty. JDV_J01 pairs a profession with a specialty for doctors alone."""
    code, label = f"G15_{who.profession}", who.profession_label
    if who.profession == "10" and who.specialty:
        code, label = f"{code}/{who.specialty}", f"{label} - {who.specialty_label}"
    return tag("code", code=code, displayName=label, codeSystem=PROFESSION_OID)


def _person(name: str, who: Professional) -> str:
    parts = (
        leaf("prefix", who.civil_title),
        leaf("given", who.given_name),
        leaf("family", who.family_name),
        leaf("suffix", who.title) if who.title else "",
    )
    return tag(name, tag("name", *parts))


def _organisation(name: str, where: Establishment, setting: bool = False) -> str:
    return tag(
        name,
        tag("id", root=IDNST_OID, extension=where.idnst),
        leaf("name", where.name),
        tag("telecom", value=f"tel:{where.phone}", use="WP"),
        _address(where.address),
        _setting(where) if setting else "",
    )


def _setting(where: Establishment) -> str:
    return tag(
        "standardIndustryClassCode", code=where.setting, displayName=where.setting_label,
        codeSystem=SETTING_OID,
    )  # fmt: skip


def _contact(seat: Seat) -> tuple[str, ...]:
    """Who, and how to reach them where they work."""
    return (
        tag("id", root=IDNPS_OID, extension=seat.who.idnps),
        _profession(seat.who),
        _address(seat.where.address),
        tag("telecom", value=f"tel:{seat.where.phone}", use="WP"),
        tag("telecom", value=f"mailto:{seat.who.email}", use="WP"),
    )


def _assigned(name: str, seat: Seat, setting: bool = False) -> str:
    return tag(
        name,
        *_contact(seat),
        _person("assignedPerson", seat.who),
        _organisation("representedOrganization", seat.where, setting),
    )


def _author(header: Header) -> str:
    return tag("author", time(header.effective), _assigned("assignedAuthor", header.author))


def _participants(header: Header) -> Iterable[str]:
    if header.prescriber:
        yield tag(
            "participant",
            templates(*PRESCRIBER),
            interval("time", None, header.prescribed, kind="IVL_TS"),
            _associated(header.prescriber),
            typeCode="REF",
        )
    if header.attending:
        yield tag(
            "participant",
            tag(
                "functionCode", code="PCP", displayName="Médecin traitant", codeSystem=FUNCTION_OID
            ),
            tag("time", nullFlavor="NA"),
            _associated(header.attending),
            typeCode="INF",
        )


def _associated(seat: Seat) -> str:
    return tag(
        "associatedEntity",
        *_contact(seat),
        _person("associatedPerson", seat.who),
        _organisation("scopingOrganization", seat.where, setting=True),
        classCode="PROV",
    )


def _acts(header: Header, acts: Sequence[tuple[str, str]]) -> Iterable[str]:
    """The main act, with who performed it, then the other chapters."""
    start, end = header.performed
    performer = tag(
        "performer",
        templates(*LABORATORY) if acts else "",
        interval("time", None, end),
        _assigned("assignedEntity", header.author, setting=True),
        typeCode="PRF",
    )
    yield tag(
        "documentationOf",
        tag(
            "serviceEvent",
            tag("id", root=oid("acts"), extension=str(uuid(header.set_id, "act").int % 10**12)),
            loinc(*acts[0]) if acts else "",
            tag("lab:statusCode", code="completed") if acts else "",
            interval("effectiveTime", start, end),
            performer,
        ),
    )
    for code, label in acts[1:]:
        yield tag("documentationOf", tag("serviceEvent", loinc(code, label)))


def _replaced(header: Header) -> str:
    if header.replaces is None:
        return ""
    parent = tag(
        "parentDocument",
        tag("id", root=header.replaces),
        tag("setId", root=header.set_id),
        tag("versionNumber", value=str(header.version - 1)),
    )
    return tag("relatedDocument", parent, typeCode="RPLC")


def _component_of(header: Header) -> str:
    encounter, where = header.encounter, header.author.where
    return tag(
        "componentOf",
        tag(
            "encompassingEncounter",
            tag("id", root=oid("encounters"), extension=str(uuid(header.set_id, "visit"))),
            tag(
                "code", code=encounter.code, displayName=encounter.label, codeSystem=ACT_OID
            ),
            interval("effectiveTime", encounter.start, encounter.end),
            tag("responsibleParty", _assigned("assignedEntity", header.author)),
            tag(
                "location",
                tag(
                    "healthCareFacility",
                    tag(
                        "code", code=where.kind, displayName=where.kind_label,
                        codeSystem=FACILITY_OID,
                    ),
                    tag("location", leaf("name", where.name), _address(where.address)),
                ),
            ),
        ),
    )  # fmt: skip


# ---------------------------------------------------------------- body


class _Serial:
    """Names for the results of one document: anchors in its text, and identifiers."""

    def __init__(self, document: str) -> None:
        self.document = document
        self.given = 0

    def next(self) -> str:
        self.given += 1
        return f"resultat-{self.given:02}"

    def id(self, anchor: str) -> str:
        """The identifier of the result at an anchor."""
        return oid(self.document, anchor)


def _chapter(
    code: str,
    label: str,
    panels: Sequence[tuple[Panel, Sequence[Measure]]],
    sampled: datetime,
    remark: str | None,
    serial: _Serial,
) -> str:
    inner = [
        tag(
            "component",
            _sub_chapter(panel, measures, sampled, remark if number == 0 else None, serial),
        )
        for number, (panel, measures) in enumerate(panels)
    ]
    head = (templates(*CHAPTER), loinc(code, label), leaf("title", label.upper()))
    return "\n" + tag("component", tag("section", *head, *inner))


def _sub_chapter(
    panel: Panel,
    measures: Sequence[Measure],
    sampled: datetime,
    remark: str | None,
    serial: _Serial,
) -> str:
    anchors = [serial.next() for _ in measures]
    code = loinc(panel.battery or panel.chapter, panel.battery_label or panel.chapter_label)
    entries = [
        _observation(measure, anchor, serial.id(anchor), sampled)
        for measure, anchor in zip(measures, anchors, strict=True)
    ]
    if panel.battery:
        organizer = tag(
            "organizer",
            templates(*BATTERY),
            code,
            tag("statusCode", code="completed"),
            time(sampled, "effectiveTime"),
            *(tag("component", entry) for entry in entries),
            classCode="BATTERY",
            moodCode="EVN",
        )
        entries = [organizer]
    act = tag(
        "act",
        code,
        tag("statusCode", code="completed"),
        *(tag("entryRelationship", entry, typeCode="COMP") for entry in entries),
        classCode="ACT",
        moodCode="EVN",
    )
    return tag(
        "section",
        templates(*SUB_CHAPTER),
        code,
        leaf("title", panel.label),
        _narrative(panel, measures, anchors, remark),
        tag("entry", templates(*RESULTS), act, typeCode="DRIV"),
    )


def _narrative(
    panel: Panel, measures: Sequence[Measure], anchors: Sequence[str], remark: str | None
) -> str:
    """The table a person reads: it says what the entries say, and the second unit."""
    head = tag(
        "tr",
        leaf("th", panel.label),
        leaf("th", "Résultats"),
        leaf("th", "Valeurs de référence"),
    )
    rows = [
        tag(
            "tr",
            tag("td", leaf("content", measure.analyte.label, ID=anchor)),
            _cell(measure),
            leaf("td", printed_range(measure)),
        )
        for measure, anchor in zip(measures, anchors, strict=True)
    ]
    table = tag("table", tag("thead", head), tag("tbody", *rows), border="0")
    return tag("text", leaf("paragraph", remark) if remark else "", table)


def _cell(measure: Measure) -> str:
    text = leaf("content", told(measure), styleCode=None if _normal(measure) else "Bold")
    other = also(measure)
    return tag("td", text, "<br/>", leaf("content", other)) if other else tag("td", text)


def _normal(measure: Measure) -> bool:
    return measure.interpretation == "N"


def told(measure: Measure) -> str:
    """The value with its unit and, out of range, an H or an L."""
    text = printed(measure.value, measure.analyte.printed_unit)
    return text if _normal(measure) else f"{text} {measure.interpretation}"


def also(measure: Measure) -> str | None:
    """The value in the second unit, where the analyte has one."""
    other = measure.analyte.also
    if other is None:
        return None
    return printed(round(measure.value * other.factor, other.decimals), other.unit)


def _observation(measure: Measure, anchor: str, name: str, sampled: datetime) -> str:
    analyte = measure.analyte
    reference = tag("originalText", tag("reference", value=f"#{anchor}"))
    return tag(
        "observation",
        templates(*RESULT),
        tag("id", root=name),
        loinc(analyte.code, analyte.label, reference),
        tag("statusCode", code="completed"),
        time(sampled, "effectiveTime"),
        typed("value", "PQ", value=f"{measure.value:f}", unit=analyte.unit),
        _interpretation(measure.interpretation),
        _reference_range(measure),
        classCode="OBS",
        moodCode="EVN",
    )


def _interpretation(code: str) -> str:
    return tag(
        "interpretationCode", code=code, displayName=INTERPRETATIONS[code],
        codeSystem=INTERPRETATION_OID,
    )  # fmt: skip


def _reference_range(measure: Measure) -> str:
    bounds = [
        tag(name, value=f"{bound:f}", unit=measure.analyte.unit)
        for name, bound in (("low", measure.low), ("high", measure.high))
        if bound is not None
    ]
    if not bounds:
        return ""
    observed = tag(
        "observationRange",
        typed("value", "IVL_PQ", *bounds),
        _interpretation("N"),
        classCode="OBS",
        moodCode="EVN.CRT",
    )
    return tag("referenceRange", observed, typeCode="REFV")


def _pdf_copy(unique_id: str, pdf: bytes) -> str:
    content = b64encode(pdf).decode()
    kind = tag(
        "observation",
        templates(*ATTACHED_TYPE),
        tag("id", root=oid(unique_id, "attached type")),
        loinc("69764-9", "Type de document"),
        tag("text", tag("reference", value="#copie")),
        tag("statusCode", code="completed"),
        tag("effectiveTime", nullFlavor="NA"),
        typed(
            "value", "CD", code="55108-5", displayName="Copie du document", codeSystem=LOINC_OID,
            codeSystemName="LOINC",
        ),
        classCode="OBS",
        moodCode="EVN",
    )  # fmt: skip
    media = tag(
        "observationMedia",
        tag("value", content, mediaType="application/pdf", representation="B64"),
        classCode="OBS",
        moodCode="EVN",
        ID="copie",
    )
    organizer = tag(
        "organizer",
        templates(*ATTACHED),
        tag("id", root=oid(unique_id, "attached")),
        loinc("55107-7", "Document attaché"),
        tag("statusCode", code="completed"),
        tag("component", kind),
        tag("component", media),
        classCode="CLUSTER",
        moodCode="EVN",
    )
    shown = tag("td", tag("renderMultiMedia", referencedObject="copie"))
    return "\n" + tag(
        "component",
        tag(
            "section",
            templates(*PDF_COPY),
            tag("id", root=oid(unique_id, "copy")),
            loinc("55108-5", "Copie du document"),
            leaf("title", "Copie du document"),
            tag("text", tag("table", tag("tbody", tag("tr", shown)), border="0")),
            tag("entry", organizer),
        ),
    )
