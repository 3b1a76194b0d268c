# SPDX-License-Identifier: EUPL-1.2
"""What the CI-SIS asks of every document and its reader can do without: the rest of the header.

`header.py` reads what is there; here the elements themselves are looked at, so that each fault is told
with its place: an element with its rank, and its line. Nothing here refuses a document by itself: the
weights are in nomenclature/findings.toml.
Source: ANS, CI-SIS, Structuration minimale des documents de santé; HL7 CDA R2; LOINC Users' Guide for
check digits; INSEE for what a NIR says of sex and birth.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from lxml import etree

from carnet.documents import nomenclature
from carnet.documents.cda import datatypes as d
from carnet.documents.cda.header import Header, Patient
from carnet.identity.traits import Sex

V3: Final = d.V3
MODEL: Final = ("2.16.840.1.113883.1.3", "POCD_HD000040")  # typeId of a CDA R2
FRENCH: Final = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1")  # HL7 France, CI-SIS
LOINC: Final = "2.16.840.1.113883.6.1"
NUMBERED: Final = re.compile("([0-9]{1,7})-([0-9])")
# Answers, parts, lists and groups of LOINC: how their last digit is computed is not published with it.
PREFIXED: Final = re.compile("L[ALPG][0-9]{1,7}-[0-9]")
ENTRIES: Final = frozenset(
    "observation act organizer procedure substanceAdministration encounter supply".split()
)
Fault = tuple[str, str, d.Element]  # rule, path, element whose line is told


def faults(root: d.Element, header: Header, now: datetime | None) -> Iterator[Fault]:
    """Everything found, in the order of the header.

    root: the ClinicalDocument. now: when it is received, None to leave the future alone.
    """
    yield from _first_lines(root, header)
    yield from _dates(root, header, now)
    yield from _people(root)
    yield from _acts(root)
    yield from _replacement(root, header)
    yield from _body(root)


def _first_lines(root: d.Element, header: Header) -> Iterator[Fault]:
    if d.attribute(d.child(root, "realmCode"), "code") != "FR":
        yield _at("no-realm", root, "realmCode")
    model = d.child(root, "typeId")
    if (d.attribute(model, "root"), d.attribute(model, "extension")) != MODEL:
        yield _at("no-model", root, "typeId")
    if not set(FRENCH) <= set(header.templates):
        yield _at("no-minimal-template", root, "templateId")
    known = nomenclature.table("declared_types")["codes"]
    if header.code is not None and header.code.code and header.code.code not in known:
        yield _at("type-not-listed", root, "code")
    if header.language != "fr-FR":
        yield _at("language", root, "languageCode")
    if header.set_id is None:
        yield _at("no-set", root, "setId")
    if header.version is None:
        yield _at("no-version", root, "versionNumber")


def _dates(root: d.Element, header: Header, now: datetime | None) -> Iterator[Fault]:
    written = d.attribute(d.child(root, "effectiveTime"), "value") or ""
    digits = re.split("[+-]", written)[0]
    if header.effective and len(digits) < 14:
        yield _at("date-imprecise", root, "effectiveTime")
    for element in _header_elements(root):
        value = element.get("value") or ""
        parts = d.TIMESTAMP.fullmatch(value)
        if parts and parts[4] and not (parts[8] or parts[9]):
            yield "date-without-zone", path_of(element), element
            break  # one is enough: a software writes them all alike
    made = _day(header.effective)
    born = header.patient.traits.birth_date if header.patient else None
    if now is not None and made is not None and made > now.date():
        yield _at("date-future", root, "effectiveTime")
    role = d.down(root, "recordTarget", "patientRole")
    if born is not None and role is not None and header.patient is not None:
        person = "recordTarget/patientRole/patient/birthTime"
        if now is not None and born > now.date():
            yield _at("birth-future", root, person)
        if made is not None and made < born:
            yield _at("before-birth", root, "effectiveTime")
        if _contradicts(header.patient, born):
            yield _at("ins-contradicts-traits", root, "recordTarget/patientRole/id")


def _contradicts(patient: Patient, born: date) -> bool:
    """Whether the first digits of the number say another sex, year or month than the traits.

    A month over 12 is of an unknown month, and says nothing. Only shapes of a NIR are looked at.
    """
    number = patient.claim.value if patient.claim else ""
    if not (len(number) == 15 and number[:5].isascii() and number[:5].isdigit()):
        return False
    said = {"1": Sex.MALE, "3": Sex.MALE, "7": Sex.MALE, "2": Sex.FEMALE, "4": Sex.FEMALE,
            "8": Sex.FEMALE}.get(number[0])  # fmt: skip
    sex, month = patient.traits.sex, int(number[3:5])
    if said is not None and sex in (Sex.MALE, Sex.FEMALE) and sex is not said:
        return True
    return int(number[1:3]) != born.year % 100 or (1 <= month <= 12 and month != born.month)


def _people(root: d.Element) -> Iterator[Fault]:
    for author in d.children(root, "author"):
        entity = d.child(author, "assignedAuthor")
        path = path_of(author)
        if not _timed(author):
            yield "author-no-time", f"{path}/time", author
        if not d.ids(entity):
            yield "author-no-id", f"{path}/assignedAuthor/id", author
        person = d.child(entity, "assignedPerson")
        if person is not None and d.attribute(d.child(entity, "code"), "code") is None:
            yield "author-no-profession", f"{path}/assignedAuthor/code", author
        if d.child(entity, "representedOrganization") is None:
            yield "author-no-organisation", f"{path}/assignedAuthor", author
    keeper = d.down(root, "custodian", "assignedCustodian", "representedCustodianOrganization")
    if keeper is not None and not d.ids(keeper):
        yield "custodian-no-id", f"{path_of(keeper)}/id", keeper
    signed = d.child(root, "legalAuthenticator")
    if signed is not None:
        path = path_of(signed)
        if not _timed(signed):
            yield "authenticator-no-time", f"{path}/time", signed
        if d.attribute(d.child(signed, "signatureCode"), "code") != "S":
            yield "authenticator-no-signature", f"{path}/signatureCode", signed
        if not d.ids(d.child(signed, "assignedEntity")):
            yield "authenticator-no-id", f"{path}/assignedEntity/id", signed


def _timed(participation: d.Element) -> bool:
    """Whether it says when, at a point or from and to."""
    time = d.child(participation, "time")
    return d.attribute(time, "value") is not None or d.period(time) is not None


def _acts(root: d.Element) -> Iterator[Fault]:
    events = [
        event
        for event in (d.child(e, "serviceEvent") for e in d.children(root, "documentationOf"))
        if event is not None
    ]
    performers = [p for p in (d.child(event, "performer") for event in events) if p is not None]
    if events and not performers:
        yield "act-no-performer", f"{path_of(events[0])}/performer", events[0]
    settings = [
        d.down(p, "assignedEntity", "representedOrganization", "standardIndustryClassCode")
        for p in performers
    ]
    if performers and not any(d.attribute(setting, "code") for setting in settings):
        yield "act-no-setting", path_of(performers[0]), performers[0]
    stay = d.down(root, "componentOf", "encompassingEncounter")
    if stay is None:
        yield _at("no-encounter", root, "componentOf/encompassingEncounter")
        return
    place = d.down(stay, "location", "healthCareFacility", "code")
    if d.attribute(place, "code") is None:
        yield "encounter-no-facility", f"{path_of(stay)}/location/healthCareFacility/code", stay
    if d.period(d.child(stay, "effectiveTime")) is None:
        yield "encounter-no-date", f"{path_of(stay)}/effectiveTime", stay


def _replacement(root: d.Element, header: Header) -> Iterator[Fault]:
    elements = d.children(root, "relatedDocument")
    replaced = [
        (parent, element)
        for parent, element in zip(header.parents, elements, strict=True)
        if parent.relation == "RPLC"
    ]
    for parent, element in replaced:
        if parent.set_id is not None and header.set_id not in (None, parent.set_id):
            yield "replaces-other-set", f"{path_of(element)}/parentDocument/setId", element
        another = parent.ids and header.id not in parent.ids  # else it is told by another rule
        if another and header.version is not None and header.version <= (parent.version or 1):
            yield "replaces-no-later-version", path_of(element), element
    if (header.version or 1) > 1 and not replaced:
        yield _at("version-of-nothing", root, "versionNumber")


def _body(root: d.Element) -> Iterator[Fault]:
    anchors: set[str] = set()
    for element in root.iter(etree.Element):
        anchor = element.get("ID")
        if anchor in anchors:
            yield "anchor-twice", path_of(element), element
            break
        if anchor:
            anchors.add(anchor)
    for element in root.iter(V3 + "reference"):
        target = (element.get("value") or "").strip()
        if target.startswith("#") and target[1:] not in anchors:
            yield "reference-nowhere", path_of(element), element
            break
    numbers: Counter[tuple[str, str | None]] = Counter()
    for element in root.iter(V3 + "id"):
        above = element.getparent()
        if above is None or d.local(above) not in ENTRIES or not element.get("root"):
            continue
        number = (element.get("root", ""), element.get("extension"))
        numbers[number] += 1
        if numbers[number] == 2:
            yield "entry-id-twice", path_of(element), element
            break
    for element in root.iter(etree.Element):
        if element.get("codeSystem") == LOINC and not _numbered(element.get("code")):
            yield "not-loinc", path_of(element), element
            break


def _numbered(code: str | None) -> bool:
    """Whether a LOINC code has its check digit (modulus 10, Luhn)."""
    if code is None or PREFIXED.fullmatch(code.strip()):
        return True
    parts = NUMBERED.fullmatch(code.strip())
    if parts is None:
        return False
    total = 0
    for rank, digit in enumerate(reversed(parts[1])):
        doubled = int(digit) * (2 if rank % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return (10 - total % 10) % 10 == int(parts[2])


def _header_elements(root: d.Element) -> Iterator[d.Element]:
    """Every element above the body."""
    for part in root.iterchildren(etree.Element):
        if d.local(part) != "component":
            yield from part.iter(etree.Element)


def _day(moment: str | None) -> date | None:
    try:
        return date.fromisoformat((moment or "")[:10])
    except ValueError:
        return None


def _at(rule: str, root: d.Element, path: str) -> Fault:
    """A fault at a place of the header, which may be absent: the nearest element above has the line."""
    return rule, f"ClinicalDocument/{path}", nearest(root, path)


def nearest(root: d.Element, path: str) -> d.Element:
    """The element of a path of first children, or the last one there is on the way to it."""
    found = root
    for step in path.split("/"):
        name, _, rank = step.partition("[")
        there = d.children(found, name)
        at = int(rank[:-1]) - 1 if rank[:-1].isdigit() else 0
        if not 0 <= at < len(there):
            break
        found = there[at]
    return found


def path_of(element: d.Element) -> str:
    """Where an element is: names from ClinicalDocument, with a rank among several of one name."""
    steps: list[str] = []
    at: d.Element | None = element
    while at is not None:
        name, above = d.local(at), at.getparent()
        if name == "ClinicalDocument" or above is None:
            steps.append(name)
            break
        alike = list(above.iterchildren(str(at.tag)))
        steps.append(f"{name}[{alike.index(at) + 1}]" if len(alike) > 1 else name)
        at = above
    return "/".join(reversed(steps))
