# SPDX-License-Identifier: EUPL-1.2
"""A CDA document as FHIR resources: its metadata, its files, its results. Pure.

The DocumentReference has the comprehensive shape of PDSm, plus one `content` per file printed from
the same document: readers of the record find the PDF there, and the Binary is named by what governs
it. Results follow the document: each Observation is `derivedFrom` its DocumentReference.

Sources: ANS, PDSm 3.1.1 (ComprehensiveDocumentReference) and PDSm4DMP; IHE MHD 4.2; FHIR R4.

Identifiers (IHE MHD): a CDA id without extension is `urn:ietf:rfc:3986|urn:oid:<root>`, as the
examples of PDSm4DMP write it; with an extension it is `urn:oid:<root>|<extension>`, which a token
search finds whole. XDS's `root^extension` can be made again from it.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from carnet.documents import nomenclature
from carnet.documents.cda import CdaDocument
from carnet.documents.cda.attachments import Attachment, Role
from carnet.documents.cda.datatypes import (
    Address,
    Code,
    Id,
    Interval,
    Name,
    Period,
    Quantity,
    Ratio,
)
from carnet.documents.cda.header import Header, Organisation, Party, Patient
from carnet.documents.cda.results import Group, Previous, ReferenceRange, Result, Specimen, Value
from carnet.identity.traits import Traits

Json = dict[str, Any]

RFC3986: Final = "urn:ietf:rfc:3986"
UCUM: Final = "http://unitsofmeasure.org"
CORE: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
PROFILE: Final = (
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/"
    "pdsm-comprehensive-document-reference"
)
CLASS: Final = "1.2.250.1.213.1.1.4.1"  # TRE_A03-ClasseDocument
RELATION: Final = {"RPLC": "replaces", "APND": "appends", "XFRM": "transforms"}
# Models that are laboratory reports: IHE XD-LAB, CI-SIS CR-BIO and TROD.
LABORATORY: Final = frozenset(
    {"1.3.6.1.4.1.19376.1.3.3", "1.2.250.1.213.1.1.1.55", "1.2.250.1.213.1.1.1.59"}
)
# Status of a CDA act → Observation.status. Source: HL7 v3 ActStatus; FHIR R4 observation-status.
STATUS: Final = {
    "completed": "final",
    "active": "preliminary",
    "new": "registered",
    "held": "registered",
    "suspended": "registered",
    "aborted": "cancelled",
    "cancelled": "cancelled",
    "nullified": "entered-in-error",
}
# A unit is offered as a UCUM code when it can be one: printable ASCII without spaces.
UNIT: Final = re.compile("[!-~]+")
INSTANT: Final = re.compile(r".{10}T.{8}(\..+)?(Z|[+-].{5})")


@dataclass(frozen=True, slots=True)
class Made:
    """One resource to write; references between those of one document are their urls."""

    url: str  # urn:uuid:…, to be replaced by the address the store gives
    resource: Json
    data: bytes | None = None  # content of a Binary, kept out of the JSON


def resources(
    document: CdaDocument,
    *,
    patient: str,
    received: datetime,
    new_uuid: Callable[[], str],
    labels: Collection[str] = (),
) -> list[Made]:
    """Everything a document brings into a record, its DocumentReference first.

    patient: reference of its owner, e.g. Patient/abc. received: aware; used where the document
    gives no instant. new_uuid: gives one UUID at each call. labels: masks asked for beside the
    document (MASQUE_PS…); those of the header are added.
    """
    return _Maker(document, patient, received, new_uuid, labels).all()


def unique_id(header: Header) -> Json | None:
    """The document's own identifier as FHIR writes it; None when it has none."""
    return identifier(header.id) if header.id else None


def identifier(number: Id) -> Json:
    """A CDA identifier as a FHIR Identifier (see the module)."""
    if number.extension is None:
        return {"system": RFC3986, "value": number.system}
    return {"system": number.system, "value": number.extension}


class _Maker:
    """One document being made into resources."""

    def __init__(
        self,
        document: CdaDocument,
        patient: str,
        received: datetime,
        new_uuid: Callable[[], str],
        labels: Collection[str],
    ) -> None:
        self.document = document
        self.header = document.header
        self.subject: Json = {"reference": patient}
        self.received = received
        self.labels = labels
        self.new_uuid = new_uuid
        self.url = self._url()
        self.replaced = bool(document.header.replaces)
        self.event = next((e for e in self.header.events if e.period), None)

    def _url(self) -> str:
        return f"urn:uuid:{self.new_uuid()}"

    def all(self) -> list[Made]:
        files: list[tuple[str, Attachment]] = [
            (self._url(), a)
            for a in self.document.attachments
            if a.role in (Role.BODY, Role.COPY, Role.ATTACHED)
        ]
        source = self._url()
        made = [
            Made(self.url, self._document_reference(source, files)),
            Made(source, self._binary(self.document.media_type), self.document.source),
        ]
        made.extend(Made(url, self._binary(a.media_type), a.data) for url, a in files)
        if self.document.results.results:
            made.extend(self._report(files))
        return made

    def _binary(self, media_type: str) -> Json:
        return {
            "resourceType": "Binary",
            "contentType": media_type,
            "securityContext": {"reference": self.url},
        }

    # ------------------------------------------------------------ metadata

    def _document_reference(self, source: str, files: list[tuple[str, Attachment]]) -> Json:
        header = self.header
        contained = _Contained()
        body = next((a for _, a in files if a.role is Role.BODY), None)
        author = [contained.party(p) for p in header.authors]
        authenticator = contained.party(header.legal_authenticator)
        made: Json = {
            "resourceType": "DocumentReference",
            "meta": {"profile": [PROFILE]},
            "masterIdentifier": unique_id(header),
            "identifier": _versions(header),
            "status": "current",
            "docStatus": "amended" if self.replaced else "final",
            "type": concept(header.code),
            "category": self._category(),
            "subject": self.subject,
            "date": self._date(),
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
            "securityLabel": self._security(),
            "content": [
                {
                    "attachment": self._attachment(
                        self.document.media_type, source, self.document.source, header.title
                    ),
                    "format": nomenclature.document_format(
                        header.templates,
                        None if self.document.structured else (body.media_type if body else ""),
                    ),
                },
                *(
                    {
                        "attachment": self._attachment(
                            a.media_type, url, a.data, a.title or header.title
                        ),
                        "format": nomenclature.table("formats")["default"],
                    }
                    for url, a in files
                ),
            ],
            "context": self._context(contained),
        }
        made["contained"] = contained.resources
        return _kept(made)

    def _category(self) -> list[Json] | None:
        found = nomenclature.class_of(self.header.code.code or "") if self.header.code else None
        if found is None:
            return None
        coding = {"system": nomenclature.system(CLASS), "code": found[0], "display": found[1]}
        return [{"coding": [coding]}]

    def _date(self) -> str:
        """When the document was written (PDSm4DMP), if that is an instant; else when received."""
        written = self.header.effective
        if written and INSTANT.fullmatch(written):
            return written
        return self.received.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def _security(self) -> list[Json]:
        """One level, then the masks: 1 to 4 codes."""
        known = nomenclature.confidentiality()
        given = [c.code or "" for c in self.header.confidentiality]
        level = next((c for c in given if c in known and not known[c]["mask"]), "N")
        masks = [c for c in known if known[c]["mask"] and (c in given or c in self.labels)]
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
            for c in (level, *masks)
        ]

    def _attachment(self, media_type: str, url: str, data: bytes, title: str | None) -> Json:
        digest = hashlib.sha1(data, usedforsecurity=False).digest()  # what FHIR and XDS ask for
        return _kept(
            {
                "contentType": media_type,
                "language": self.header.language,
                "url": url,
                "size": len(data),
                "hash": base64.b64encode(digest).decode(),
                "title": title,
                "creation": self.header.effective,
            }
        )

    def _context(self, contained: "_Contained") -> Json:
        header, encounter = self.header, self.header.encounter
        performer = next((e.performer for e in header.events if e.performer), None)
        settings = (
            party.organisation.setting
            for party in (performer, header.legal_authenticator, *header.authors)
            if party and party.organisation
        )
        act = self.event.period if self.event else None
        stay = encounter.period if encounter else None
        related = [
            _referenced(number, kind)
            for order in header.orders
            for numbers, kind in (
                (order.ids, "urn:ihe:iti:xds:2013:order"),
                ((order.accession,) if order.accession else (), "urn:ihe:iti:xds:2013:accession"),
            )
            for number in numbers
        ]
        return _kept(
            {
                "event": [c for c in (concept(e.code) for e in header.events) if c],
                "period": period(act or stay),
                "facilityType": concept(encounter.facility_type) if encounter else None,
                "practiceSetting": concept(next((s for s in settings if s), None)),
                "sourcePatientInfo": contained.patient(header.patient),
                "related": related,
            }
        )

    # ------------------------------------------------------------ results

    def _report(self, files: list[tuple[str, Attachment]]) -> list[Made]:
        results = self.document.results
        specimens = [self._url() for _ in results.specimens]
        shown = [_named(group) for group in results.groups]
        groups = [self._url() if s else None for s in shown]
        urls = [self._url() for _ in results.results]
        members: dict[int | None, list[tuple[int, str]]] = {}
        for index, group in enumerate(results.groups):
            if url := groups[index]:
                members.setdefault(self._holder(group.parent, shown), []).append((group.rank, url))
        for index, result in enumerate(results.results):
            holder = self._holder(result.group, shown)
            members.setdefault(holder, []).append((result.rank, urls[index]))
        made: list[Made] = []
        if LABORATORY & set(self.header.templates):  # others only recall results
            report = self._diagnostic_report(files, specimens, _references(members.get(None)))
            made.append(Made(self._url(), report))
        made.extend(
            Made(specimens[i], self._specimen(s, specimens))
            for i, s in enumerate(results.specimens)
        )
        made.extend(
            Made(url, self._panel(group, specimens, _references(members.get(i))))
            for i, (url, group) in enumerate(zip(groups, results.groups, strict=True))
            if url
        )
        made.extend(
            Made(url, self._observation(result, specimens))
            for url, result in zip(urls, results.results, strict=True)
        )
        return made

    def _holder(self, group: int | None, shown: list[bool]) -> int | None:
        """The nearest group above that becomes an Observation."""
        while group is not None and not shown[group]:
            group = self.document.results.groups[group].parent
        return group

    def _diagnostic_report(
        self, files: list[tuple[str, Attachment]], specimens: list[str], result: list[Json]
    ) -> Json:
        header = self.header
        printed = [(url, a) for url, a in files if a.role is Role.COPY]
        numbers = [number for order in header.orders for number in order.ids]
        return _kept(
            {
                "resourceType": "DiagnosticReport",
                "identifier": [identifier(header.id)] if header.id else None,
                "basedOn": [
                    {"type": "ServiceRequest", "identifier": identifier(n)} for n in numbers
                ],
                "status": "corrected" if self.replaced else "final",
                "category": [_coded("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")],
                "code": concept(header.code) or {"text": header.title or "Compte rendu"},
                "subject": self.subject,
                **effective(self.event.period if self.event else None, header.effective),
                "issued": header.effective
                if header.effective and INSTANT.fullmatch(header.effective)
                else None,
                "performer": _logical([header.custodian]),
                "resultsInterpreter": _logical([header.legal_authenticator]),
                "specimen": [{"reference": s} for s in specimens],
                "result": result,
                "conclusion": "\n".join(self.document.results.comments) or None,
                "presentedForm": [
                    _kept(
                        {"contentType": a.media_type, "url": url, "title": a.title or header.title}
                    )
                    for url, a in printed
                ],
            }
        )

    def _specimen(self, specimen: Specimen, urls: list[str]) -> Json:
        collected = effective(specimen.collected, None)
        return _kept(
            {
                "resourceType": "Specimen",
                "identifier": [identifier(i) for i in specimen.ids],
                "type": concept(specimen.type),
                "subject": self.subject,
                "receivedTime": specimen.received,
                "parent": [{"reference": urls[specimen.parent]}]
                if specimen.parent is not None
                else None,
                "collection": _kept(
                    {
                        "collector": next(iter(_logical([specimen.collector])), None),
                        "collectedDateTime": collected.get("effectiveDateTime"),
                        "collectedPeriod": collected.get("effectivePeriod"),
                        "method": concept(specimen.procedure),
                        "bodySite": concept(specimen.sites[0]) if specimen.sites else None,
                    }
                ),
            }
        )

    def _panel(self, group: Group, specimens: list[str], members: list[Json]) -> Json:
        """A battery, or an isolate: the organism is its value, what was found of it its members."""
        made = self._base(group.status, group.at, group.specimen, specimens, group.section)
        isolated = (
            self.document.results.specimens[group.specimen]
            if group.isolate and group.specimen is not None
            else None
        )
        made |= {
            "code": concept(group.code) or {"text": "Isolat"},
            "performer": _logical(group.performers),
            "valueCodeableConcept": concept(isolated.type) if isolated else None,
            "note": _notes(group.comments),
            "hasMember": members,
        }
        return _kept(made)

    def _observation(self, result: Result, specimens: list[str]) -> Json:
        made = self._base(result.status, result.at, result.specimen, specimens, result.section)
        made |= {
            "identifier": [identifier(i) for i in result.ids],
            "code": concept(result.code),
            "performer": _logical([*result.performers, *result.validators]),
            **_value(result.value),
            "dataAbsentReason": _coded(
                "http://terminology.hl7.org/CodeSystem/data-absent-reason",
                nomenclature.absent(result.null),
            )
            if result.value is None
            else None,
            "interpretation": [c for c in map(concept, result.interpretations) if c],
            "note": _notes([*result.comments, *_said(result)]),
            "bodySite": concept(result.sites[0]) if result.sites else None,
            "method": concept(result.methods[0]) if result.methods else None,
            "referenceRange": [_range(r) for r in result.ranges],
        }
        return _kept(made)

    def _base(
        self,
        status: str,
        at: Period | None,
        specimen: int | None,
        specimens: list[str],
        section: int,
    ) -> Json:
        """What a panel and a result have in common."""
        found = STATUS.get(status, "unknown")
        sample = self.document.results.specimens[specimen] if specimen is not None else None
        when = at or (sample.collected if sample else None)
        when = when or (self.event.period if self.event else None)
        return {
            "resourceType": "Observation",
            "status": "corrected" if found == "final" and self.replaced else found,
            "category": [
                _coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"),
                *self._chapter(section),
            ],
            "subject": self.subject,
            **effective(when, self.header.effective),
            "specimen": {"reference": specimens[specimen]} if specimen is not None else None,
            "derivedFrom": [{"reference": self.url}],
        }

    def _chapter(self, section: int) -> list[Json]:
        """The section a result stands in, as its second category: its code, and its title as read.

        A section without title takes the one of the chapter it is in.
        """
        sections = self.document.sections
        if not 0 <= section < len(sections):
            return []
        own = sections[section]
        titled = next(
            (
                above
                for above in reversed(sections[: section + 1])
                if above.title and own.place.startswith(above.place)
            ),
            None,
        )
        title = titled.title if titled else own.code.label if own.code else None
        if not title:
            return []
        found = concept(titled.code if titled else own.code) or {}
        return [{**found, "text": title}]


class _Contained:
    """People and places of the header inside the DocumentReference, each once."""

    def __init__(self) -> None:
        self.resources: list[Json] = []
        self._known: dict[tuple[Any, ...], str] = {}

    def party(self, party: Party | None) -> Json | None:
        """An author or authenticator, as a role where they have a place; their number in sight."""
        if party is None or not (party.name or party.ids or party.device or party.organisation):
            return None
        if party.device and not party.name:
            return self._reference(party, self._device(party))
        person = self._add(
            "Practitioner",
            (party.ids, party.name),
            {
                "identifier": [identifier(i) for i in party.ids],
                "name": [human_name(party.name)] if party.name else None,
                "qualification": [{"code": concept(party.profession)}]
                if party.profession
                else None,
            },
        )
        if party.organisation is None:
            return self._reference(party, person)
        place = self.organisation(party.organisation) or {}
        role = self._add(
            "PractitionerRole",
            (party.ids, party.name, party.organisation.ids, party.organisation.name),
            {
                "identifier": [identifier(i) for i in party.ids],
                "practitioner": {"reference": person},
                "organization": {"reference": place.get("reference")} if place else None,
                "code": [c for c in (concept(party.profession),) if c],
            },
        )
        return self._reference(party, role)

    def organisation(self, organisation: Organisation | None) -> Json | None:
        if organisation is None or not (organisation.ids or organisation.name):
            return None
        url = self._add(
            "Organization",
            (organisation.ids, organisation.name),
            {
                "identifier": [identifier(i) for i in organisation.ids],
                "name": organisation.name,
                "telecom": [{"value": t.value} for t in organisation.telecoms],
                "address": [address(organisation.address)] if organisation.address else None,
            },
        )
        return _kept({"reference": url, **_known(organisation.ids, organisation.name)})

    def patient(self, patient: Patient | None) -> Json | None:
        """The patient as the document describes them, claim included: not the record's owner."""
        if patient is None:
            return None
        traits = patient.traits
        numbers = [identifier(i) for i in patient.ids]
        if patient.claim and patient.claim.value:
            numbers.insert(0, {"system": patient.claim.system, "value": patient.claim.value})
        url = self._add(
            "Patient",
            (patient,),
            {
                "extension": birth_place(traits.birth_place, patient.birth_city),
                "identifier": numbers,
                "name": [n for n in (_birth_name(traits), _used_name(patient)) if n],
                "gender": traits.sex.value if traits.sex else None,
                "birthDate": traits.birth_date.isoformat() if traits.birth_date else None,
                "deceasedDateTime": patient.deceased,
                "address": [address(a) for a in patient.addresses],
            },
        )
        return {"reference": url}

    def _device(self, party: Party) -> str:
        return self._add(
            "Device",
            (party.ids, party.device),
            {
                "identifier": [identifier(i) for i in party.ids],
                "deviceName": [{"name": party.device, "type": "model-name"}],
            },
        )

    def _reference(self, party: Party, url: str) -> Json:
        named = party.name.text if party.name else party.device
        return {"reference": url, **_known(party.ids, named)}

    def _add(self, kind: str, key: tuple[Any, ...], resource: Json) -> str:
        known = self._known.get((kind, *key))
        if known is None:
            identity = f"{kind.lower()}-{len(self.resources) + 1}"
            known = self._known[(kind, *key)] = f"#{identity}"
            self.resources.append(_kept({"resourceType": kind, "id": identity, **resource}))
        return known


# ---------------------------------------------------------------- pieces


def concept(code: Code | None) -> Json | None:
    """A CodeableConcept: the code, its translations, and the words of the author."""
    if code is None:
        return None
    codings = [c for c in (_coding(c) for c in (code, *code.translations)) if c]
    text = code.original or (None if any("display" in c for c in codings) else code.label)
    return _kept({"coding": codings, "text": text}) or None


def _coding(code: Code) -> Json | None:
    if not code.code:
        return None
    return _kept(
        {
            "system": nomenclature.system(code.system) if code.system else None,
            "code": code.code,
            "display": code.display,
        }
    )


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def quantity(amount: Quantity) -> Json:
    """A Quantity with its digits as written."""
    made: Json = {"value": _number(amount.value)}
    if amount.comparator:
        made["comparator"] = amount.comparator
    if amount.unit:
        made["unit"] = amount.unit
        if UNIT.fullmatch(amount.unit):
            made |= {"system": UCUM, "code": amount.unit}
    return made


def _number(value: Decimal) -> Decimal | int:
    """Integers are ints in memory; digits after the point stay."""
    exponent = value.as_tuple().exponent
    return int(value) if isinstance(exponent, int) and exponent >= 0 else value


def effective(at: Period | None, otherwise: str | None) -> Json:
    """effectiveDateTime or effectivePeriod."""
    if at is None:
        return {"effectiveDateTime": otherwise} if otherwise else {}
    if at.point or not (at.low and at.high):
        return {"effectiveDateTime": at.first}
    return {"effectivePeriod": period(at)}


def period(at: Period | None) -> Json | None:
    """A Period; a point starts and ends at once, an end alone is taken for the start PDSm asks."""
    if at is None:
        return None
    return _kept({"start": at.first, "end": at.high})


def _value(value: Value | None) -> Json:
    match value:
        case None:
            return {}
        case Quantity():
            return {"valueQuantity": quantity(value)}
        case Interval():
            return {"valueRange": {"low": quantity(value.low), "high": quantity(value.high)}}
        case Ratio():
            return {
                "valueRatio": {
                    "numerator": quantity(value.numerator),
                    "denominator": quantity(value.denominator),
                }
            }
        case Code():
            return {"valueCodeableConcept": concept(value)}
        case Period():
            if value.point:
                return {"valueDateTime": value.first}
            return {"valuePeriod": _kept({"start": value.low, "end": value.high})}
        case bool():
            return {"valueBoolean": value}
        case int():
            return {"valueInteger": value}
        case str():
            return {"valueString": value}


def _range(found: ReferenceRange) -> Json:
    made = {
        "low": quantity(found.low) if found.low else None,
        "high": quantity(found.high) if found.high else None,
        "type": concept(found.meaning),
        "text": found.text,
    }
    if found.meaning and found.meaning.code == "N":
        made["type"] = _coded(
            "http://terminology.hl7.org/CodeSystem/referencerange-meaning", "normal"
        )
    return _kept(made)


def _said(result: Result) -> Iterable[str]:
    """What the document says of a result that R4 has no place for, in words."""
    value = result.value
    if isinstance(value, Quantity) and value.translations:
        yield "Autre unité : " + ", ".join(_written(t) for t in value.translations)
    if isinstance(value, Interval) and not (value.low_inclusive and value.high_inclusive):
        yield "Une borne au moins de l'intervalle est exclue."
    for earlier in result.previous:
        yield _recalled(earlier)
    if result.devices:
        yield "Moyens : " + ", ".join(d.label or "" for d in result.devices)
    if len(result.methods) > 1:
        yield "Autres méthodes : " + ", ".join(m.label or "" for m in result.methods[1:])


def _recalled(earlier: Previous) -> str:
    """An earlier result recalled by this document: said, not recorded a second time as a result."""
    when = f" du {earlier.at.first}" if earlier.at else ""
    value = earlier.value
    if isinstance(value, Quantity):
        shown = _written(value)
    elif isinstance(value, Interval):
        shown = f"{_written(value.low)} à {_written(value.high)}"
    elif isinstance(value, Code):
        shown = value.label or ""
    else:
        shown = value if isinstance(value, str) else ""
    return f"Résultat antérieur{when} : {shown}"


def _written(amount: Quantity) -> str:
    return " ".join(str(p) for p in (amount.comparator, amount.value, amount.unit) if p is not None)


def _notes(texts: Iterable[str]) -> list[Json]:
    return [{"text": t} for t in texts if t]


def _named(group: Group) -> bool:
    """A battery without a name says nothing: its results stand by themselves."""
    return group.isolate or bool(group.code and group.code.label) or bool(group.comments)


def _references(members: list[tuple[int, str]] | None) -> list[Json]:
    return [{"reference": url} for _, url in sorted(members or ())]


def _logical(parties: Iterable[Party | Organisation | None]) -> list[Json]:
    """References by identifier: the directory may know them, the record holds no copy."""
    found: list[Json] = []
    for party in parties:
        if party is None:
            continue
        if isinstance(party, Organisation):
            made = _known(party.ids, party.name)
        else:
            made = _known(party.ids, party.name.text if party.name else None)
        if made and made not in found:
            found.append(made)
    return found


def _known(ids: tuple[Id, ...], display: str | None) -> Json:
    return _kept({"identifier": identifier(ids[0]) if ids else None, "display": display})


def _referenced(number: Id, kind: str) -> Json:
    """An entry of referenceIdList (PDSm, context.related)."""
    return {
        "identifier": {"type": {"coding": [{"system": RFC3986, "code": kind}]}} | identifier(number)
    }


def _versions(header: Header) -> list[Json]:
    """What all versions of a document share."""
    return [{"type": {"text": "setId"}} | identifier(header.set_id)] if header.set_id else []


def human_name(name: Name) -> Json:
    return _kept(
        {
            "family": name.family,
            "given": list(name.given),
            "prefix": [name.prefix] if name.prefix else None,
            "suffix": [name.suffix] if name.suffix else None,
        }
    )


def _birth_name(traits: Traits) -> Json | None:
    """FR Core: official name with the first given name, the whole list in an extension."""
    if not (traits.birth_name or traits.first_given_name or traits.birth_given_names):
        return None
    given = traits.first_given_name
    listed = traits.birth_given_names
    return _kept(
        {
            "extension": [
                {"url": f"{CORE}fr-core-patient-birth-list-given-name", "valueString": listed}
            ]
            if listed
            else None,
            "use": "official",
            "family": traits.birth_name,
            "given": [given] if given else (listed.split() if listed else None),
        }
    )


def _used_name(patient: Patient) -> Json | None:
    if not (patient.used_family or patient.used_given):
        return None
    given = [patient.used_given] if patient.used_given else None
    return _kept({"use": "usual", "family": patient.used_family, "given": given})


def birth_place(insee: str | None, city: str | None) -> list[Json]:
    """Extension of a Patient: INSEE code and town of birth."""
    if not (insee or city):
        return []
    commune = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
    coding = {"system": commune, "code": insee}
    code = [{"url": f"{CORE}fr-core-address-insee-code", "valueCoding": coding}] if insee else None
    return [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
            "valueAddress": _kept({"extension": code, "city": city}),
        }
    ]


def address(found: Address) -> Json:
    return _kept(
        {
            "line": list(found.lines),
            "city": found.city,
            "postalCode": found.postal_code,
            "country": found.country,
        }
    )


def _kept(made: Json) -> Json:
    """Without what is empty: FHIR has no nulls and no empty lists or objects."""
    return {k: v for k, v in made.items() if v is not None and v != [] and v != {} and v != ""}
