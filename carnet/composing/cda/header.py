# SPDX-License-Identifier: EUPL-1.2
"""The head of a document: the minimal structure of the CI-SIS.

Source: ANS, CI-SIS, volet Structuration minimale des documents de santé, as its published examples write it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from carnet.composing.cda import codes
from carnet.composing.cda.codes import listed, mapping, stamp
from carnet.composing.cda.elements import Element, tag, templates
from carnet.composing.model import Document, Json, Peer, Place, Signer

COMMON: Final = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1")  # HL7 France, CI-SIS
IDNPS: Final = "1.2.250.1.71.4.2.1"
IDNST: Final = "1.2.250.1.71.4.2.2"
INS: Final = "urn:oid:1.2.250.1.213.1.4."
GENDERS: Final = {"male": ("M", "Masculin"), "female": ("F", "Féminin")}
DOCTOR: Final = "10"  # TRE_G15; a médecin traitant is one
UNKNOWN: Final = ("UN", "Inconnu")
BIRTH_PLACE: Final = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
INSEE: Final = "fr-core-address-insee-code"


def header(document: Document) -> Iterator[Element]:
    """Every element above the body."""
    sort, signer = document.sort, document.signer
    yield tag("realmCode", code="FR")
    yield tag("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    yield from templates(*COMMON, *sort.templates)
    yield tag("id", root=oid(document.number.int))
    yield codes.code("code", *sort.type)
    yield tag("title", text=document.named)
    yield tag("effectiveTime", value=stamp(document.at))
    yield tag(
        "confidentialityCode", code="N", displayName="Normal", codeSystem="2.16.840.1.113883.5.25"
    )
    yield tag("languageCode", code="fr-FR")
    yield tag("setId", root=oid((document.set or document.number).int))
    yield tag("versionNumber", value=str(document.version))
    yield _patient(document.patient)
    yield tag("author", _at(document.at), assigned("assignedAuthor", signer))
    keeper = _organisation("representedCustodianOrganization", signer.place)
    yield tag("custodian", tag("assignedCustodian", keeper))
    yield from (_recipient(each) for each in document.recipients)
    yield tag(
        "legalAuthenticator",
        _at(document.at),
        tag("signatureCode", code="S"),
        assigned("assignedEntity", signer, setting=True),
    )
    if document.attending is not None:
        yield _attending(document.attending)
    yield _act(document)
    if document.before is not None:
        parent = tag(
            "parentDocument",
            tag("id", root=oid(document.before.int)),
            tag("setId", root=oid((document.set or document.before).int)),
            tag("versionNumber", value=str(document.version - 1)),
        )
        yield tag("relatedDocument", parent, typeCode="RPLC")
    yield _care(document)


def oid(number: int) -> str:
    """A UUID as an OID (ITU-T X.667)."""
    return f"2.25.{number}"


def _at(moment: datetime) -> Element:
    return tag("time", value=stamp(moment))


def _patient(patient: Json) -> Element:
    numbers = [
        each for each in listed(patient.get("identifier"))
        if str(each.get("system", "")).startswith(INS) and each.get("value") and each.get("use") != "old"
    ]  # fmt: skip
    gender = GENDERS.get(str(patient.get("gender")), UNKNOWN)
    born = codes.date(patient.get("birthDate"))
    place = _birth_place(patient)
    return tag(
        "recordTarget",
        tag(
            "patientRole",
            *(
                tag("id", root=str(each["system"]).removeprefix("urn:oid:"),
                    extension=str(each["value"]))
                for each in numbers[:1]
            ),
            _home(patient),
            *_telecoms(patient),
            tag(
                "patient",
                _name(patient),
                codes.code("administrativeGenderCode", gender[0], "2.16.840.1.113883.5.1", gender[1]),
                tag("birthTime", value=born) if born else tag("birthTime", nullFlavor="UNK"),
                tag("birthplace", tag("place", place)) if place is not None else None,
                classCode="PSN",
            ),
        ),
    )  # fmt: skip


def _name(patient: Json) -> Element:
    names = listed(patient.get("name"))
    birth = next((each for each in names if each.get("use") == "official"), {})
    used = next((each for each in names if each.get("use") == "usual"), {})
    given = [str(each) for each in birth.get("given") or []]
    every = str(_extension(birth, "birth-list-given-name") or " ".join(given))
    parts = [
        tag("family", text=str(birth.get("family", "")), qualifier="BR"),
        tag("given", text=every),
        *(tag("given", text=each, qualifier="BR") for each in given[:1]),
    ]
    if used:
        parts.append(tag("family", text=str(used.get("family") or birth.get("family", "")),
                         qualifier="CL"))  # fmt: skip
        parts += [
            tag("given", text=str(each), qualifier="CL")
            for each in (used.get("given") or given)[:1]
        ]
    return tag("name", *parts)


def _extension(held: Json, ending: str) -> object:
    for each in listed(held.get("extension")):
        if str(each.get("url", "")).endswith(ending):
            return next((value for key, value in each.items() if key.startswith("value")), None)
    return None


def _birth_place(patient: Json) -> Element | None:
    address = mapping(_extension(patient, BIRTH_PLACE))
    county = mapping(_extension(address, INSEE)).get("code")
    parts = [
        tag(name, text=str(found))
        for name, found in (("county", county), ("city", address.get("city")))
        if found
    ]
    return tag("addr", *parts) if parts else None


def _home(patient: Json) -> Element:
    held = next(iter(listed(patient.get("address"))), None)
    if held is None:
        return tag("addr", nullFlavor="NASK")
    lines = [tag("streetAddressLine", text=str(each)) for each in held.get("line") or []]
    rest = [
        tag(name, text=str(held[key]))
        for name, key in (("postalCode", "postalCode"), ("city", "city"), ("country", "country"))
        if held.get(key)
    ]
    return tag("addr", *lines, *rest, use="H") if lines or rest else tag("addr", nullFlavor="NASK")


def _telecoms(patient: Json) -> list[Element]:
    found = [
        tag("telecom", value=f"{scheme}:{each['value']}", use="H")
        for each in listed(patient.get("telecom"))
        for scheme in ({"phone": "tel", "email": "mailto"}.get(str(each.get("system"))),)
        if scheme and each.get("value")
    ]
    return found or [tag("telecom", nullFlavor="NASK")]


def profession(signer: Signer | Peer) -> Element:
    """Profession and specialty (JDV_J01)."""
    known = codes.table("professions")
    main = signer.profession.partition("/")[0]
    label = known.get(signer.profession) or known.get(main) or "Professionnel de santé"
    return codes.code("code", f"G15_{signer.profession}", "1.2.250.1.213.1.1.4.5", label)


def _address(place: Place) -> Element:
    parts = [
        tag(name, text=found)
        for name, found in (
            ("streetAddressLine", place.street),
            ("postalCode", place.postal_code),
            ("city", place.city),
        )
        if found
    ]
    return tag("addr", *parts, use="WP") if parts else tag("addr", nullFlavor="NAV")


def _phone(place: Place) -> Element:
    if not place.phone:
        return tag("telecom", nullFlavor="NAV")
    return tag("telecom", value=f"tel:{place.phone}", use="WP")


def _organisation(name: str, place: Place, *, setting: bool = False) -> Element:
    return tag(
        name,
        tag("id", root=IDNST, extension=place.idnst),
        tag("name", text=place.name),
        _phone(place),
        _address(place),
        _setting(place) if setting else None,
    )


def _setting(place: Place) -> Element:
    label = codes.table("settings").get(place.setting, [place.setting])[0]
    return codes.code(
        "standardIndustryClassCode", place.setting, "1.2.250.1.213.1.1.4.9", str(label)
    )


def _person(name: str, signer: Signer | Peer) -> Element:
    return tag(
        name,
        tag(
            "name",
            tag("given", text=signer.given),
            tag("family", text=signer.family),
            tag("suffix", text=signer.title) if signer.title else None,
        ),
    )


def assigned(name: str, signer: Signer, *, setting: bool = False) -> Element:
    """A professional, where they work."""
    return tag(
        name,
        tag("id", root=IDNPS, extension=signer.idnps),
        profession(signer),
        _address(signer.place),
        _phone(signer.place),
        _person("assignedPerson", signer),
        _organisation("representedOrganization", signer.place, setting=setting),
    )


def _recipient(peer: Peer) -> Element:
    """Who the document is sent to."""
    return tag(
        "informationRecipient",
        tag(
            "intendedRecipient",
            tag("id", root=IDNPS, extension=peer.idnps),
            _person("informationRecipient", peer),
            tag(
                "receivedOrganization",
                tag("id", root=IDNST, extension=peer.place.idnst),
                tag("name", text=peer.place.name),
            )
            if peer.place
            else None,
        ),
    )


def _attending(peer: Peer) -> Element:
    place = peer.place
    return tag(
        "participant",
        codes.code("functionCode", "PCP", "2.16.840.1.113883.5.88", "Médecin traitant"),
        tag("time", nullFlavor="NA"),
        tag(
            "associatedEntity",
            tag("id", root=IDNPS, extension=peer.idnps),
            profession(peer if peer.profession else replace(peer, profession=DOCTOR)),
            _address(place) if place else tag("addr", nullFlavor="NAV"),
            _phone(place) if place else tag("telecom", nullFlavor="NAV"),
            _person("associatedPerson", peer),
            _organisation("scopingOrganization", place) if place else None,
            classCode="PROV",
        ),
        typeCode="INF",
    )


def _period(document: Document) -> Element:
    stay = document.stay
    if stay is None or (stay.start is None and stay.end is None):
        return tag("effectiveTime", tag("low", value=stamp(document.at)))
    ends = [
        tag(name, value=stamp(at)) for name, at in (("low", stay.start), ("high", stay.end)) if at
    ]
    return tag("effectiveTime", *ends)


def _act(document: Document) -> Element:
    return tag(
        "documentationOf",
        tag(
            "serviceEvent",
            codes.code("code", *document.sort.act),
            _period(document),
            tag(
                "performer",
                assigned("assignedEntity", document.signer, setting=True),
                typeCode="PRF",
            ),
        ),
    )


def _care(document: Document) -> Element:
    place, care = document.signer.place, document.sort.care
    _, facility, label = codes.table("settings").get(
        place.setting, codes.table("settings")["AMBULATOIRE"]
    )
    return tag(
        "componentOf",
        tag(
            "encompassingEncounter",
            codes.code("code", *care) if care else None,
            _period(document),
            tag("responsibleParty", assigned("assignedEntity", document.signer)),
            tag(
                "location",
                tag(
                    "healthCareFacility",
                    codes.code("code", facility, "1.2.250.1.71.4.2.4", label),
                    tag("location", tag("name", text=place.name), _address(place)),
                ),
            ),
        ),
    )
