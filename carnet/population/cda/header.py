# SPDX-License-Identifier: EUPL-1.2
"""The head every French CDA has: who, by whom, when, about which act. Then the body is put in.

Source: ANS, CI-SIS, volet Structuration minimale des documents de santé.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from carnet.identity.organisations import IDNST
from carnet.identity.professionals import IDNPS
from carnet.identity.traits import Sex
from carnet.population.cda.elements import (
    ANS_TYPE_OID,
    LOINC_OID,
    coded,
    interval,
    leaf,
    oid,
    tag,
    templates,
    time,
    uuid,
)
from carnet.population.people import Address, Establishment, Person, Professional

IDNPS_OID = IDNPS.removeprefix("urn:oid:")
IDNST_OID = IDNST.removeprefix("urn:oid:")
PROFESSION_OID = "1.2.250.1.213.1.1.4.5"
SETTING_OID = "1.2.250.1.213.1.1.4.9"
FACILITY_OID = "1.2.250.1.71.4.2.4"
FUNCTION_OID = "2.16.840.1.113883.5.88"
ACT_OID = "2.16.840.1.113883.5.4"
CONFIDENTIALITY_OID = "2.16.840.1.113883.5.25"
GENDER_OID = "2.16.840.1.113883.5.1"

COMMON = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1")  # HL7 France, CI-SIS
PRESCRIBER = ("1.3.6.1.4.1.19376.1.3.3.1.6",)

NAMESPACES = (
    'xmlns="urn:hl7-org:v3" xmlns:lab="urn:oid:1.3.6.1.4.1.19376.1.3.2" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
LOINC = re.compile("[0-9]{1,6}-[0-9]")


@dataclass(frozen=True, slots=True)
class Act:
    """What was done (serviceEvent), with the system of its code."""

    code: str
    label: str
    system: str = LOINC_OID


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
    order: str | None  # number of the prescription it answers
    performed: tuple[datetime, datetime]  # reception and end of the act
    encounter: Encounter


def document(
    header: Header,
    model: Iterable[str],
    body: str,
    acts: Sequence[Act] = (),
    performer: Iterable[str] = (),
    finished: str = "",
) -> bytes:
    """A whole document around a body.

    model: templates of the kind of document. acts: what was done, the main one first.
    performer: templates of who did it. finished: an element saying the act is complete.
    """
    parts = (
        tag("realmCode", code="FR"),
        tag("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        templates(*COMMON, *model),
        tag("id", root=header.unique_id),
        _type(header),
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
            assigned("assignedEntity", header.author, setting=True),
        ),
        *_participants(header),
        tag("inFulfillmentOf", tag("order", tag("id", root=oid("orders"), extension=header.order)))
        if header.order
        else "",
        *_acts(header, acts, performer, finished),
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


def assigned(name: str, seat: Seat, setting: bool = False) -> str:
    """A professional acting for a place, as the element of that name."""
    return tag(
        name,
        *_contact(seat),
        _person("assignedPerson", seat.who),
        _organisation("representedOrganization", seat.where, setting),
    )


def _author(header: Header) -> str:
    return tag("author", time(header.effective), assigned("assignedAuthor", header.author))


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


def _acts(
    header: Header, acts: Sequence[Act], performer: Iterable[str], finished: str
) -> Iterable[str]:
    """The main act, with who performed it, then the others."""
    start, end = header.performed
    yield tag(
        "documentationOf",
        tag(
            "serviceEvent",
            tag("id", root=oid("acts"), extension=str(uuid(header.set_id, "act").int % 10**12)),
            _act(acts[0]) if acts else "",
            finished,
            interval("effectiveTime", start, end),
            tag(
                "performer",
                templates(*performer),
                interval("time", None, end),
                assigned("assignedEntity", header.author, setting=True),
                typeCode="PRF",
            ),
        ),
    )
    for act in acts[1:]:
        yield tag("documentationOf", tag("serviceEvent", _act(act)))


def _act(act: Act) -> str:
    return coded("code", act.system, act.code, act.label)


def _type(header: Header) -> str:
    system = LOINC_OID if LOINC.fullmatch(header.code) else ANS_TYPE_OID
    return coded("code", system, header.code, header.label)


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
            tag("responsibleParty", assigned("assignedEntity", header.author)),
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
