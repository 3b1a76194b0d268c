# SPDX-License-Identifier: EUPL-1.2
"""METADATA.XML: the ebRIM 3.0 of document sharing, as values.

Source: IHE ITI TF-3 4.2 (DocumentEntry, SubmissionSet, Folder, Association), whose schemes are those UUIDs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from lxml import etree

from carnet import errors
from carnet.exchange.parts import (
    Author,
    Code,
    Institution,
    Number,
    Somebody,
    Told,
    day,
    sex,
)
from carnet.fhir import xml

RIM: Final = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
MOST_ENTRIES: Final = 5000  # DocumentEntry, and as many of each other object
ROOTS: Final = (
    "SubmitObjectsRequest", "RegistryObjectList", "ProvideAndRegisterDocumentSetRequest",
)  # fmt: skip

# Objects, by their UUID.
ENTRY: Final = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
ON_DEMAND: Final = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"
SUBMISSION: Final = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
FOLDER: Final = "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
# Schemes of a DocumentEntry.
CLASS: Final = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
TYPE: Final = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
LABEL: Final = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
AUTHOR: Final = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
FORMAT: Final = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
FACILITY: Final = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
SETTING: Final = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
EVENT: Final = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
UNIQUE: Final = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
PATIENT: Final = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
# Schemes of a SubmissionSet: type of content, author, numbers.
CONTENT: Final = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
SENT_BY: Final = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
SET_NUMBER: Final = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"
SET_SOURCE: Final = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
# Schemes of a Folder: codes, number.
CODES: Final = "urn:uuid:1ba97051-7806-41a8-a48b-8fce7af683c5"
FOLDER_NUMBER: Final = "urn:uuid:75df8f67-9973-4fbe-a900-df66cefecc5a"

# What an Association says, and the code of FHIR R4 document-relationship-type for it.
LINKS: Final = {
    "RPLC": "replaces", "XFRM_RPLC": "replaces", "APND": "appends", "XFRM": "transforms",
    "signs": "signs",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """What a DocumentEntry says."""

    id: str
    uri: str
    media_type: str
    size: str
    hash: str
    told: Told
    line: int


@dataclass(frozen=True, slots=True)
class Lot:
    """What a SubmissionSet or a Folder says. members: ids of the objects it holds, in order."""

    id: str
    kind: str  # submissionset, folder
    unique_id: str
    source_id: str
    title: str
    comments: str
    at: str
    codes: tuple[Code, ...]
    authors: tuple[Author, ...]
    members: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Link:
    """What an Association says of two documents, by their ids; code: of FHIR."""

    source: str
    code: str
    target: str
    line: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a METADATA.XML says."""

    entries: tuple[Entry, ...]
    lots: tuple[Lot, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def submissions(self) -> tuple[Lot, ...]:
        """Its SubmissionSets."""
        return tuple(each for each in self.lots if each.kind == "submissionset")


def parse(data: bytes) -> Metadata:
    """What a METADATA.XML says; errors.Invalid when it is no ebRIM 3.0, TooLarge beyond 5,000 objects."""
    root = xml.parse(data)
    entries = [
        _entry(each)
        for each in _some(root, "ExtrinsicObject")
        if each.get("objectType") in (ENTRY, ON_DEMAND, None)
    ]
    outside: dict[str, set[str]] = {}  # classifications that stand beside what they classify
    for each in root.iter(f"{RIM}Classification"):
        outside.setdefault(str(each.get("classifiedObject", "")), set()).add(
            str(each.get("classificationNode", ""))
        )
    members: dict[str, list[str]] = {}
    links = []
    for each in _some(root, "Association"):
        name = str(each.get("associationType", "")).rpartition(":")[2]
        source, target = str(each.get("sourceObject", "")), str(each.get("targetObject", ""))
        if name == "HasMember":
            members.setdefault(source, []).append(target)
        elif name in LINKS:
            links.append(Link(source, LINKS[name], target, each.sourceline or 0))
    lots = tuple(_lots(root, outside, members))
    if not entries and not lots and etree.QName(root).localname not in ROOTS:
        raise errors.Invalid("METADATA.XML is not the ebRIM 3.0 of a document sharing lot.")
    return Metadata(tuple(entries), lots, tuple(links))


def _some(root: etree._Element, name: str) -> list[etree._Element]:
    found = list(root.iter(f"{RIM}{name}"))
    if len(found) > MOST_ENTRIES * (4 if name == "Association" else 1):
        raise errors.TooLarge(f"METADATA.XML has too many objects of type {name}.")
    return found


def _lots(
    root: etree._Element, outside: dict[str, set[str]], members: dict[str, list[str]]
) -> Iterator[Lot]:
    for each in _some(root, "RegistryPackage"):
        id = str(each.get("id", ""))
        nodes = outside.get(id, set()) | {
            str(one.get("classificationNode", "")) for one in each.iter(f"{RIM}Classification")
        }
        held = tuple(dict.fromkeys(members.get(id, ())))
        said = (_text(each.find(f"{RIM}Name")), _text(each.find(f"{RIM}Description")))
        line = each.sourceline or 0
        if SUBMISSION in nodes:
            yield Lot(
                id, "submissionset", _external(each, SET_NUMBER), _external(each, SET_SOURCE), *said,
                _slot(each, "submissionTime"), tuple(_codes(each, CONTENT)),
                tuple(_authors(each, SENT_BY)), held, line,
            )  # fmt: skip
        elif FOLDER in nodes:
            yield Lot(
                id, "folder", _external(each, FOLDER_NUMBER), "", *said,
                _slot(each, "lastUpdateTime"), tuple(_codes(each, CODES)), (), held, line,
            )  # fmt: skip


def _entry(found: etree._Element) -> Entry:
    numbers = [cx(_slot(found, "sourcePatientId")), cx(_external(found, PATIENT))]
    authors = tuple(_authors(found, AUTHOR))
    legal = _slot(found, "legalAuthenticator")
    told = Told(
        title=_text(found.find(f"{RIM}Name")),
        comments=_text(found.find(f"{RIM}Description")),
        type=_coded(found, TYPE),
        category=_coded(found, CLASS),
        format=_coded(found, FORMAT),
        facility=_coded(found, FACILITY),
        setting=_coded(found, SETTING),
        events=tuple(_codes(found, EVENT)),
        language=_slot(found, "languageCode"),
        at=_slot(found, "serviceStartTime") or _slot(found, "creationTime"),
        until=_slot(found, "serviceStopTime"),
        author=next((each.shown for each in authors if each.shown), ""),
        authors=authors,
        authenticator=xcn(legal) if legal else None,
        unique_id=_external(found, UNIQUE),
        labels=tuple(_codes(found, LABEL)),
        person=person(_slots(found, "sourcePatientInfo"), [each for each in numbers if each]),
    )
    return Entry(
        str(found.get("id", "")),
        unquote(_slot(found, "URI")),
        str(found.get("mimeType", "")),
        _slot(found, "size"),
        _slot(found, "hash"),
        told,
        found.sourceline or 0,
    )


def person(lines: Sequence[str], numbers: Sequence[Number]) -> Somebody | None:
    """The person of sourcePatientInfo: lines of PID-3, PID-5, PID-7, PID-8."""
    found = list(numbers)
    birth, used, born, gender, place = "", "", "", "", ""
    given: tuple[str, ...] = ()
    for line in lines:
        field, _, text = line.partition("|")
        steps = text.split("^")
        match field.strip().upper():
            case "PID-3":
                found += [each for each in map(cx, text.split("~")) if each]
            case "PID-5":
                for name in text.split("~"):
                    pieces = [*name.split("^"), *[""] * 7][:7]
                    if pieces[6] == "D":
                        used = pieces[0]
                    elif not birth:
                        birth = pieces[0]
                        given = tuple(filter(None, (pieces[1], *pieces[2].split())))
            case "PID-7":
                born = steps[0]
            case "PID-8":
                gender = steps[0]
            case "PID-11":
                for address in text.split("~"):
                    pieces = [*address.split("^"), *[""] * 9]
                    if pieces[6] == "BDL":
                        place = pieces[8] or pieces[4]
    unique = tuple(dict.fromkeys(found))
    if not unique and not birth:
        return None
    return Somebody(unique, birth or used, used, given, day(born), sex(gender), place)


def cx(text: str) -> Number | None:
    """An identifier in the form of HL7 v2's CX: value^^^name&oid&ISO^kind."""
    steps = [*text.split("^"), *[""] * 5]
    authority = [*steps[3].split("&"), "", ""]
    return (
        Number(steps[0].strip(), authority[1].strip(), steps[4].strip())
        if steps[0].strip()
        else None
    )


def xcn(text: str) -> Author:
    """A person in the form of HL7 v2's XCN: number^family^given^^suffix^prefix^^^name&oid&ISO."""
    steps = [*[each.strip() for each in text.split("^")], *[""] * 9][:9]
    authority = [*steps[8].split("&"), "", ""]
    alone = steps[0] if not steps[1] and not steps[8] else ""  # a name where the number stands
    return Author(
        Number("" if alone else steps[0], authority[1].strip()), steps[1] or alone, steps[2]
    )


def xon(text: str) -> Institution:
    """An organisation in the form of HL7 v2's XON: name^^^^^name&oid&ISO^^^^number."""
    steps = [*[each.strip() for each in text.split("^")], *[""] * 10][:10]
    authority = [*steps[5].split("&"), "", ""]
    return Institution(steps[0], Number(steps[9], authority[1].strip()))


def _authors(found: etree._Element, scheme: str) -> Iterator[Author]:
    for each in found.findall(f"{RIM}Classification"):
        if each.get("classificationScheme") != scheme:
            continue
        people = [text for text in _slots(each, "authorPerson") if text]
        one = xcn(people[0]) if people else Author()
        yield Author(
            one.number,
            one.family,
            one.given,
            tuple(xon(text) for text in _slots(each, "authorInstitution") if text),
            _slot(each, "authorRole"),
            _slot(each, "authorSpecialty"),
        )


def _slots(found: etree._Element, name: str) -> list[str]:
    return [
        "".join(value.itertext()).strip()
        for slot in found.findall(f"{RIM}Slot")
        if slot.get("name") == name
        for value in slot.iter(f"{RIM}Value")
    ]


def _slot(found: etree._Element, name: str) -> str:
    return next(iter(_slots(found, name)), "")


def _text(found: etree._Element | None) -> str:
    if found is None:
        return ""
    return next((str(each.get("value", "")) for each in found.iter(f"{RIM}LocalizedString")), "")


def _codes(found: etree._Element, scheme: str) -> Iterator[Code]:
    for each in found.findall(f"{RIM}Classification"):
        if each.get("classificationScheme") == scheme:
            yield Code(
                str(each.get("nodeRepresentation", "")),
                _slot(each, "codingScheme"),
                _text(each.find(f"{RIM}Name")),
            )


def _coded(found: etree._Element, scheme: str) -> Code | None:
    return next(_codes(found, scheme), None)


def _external(found: etree._Element, scheme: str) -> str:
    return next(
        (
            str(each.get("value", ""))
            for each in found.findall(f"{RIM}ExternalIdentifier")
            if each.get("identificationScheme") == scheme
        ),
        "",
    )
