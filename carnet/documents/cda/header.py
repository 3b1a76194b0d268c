# SPDX-License-Identifier: EUPL-1.2
"""The header of a CDA document: what it is, of whom, by whom, about which act.

Reads the header of every model of the CI-SIS; what a document lacks is None or empty, and judged
elsewhere (`conformance.py`). Source: CI-SIS, Structuration minimale de documents de santé; HL7 CDA
R2.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from carnet.documents.cda import datatypes as d
from carnet.identity import ins, traits
from carnet.identity.traits import Sex, Traits

SEX: Final = {"M": Sex.MALE, "F": Sex.FEMALE, "U": Sex.UNKNOWN, "UN": Sex.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Organisation:
    ids: tuple[d.Id, ...]
    name: str | None
    setting: d.Code | None  # standardIndustryClassCode: cadre d'exercice
    telecoms: tuple[d.Telecom, ...]
    address: d.Address | None


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody or something that took part, with the role they took."""

    role: str  # author, legalAuthenticator, or the typeCode of a participant: REF, PRF, INF…
    ids: tuple[d.Id, ...]
    profession: d.Code | None  # G15_10/SM26…
    name: d.Name | None
    organisation: Organisation | None
    function: d.Code | None  # PCP (médecin traitant), PRELV…
    time: d.Period | None
    device: str | None = None  # model and software, when a machine is the author
    relation: d.Code | None = None  # of an informant to the patient
    telecoms: tuple[d.Telecom, ...] = ()
    addresses: tuple[d.Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Patient:
    """The patient as the document describes them."""

    claim: ins.InsClaim | None
    ids: tuple[d.Id, ...]  # local numbers, the INS left out
    traits: Traits
    birth_date_written: str | None  # as received: it may be no date
    birth_city: str | None
    used_family: str | None
    used_given: str | None
    deceased: str | None
    telecoms: tuple[d.Telecom, ...]
    addresses: tuple[d.Address, ...]
    other_claims: int  # INS numbers after the first: a document has one


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """An act the document reports (documentationOf)."""

    ids: tuple[d.Id, ...]
    code: d.Code | None
    period: d.Period | None
    status: str | None
    performer: Party | None


@dataclass(frozen=True, slots=True)
class Encounter:
    """The stay or contact it happened in (encompassingEncounter)."""

    ids: tuple[d.Id, ...]
    code: d.Code | None
    period: d.Period | None
    responsible: Party | None
    facility_type: d.Code | None  # secteur d'activité: SA25…
    facility_ids: tuple[d.Id, ...]
    place_name: str | None
    place_address: d.Address | None


@dataclass(frozen=True, slots=True)
class Order:
    """The prescription or request it answers (inFulfillmentOf)."""

    ids: tuple[d.Id, ...]
    accession: d.Id | None


@dataclass(frozen=True, slots=True)
class Parent:
    """Another document this one replaces (RPLC), completes (APND) or transforms (XFRM)."""

    relation: str
    ids: tuple[d.Id, ...]
    set_id: d.Id | None
    version: int | None


@dataclass(frozen=True, slots=True)
class Header:
    templates: tuple[str, ...]
    id: d.Id | None
    set_id: d.Id | None
    version: int | None
    code: d.Code | None
    title: str | None
    effective: str | None  # FHIR dateTime
    confidentiality: tuple[d.Code, ...]
    language: str | None
    patient: Patient | None
    authors: tuple[Party, ...]
    custodian: Organisation | None
    legal_authenticator: Party | None
    authenticators: tuple[Party, ...]
    informants: tuple[Party, ...]
    participants: tuple[Party, ...]
    recipients: tuple[Party, ...]
    orders: tuple[Order, ...]
    events: tuple[ServiceEvent, ...]
    parents: tuple[Parent, ...]
    encounter: Encounter | None
    status: str | None = None  # statusCode of HL7's extension (sdtc), of the document itself

    @property
    def act(self) -> ServiceEvent | None:
        """The act whose dates are those of the document: the one with its performer, if dated."""
        dated = [e for e in self.events if e.period]
        return next((e for e in dated if e.performer), dated[0] if dated else None)

    @property
    def replaces(self) -> tuple[d.Id, ...]:
        """Identifiers of the documents this one takes the place of."""
        return tuple(i for p in self.parents if p.relation == "RPLC" for i in p.ids)


def read(root: d.Element) -> Header:
    """The header of a ClinicalDocument element."""
    return Header(
        templates=d.templates(root),
        id=d.identifier(d.child(root, "id")),
        set_id=d.identifier(d.child(root, "setId")),
        version=_integer(d.attribute(d.child(root, "versionNumber"), "value")),
        code=d.code(d.child(root, "code")),
        title=d.text(d.child(root, "title")),
        effective=d.time(d.child(root, "effectiveTime")),
        confidentiality=_confidentiality(root),
        language=d.attribute(d.child(root, "languageCode"), "code"),
        patient=_patient(d.down(root, "recordTarget", "patientRole")),
        authors=tuple(_party("author", e, "assignedAuthor") for e in d.children(root, "author")),
        custodian=_organisation(
            d.down(root, "custodian", "assignedCustodian", "representedCustodianOrganization")
        ),
        legal_authenticator=_one(root, "legalAuthenticator"),
        authenticators=tuple(
            _party("authenticator", e, "assignedEntity") for e in d.children(root, "authenticator")
        ),
        informants=tuple(_informant(e) for e in d.children(root, "informant")),
        participants=tuple(
            _party(d.attribute(e, "typeCode") or "participant", e, "associatedEntity")
            for e in d.children(root, "participant")
        ),
        recipients=tuple(
            _party("recipient", e, "intendedRecipient")
            for e in d.children(root, "informationRecipient")
        ),
        orders=tuple(
            Order(d.ids(order), d.identifier(_accession(order)))
            for order in (d.child(e, "order") for e in d.children(root, "inFulfillmentOf"))
            if order is not None
        ),
        events=tuple(
            _event(event)
            for event in (d.child(e, "serviceEvent") for e in d.children(root, "documentationOf"))
            if event is not None
        ),
        parents=tuple(_parent(e) for e in d.children(root, "relatedDocument")),
        encounter=_encounter(d.down(root, "componentOf", "encompassingEncounter")),
        status=_status(root),
    )


def _integer(written: str | None) -> int | None:
    return (
        int(written)
        if written and written.isascii() and written.isdigit() and len(written) < 10
        else None
    )


def _confidentiality(root: d.Element) -> tuple[d.Code, ...]:
    """N, R or V, and the masks some software writes beside it or as translations."""
    found: list[d.Code] = []
    for element in d.children(root, "confidentialityCode"):
        value = d.code(element)
        if value:
            found.extend((value, *value.translations))
    return tuple(c for c in found if c.code)


def _one(root: d.Element, name: str) -> Party | None:
    element = d.child(root, name)
    return None if element is None else _party(name, element, "assignedEntity")


def _accession(order: d.Element) -> d.Element | None:
    """accessionNumber stands in a namespace of DICOM (ps3-20), whichever prefix it has."""
    return next((e for e in order if d.local(e) == "accessionNumber"), None)


def _organisation(element: d.Element | None) -> Organisation | None:
    if element is None:
        return None
    return Organisation(
        d.ids(element),
        d.text(d.child(element, "name")),
        d.code(d.child(element, "standardIndustryClassCode")),
        d.telecoms(element),
        d.address(d.child(element, "addr")),
    )


PERSONS: Final = (
    "assignedPerson",
    "associatedPerson",
    "informationRecipient",
    "relatedPerson",
    "playingEntity",
)
ORGANISATIONS: Final = ("representedOrganization", "scopingOrganization", "receivedOrganization")


def party(role: str, element: d.Element, entity: d.Element | None) -> Party:
    """A participation and its entity, in any of the shapes CDA gives them."""
    person = next((p for p in (d.child(entity, n) for n in PERSONS) if p is not None), None)
    organisation = next(
        (o for o in (d.child(entity, n) for n in ORGANISATIONS) if o is not None), None
    )
    device = d.child(entity, "assignedAuthoringDevice")
    machine = [d.text(d.child(device, n)) for n in ("manufacturerModelName", "softwareName")]
    return Party(
        role,
        d.ids(entity),
        d.code(d.child(entity, "code")),
        d.name(d.child(person, "name")),
        _organisation(organisation),
        d.code(d.child(element, "functionCode")),
        d.period(d.child(element, "time")),
        # Some fill what they must with a point.
        " ".join(m for m in machine if m and any(c.isalnum() for c in m)) or None,
        None,
        d.telecoms(entity),
        tuple(a for a in map(d.address, d.children(entity, "addr")) if a),
    )


def _party(role: str, element: d.Element, entity: str) -> Party:
    return party(role, element, d.child(element, entity))


def _informant(element: d.Element) -> Party:
    related = d.child(element, "relatedEntity")
    if related is None:
        return _party("informant", element, "assignedEntity")
    found = party("informant", element, related)
    return replace(found, profession=None, device=None, relation=found.profession)


def _patient(role: d.Element | None) -> Patient | None:
    if role is None:
        return None
    person = d.child(role, "patient")
    claims: list[ins.InsClaim] = []
    others: list[d.Id] = []
    for number in d.ids(role):
        if number.root.startswith(ins.ARC) and number.root.count(".") == ins.ARC.count("."):
            claims.append(ins.claim(number.extension or "", number.root))
        else:
            others.append(number)
    names = _names(person)
    written = d.attribute(d.child(person, "birthTime"), "value")
    place = d.down(person, "birthplace", "place", "addr")
    strict = Traits(
        birth_name=names.get("family BR"),
        birth_given_names=names.get("given"),
        first_given_name=names.get("given BR"),
        birth_date=_birth_date(written),
        sex=SEX.get(d.attribute(d.child(person, "administrativeGenderCode"), "code") or ""),
        birth_place=d.text(d.child(place, "county")),
    )
    claim = claims[0] if claims else None
    if claim and traits.missing(strict):
        claim = claim.lacking(ins.Defect.MISSING_TRAITS)
    return Patient(
        claim=claim,
        ids=tuple(others),
        traits=strict,
        birth_date_written=written,
        birth_city=d.text(d.child(place, "city")),
        used_family=names.get("family CL") or names.get("family SP") or names.get("family"),
        used_given=names.get("given CL") or names.get("given SP"),
        deceased=next((d.time(e) for e in person if d.local(e) == "deceasedTime"), None)
        if person is not None
        else None,
        telecoms=d.telecoms(role),
        addresses=tuple(a for a in map(d.address, d.children(role, "addr")) if a),
        other_claims=max(0, len(claims) - 1),
    )


def _names(person: d.Element | None) -> dict[str, str]:
    """The patient's names by element and qualifier: "family BR" (birth), "given CL" (used).

    Without a qualifier, `given` is the list of birth given names; several are joined by a space,
    and so are the parts of a family name. Of two names, the first says the family name.
    """
    found: dict[str, str] = {}
    for whole in d.children(person, "name"):
        before = {key for key in found if key != "given"}
        for part in whole:
            kind = d.local(part)
            value = d.text(part)
            if kind not in ("family", "given") or not value:
                continue
            qualifier = d.attribute(part, "qualifier")
            key = f"{kind} {qualifier}" if qualifier else kind
            if key in before:
                continue
            if key in found and (key == "given" or kind == "family"):
                found[key] = f"{found[key]} {value}"
            else:
                found.setdefault(key, value)
    return found


def _birth_date(written: str | None) -> date | None:
    """The day of birth; None when it is not a whole date (birth times keep their day)."""
    digits = (written or "")[:8]
    if not (len(digits) == 8 and digits.isascii() and digits.isdigit()):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _status(element: d.Element) -> str | None:
    """statusCode, in the namespace of an extension: IHE PaLM's of an act, HL7's of a document."""
    found = next((e for e in element if d.local(e) == "statusCode"), None)
    return d.attribute(found, "code")


def _event(event: d.Element) -> ServiceEvent:
    performer = d.child(event, "performer")
    return ServiceEvent(
        d.ids(event),
        d.code(d.child(event, "code")),
        d.period(d.child(event, "effectiveTime")),
        _status(event),
        None if performer is None else _party("performer", performer, "assignedEntity"),
    )


def _encounter(element: d.Element | None) -> Encounter | None:
    if element is None:
        return None
    responsible = d.child(element, "responsibleParty")
    facility = d.down(element, "location", "healthCareFacility")
    place = d.child(facility, "location")
    return Encounter(
        d.ids(element),
        d.code(d.child(element, "code")),
        d.period(d.child(element, "effectiveTime")),
        None if responsible is None else _party("responsible", responsible, "assignedEntity"),
        d.code(d.child(facility, "code")),
        d.ids(facility),
        d.text(d.child(place, "name"))
        or d.text(d.down(facility, "serviceProviderOrganization", "name")),
        d.address(d.child(place, "addr")),
    )


def _parent(element: d.Element) -> Parent:
    document = d.child(element, "parentDocument")
    return Parent(
        d.attribute(element, "typeCode") or "",
        d.ids(document),
        d.identifier(d.child(document, "setId")),
        _integer(d.attribute(d.child(document, "versionNumber"), "value")),
    )
