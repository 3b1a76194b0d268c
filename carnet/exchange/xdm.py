# SPDX-License-Identifier: EUPL-1.2
"""IHE XDM: an archive whose METADATA.XML says what each file is, and whose.

What the metadata say of a file is told with it; what does not agree with the file is noted. A file the
metadata do not name is a part all the same: nothing is lost.
Source: IHE ITI TF-1 16 and TF-2 3.32 (Distribute Document Set on Media), TF-3 4.2 (ebRIM 3.0 of document
sharing); CI-SIS, volet échange de documents de santé.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from lxml import etree

from carnet import errors
from carnet.exchange.parts import Code, Note, Number, Opened, Part, Somebody, Told, day, sex
from carnet.fhir import xml

RIM: Final = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
FOLDER: Final = "IHE_XDM"
METADATA: Final = "METADATA.XML"
MOST_ENTRIES: Final = 5000
ISO: Final = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?")  # ISO 9660 level 1, as XDM asks

# The schemes and types of IHE ITI TF-3 4.2.3, by their UUID.
ENTRY: Final = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
ON_DEMAND: Final = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"
SUBMISSION: Final = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
CLASS: Final = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
TYPE: Final = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
LABEL: Final = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
AUTHOR: Final = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
UNIQUE: Final = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
PATIENT: Final = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"

SENTENCES: Final = {
    "xdm-metadata-unread": (
        "METADATA.XML cannot be read: the files of its folder are kept without what it says of them.",
        "METADATA.XML ne peut être lu : les fichiers de son dossier sont gardés sans ce qu’il en dit.",
    ),
    "xdm-no-metadata": (
        "The archive has no METADATA.XML in a folder of IHE_XDM.",
        "L’archive n’a aucun METADATA.XML dans un dossier de IHE_XDM.",
    ),
    "xdm-no-index": (
        "The archive has no INDEX.HTM: XDM asks for one, for people who open it without software.",
        "L’archive n’a pas d’INDEX.HTM : XDM en demande un, pour qui l’ouvre sans logiciel.",
    ),
    "xdm-no-readme": (
        "The archive has no README.TXT: XDM asks for one, that says who made it.",
        "L’archive n’a pas de README.TXT : XDM en demande un, qui dit qui l’a faite.",
    ),
    "xdm-name": (
        "This name is not one of ISO 9660 level 1, as XDM asks (8 capitals or digits, a dot, 3).",
        "Ce nom n’est pas un nom ISO 9660 niveau 1, comme XDM le demande (8 capitales ou chiffres, 3).",
    ),
    "xdm-no-uri": (
        "This DocumentEntry names no file (slot URI).",
        "Cette fiche ne nomme aucun fichier (slot URI).",
    ),
    "xdm-uri-climbs": (
        "The URI of this DocumentEntry leads out of its folder: it is not followed.",
        "L’URI de cette fiche mène hors de son dossier : elle n’est pas suivie.",
    ),
    "xdm-file-missing": (
        "The file this DocumentEntry names is not in the archive.",
        "Le fichier que cette fiche nomme n’est pas dans l’archive.",
    ),
    "xdm-hash": (
        "The SHA-1 hash of the metadata is not that of the file: one or the other was changed.",
        "L’empreinte SHA-1 des métadonnées n’est pas celle du fichier : l’un ou l’autre a changé.",
    ),
    "xdm-size": (
        "The size of the metadata is not that of the file.",
        "La taille des métadonnées n’est pas celle du fichier.",
    ),
    "xdm-no-hash": (
        "The metadata give no hash or no size of this file: XDM asks for both.",
        "Les métadonnées ne donnent pas l’empreinte ou la taille de ce fichier : XDM demande les deux.",
    ),
    "xdm-not-named": (
        "No DocumentEntry names this file: it is kept, with nothing said of it.",
        "Aucune fiche ne nomme ce fichier : il est gardé, sans rien qui le dise.",
    ),
    "xdm-no-submission": (
        "The metadata have no SubmissionSet.",
        "Les métadonnées n’ont pas de lot de soumission (SubmissionSet).",
    ),
}


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
class Submission:
    """What a SubmissionSet says."""

    id: str
    title: str
    at: str
    author: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a METADATA.XML says."""

    entries: tuple[Entry, ...]
    submissions: tuple[Submission, ...]
    replaces: tuple[tuple[str, str], ...] = ()  # new, old: ids of the metadata or unique ids


def looks(parts: Sequence[Part]) -> bool:
    """Whether the files of an archive are those of an XDM."""
    return any(
        each.name.upper().split("/")[-1] == METADATA or f"/{FOLDER}/" in f"/{each.name.upper()}"
        for each in parts
    )


def read(archive: Opened) -> Opened:
    """The documents of an XDM, each with what its metadata say."""
    by_name = {each.name.upper(): each for each in archive.parts}
    notes = list(archive.notes)
    said: list[str] = []
    found: list[Part] = []
    used: set[str] = set()
    root = _root(by_name)
    for name, rule in (
        (f"{root}INDEX.HTM", "xdm-no-index"),
        (f"{root}README.TXT", "xdm-no-readme"),
    ):
        used.add(name)
        if name not in by_name:
            notes.append(note(rule, "warning"))
    listed = sorted(name for name in by_name if name.split("/")[-1] == METADATA)
    if not listed:
        notes.append(note("xdm-no-metadata", "error"))
    for name in listed:
        used.add(name)
        try:
            metadata = parse(by_name[name].data)
        except errors.CarnetError as refusal:
            notes.append(note("xdm-metadata-unread", "error", by_name[name].name))
            said.append(f"{by_name[name].name}: {refusal}")
            continue
        if not metadata.submissions:
            notes.append(note("xdm-no-submission", "warning", by_name[name].name))
        said.append(
            f"{by_name[name].name}: {len(metadata.submissions)} SubmissionSet,"
            f" {len(metadata.entries)} DocumentEntry"
        )
        for entry in metadata.entries:
            part = _file(by_name, name, entry, notes)
            if part is not None and part.name.upper() not in used:
                used.add(part.name.upper())
                found.append(part)
    for upper, part in by_name.items():
        if f"/{FOLDER}/" in f"/{upper}":
            inside = upper.partition(f"{FOLDER}/")[2]
            if not all(
                ISO.fullmatch(step) for step in part.name.split("/")[-inside.count("/") - 1 :]
            ):
                notes.append(note("xdm-name", "information", part.name))
        if upper not in used and not _furniture(upper):
            notes.append(note("xdm-not-named", "information", part.name))
            found.append(part)
    return Opened("XDM", tuple(found), tuple(notes), tuple(said))


def _root(by_name: dict[str, Part]) -> str:
    """The folder IHE_XDM stands in, "" at the root of the archive."""
    for name in by_name:
        before, mark, _ = f"/{name}".partition(f"/{FOLDER}/")
        if mark:
            return f"{before[1:]}/" if before[1:] else ""
    return ""


def _furniture(upper: str) -> bool:
    """Files an XDM has for those who look at it without software: style sheets and the like."""
    return upper.endswith(
        (".XSL", ".XSLT", ".CSS", "INDEX.HTM", "INDEX.HTML", "README.TXT", "README.HTM")
    )


def _file(by_name: dict[str, Part], metadata: str, entry: Entry, notes: list[Note]) -> Part | None:
    place = f"{metadata} line {entry.line}"
    if not entry.uri:
        notes.append(note("xdm-no-uri", "error", place))
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(metadata), entry.uri.upper()))
    if path.startswith(("..", "/")) or ":" in path:
        notes.append(note("xdm-uri-climbs", "error", place))
        return None
    part = by_name.get(path)
    if part is None:
        notes.append(note("xdm-file-missing", "error", place))
        return None
    if not entry.hash or not entry.size:
        notes.append(note("xdm-no-hash", "warning", place))
    digest = hashlib.sha1(part.data, usedforsecurity=False).hexdigest()
    if entry.hash and entry.hash.lower() != digest:
        notes.append(note("xdm-hash", "error", part.name))
    if entry.size and entry.size != str(len(part.data)):
        notes.append(note("xdm-size", "error", part.name))
    return replace(part, media_type=entry.media_type, told=entry.told)


def note(rule: str, severity: str, place: str = "") -> Note:
    """A finding of this reader."""
    return Note(rule, severity, *SENTENCES[rule], place)


# ------------------------------------------------------------------------------------- METADATA.XML


def parse(data: bytes) -> Metadata:
    """What a METADATA.XML says; errors.Invalid when it is no ebRIM 3.0."""
    root = xml.parse(data)
    entries, submissions, replaces = [], [], []
    for each in root.iter(f"{RIM}ExtrinsicObject"):
        if each.get("objectType") in (ENTRY, ON_DEMAND, None):
            entries.append(_entry(each))
        if len(entries) > MOST_ENTRIES:
            raise errors.TooLarge("METADATA.XML has more than 5,000 DocumentEntry.")
    for each in root.iter(f"{RIM}RegistryPackage"):
        marks = [*each.iter(f"{RIM}Classification")]
        marks += [
            one
            for one in root.iter(f"{RIM}Classification")
            if one.get("classifiedObject") == each.get("id")
        ]
        if any(one.get("classificationNode") == SUBMISSION for one in marks):
            submissions.append(
                Submission(
                    str(each.get("id", "")),
                    _text(each.find(f"{RIM}Name")),
                    _slot(each, "submissionTime"),
                    _author(each),
                )
            )
    for each in root.iter(f"{RIM}Association"):
        if str(each.get("associationType", "")).endswith((":RPLC", ":XFRM_RPLC")):
            replaces.append((str(each.get("sourceObject")), str(each.get("targetObject"))))
    if not entries and not submissions and etree.QName(root).localname not in (
        "SubmitObjectsRequest", "RegistryObjectList", "ProvideAndRegisterDocumentSetRequest",
    ):  # fmt: skip
        raise errors.Invalid("METADATA.XML is not the ebRIM 3.0 of a document sharing lot.")
    return Metadata(tuple(entries), tuple(submissions), tuple(replaces))


def _entry(found: etree._Element) -> Entry:
    numbers = [cx(_slot(found, "sourcePatientId")), cx(_external(found, PATIENT))]
    told = Told(
        title=_text(found.find(f"{RIM}Name")),
        type=_coded(found, TYPE),
        category=_coded(found, CLASS),
        at=_slot(found, "serviceStartTime") or _slot(found, "creationTime"),
        author=_author(found),
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


def _author(found: etree._Element) -> str:
    """The first author, as a name is said."""
    for each in found.findall(f"{RIM}Classification"):
        people = _slots(each, "authorPerson")
        if people:
            steps = [*people[0].split("^"), *[""] * 3]
            return " ".join(filter(None, (steps[2], steps[1]))) or steps[0]
        places = _slots(each, "authorInstitution")
        if places:
            return places[0].split("^")[0]
    return ""


def _external(found: etree._Element, scheme: str) -> str:
    return next(
        (
            str(each.get("value", ""))
            for each in found.findall(f"{RIM}ExternalIdentifier")
            if each.get("identificationScheme") == scheme
        ),
        "",
    )
