# SPDX-License-Identifier: EUPL-1.2
"""An IHE XDM of our own: one submission set, its METADATA.XML, a page for those who have no software.

The same parts and numbers make the same bytes. Names are those of ISO 9660 level 1.
Source: IHE ITI TF-1 16, TF-2 3.32, TF-3 4.2; CI-SIS (IHE_XDM.ZIP, IHE_XDM/SUBSET01/METADATA.XML).
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from lxml import etree

from carnet.exchange import ebrim
from carnet.exchange.parts import Author, Code, Part, Somebody, Told

XSD: Final = "urn:oasis:names:tc:ebxml-regrep:xsd"
RIM: Final = f"{{{XSD}:rim:3.0}}"
LCM: Final = f"{{{XSD}:lcm:3.0}}"
HAS_MEMBER: Final = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
RELATIONS: Final = {
    code: f"urn:ihe:iti:2007:AssociationType:{name}"
    for name, code in reversed(ebrim.LINKS.items())
    if name != "XFRM_RPLC"
}
FOLDER: Final = "IHE_XDM/SUBSET01"
SUFFIXES: Final = {"text/xml": "XML", "application/pdf": "PDF", "text/plain": "TXT",
                   "application/rtf": "RTF", "image/jpeg": "JPG", "image/tiff": "TIF"}  # fmt: skip
AT: Final = (1980, 1, 1, 0, 0, 0)  # of every member: when it was made is in the metadata


@dataclass(frozen=True, slots=True)
class Submission:
    """What is said of the whole. number, source: OIDs; at: YYYYMMDDHHMMSS, UTC."""

    number: str
    source: str
    title: str
    at: str
    author: Author


def write(parts: Sequence[Part], submission: Submission) -> bytes:
    """The archive; each part's media type and what is told of it are its metadata."""
    names = [
        f"DOC{number:05d}.{SUFFIXES.get(each.media_type, 'BIN')}"
        for number, each in enumerate(parts, 1)
    ]
    files = {
        "INDEX.HTM": _index(parts, names, submission),
        "README.TXT": b"IHE XDM 1.0\r\nMade by Carnet. Open INDEX.HTM.\r\n",
        f"{FOLDER}/METADATA.XML": metadata(parts, names, submission),
        **{f"{FOLDER}/{name}": each.data for name, each in zip(names, parts, strict=True)},
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            member = zipfile.ZipInfo(name, AT)
            member.external_attr = 0o100600 << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def metadata(parts: Sequence[Part], names: Sequence[str], submission: Submission) -> bytes:
    """The METADATA.XML."""
    root = etree.Element(
        f"{LCM}SubmitObjectsRequest", nsmap={"lcm": f"{XSD}:lcm:3.0", None: f"{XSD}:rim:3.0"}
    )
    objects = etree.SubElement(root, f"{RIM}RegistryObjectList")
    for number, (name, part) in enumerate(zip(names, parts, strict=True), 1):
        _entry(objects, f"entry{number}", name, part)
    _submission(objects, submission, parts[0].told.person if parts else None)
    for number, part in enumerate(parts, 1):
        link = _link(objects, HAS_MEMBER, "submission", f"entry{number}")
        _slot(link, "SubmissionSetStatus", ["Original"])
        for each in part.told.related:
            if each.code in RELATIONS:
                _link(objects, RELATIONS[each.code], f"entry{number}", each.unique_id)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _entry(objects: etree._Element, id: str, name: str, part: Part) -> None:
    told = part.told
    made = etree.SubElement(
        objects, f"{RIM}ExtrinsicObject", id=id, objectType=ebrim.ENTRY,
        mimeType=part.media_type, status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved",
    )  # fmt: skip
    slots = {
        "creationTime": [told.at] if told.at else [],
        "serviceStartTime": [told.at] if told.at else [],
        "serviceStopTime": [told.until] if told.until else [],
        "hash": [hashlib.sha1(part.data, usedforsecurity=False).hexdigest()],
        "size": [str(len(part.data))],
        "languageCode": [told.language or "fr-FR"],
        "URI": [name],
        "sourcePatientId": list(_numbers(told.person)),
        "sourcePatientInfo": list(_person(told.person)),
        "legalAuthenticator": [_xcn(told.authenticator)] if told.authenticator else [],
    }
    for key, values in slots.items():
        if values:
            _slot(made, key, values)
    _named(made, told.title)
    if told.comments:
        _text(made, "Description", told.comments)
    for scheme, code in _codes(told):
        _classified(made, scheme, id, code)
    for author in told.authors:
        _author(made, ebrim.AUTHOR, id, author)
    for number in _numbers(told.person):
        _external(made, ebrim.PATIENT, id, number, "XDSDocumentEntry.patientId")
        break
    if told.unique_id:
        _external(made, ebrim.UNIQUE, id, told.unique_id, "XDSDocumentEntry.uniqueId")


def _codes(told: Told) -> Iterator[tuple[str, Code]]:
    single = (
        (ebrim.CLASS, told.category), (ebrim.TYPE, told.type), (ebrim.FORMAT, told.format),
        (ebrim.FACILITY, told.facility), (ebrim.SETTING, told.setting),
    )  # fmt: skip
    yield from ((scheme, code) for scheme, code in single if code is not None and code.code)
    yield from ((ebrim.LABEL, code) for code in told.labels)
    yield from ((ebrim.EVENT, code) for code in told.events if code.code)


def _submission(objects: etree._Element, submission: Submission, person: Somebody | None) -> None:
    made = etree.SubElement(objects, f"{RIM}RegistryPackage", id="submission")
    _slot(made, "submissionTime", [submission.at])
    _named(made, submission.title)
    _author(made, ebrim.SENT_BY, "submission", submission.author)
    _external(made, ebrim.SET_NUMBER, "submission", submission.number, "XDSSubmissionSet.uniqueId")
    _external(made, ebrim.SET_SOURCE, "submission", submission.source, "XDSSubmissionSet.sourceId")
    for number in _numbers(person):
        _external(made, SET_PATIENT, "submission", number, "XDSSubmissionSet.patientId")
        break
    etree.SubElement(
        objects, f"{RIM}Classification", id="is-submission", classifiedObject="submission",
        classificationNode=ebrim.SUBMISSION,
    )  # fmt: skip


SET_PATIENT: Final = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"


def _link(objects: etree._Element, kind: str, source: str, target: str) -> etree._Element:
    number = len(objects)
    return etree.SubElement(
        objects, f"{RIM}Association", id=f"link{number}", associationType=kind,
        sourceObject=source, targetObject=target,
    )  # fmt: skip


def _slot(parent: etree._Element, name: str, values: Sequence[str]) -> None:
    slot = etree.SubElement(parent, f"{RIM}Slot", name=name)
    held = etree.SubElement(slot, f"{RIM}ValueList")
    for each in values:
        etree.SubElement(held, f"{RIM}Value").text = each


def _named(parent: etree._Element, title: str) -> None:
    if title:
        _text(parent, "Name", title)


def _text(parent: etree._Element, name: str, text: str) -> None:
    held = etree.SubElement(parent, f"{RIM}{name}")
    etree.SubElement(held, f"{RIM}LocalizedString", value=text)


def _classified(parent: etree._Element, scheme: str, id: str, code: Code) -> None:
    made = etree.SubElement(
        parent, f"{RIM}Classification", id=f"{id}-{len(parent)}", classificationScheme=scheme,
        classifiedObject=id, nodeRepresentation=code.code,
    )  # fmt: skip
    _slot(made, "codingScheme", [code.system])
    _named(made, code.display or code.code)


def _author(parent: etree._Element, scheme: str, id: str, author: Author) -> None:
    made = etree.SubElement(
        parent, f"{RIM}Classification", id=f"{id}-{len(parent)}", classificationScheme=scheme,
        classifiedObject=id, nodeRepresentation="",
    )  # fmt: skip
    _slot(made, "authorPerson", [_xcn(author)])
    for place in author.places:
        number = place.number
        _slot(made, "authorInstitution",
              [f"{_hl7(place.name)}^^^^^&{number.oid}&ISO^IDNST^^^{_hl7(number.value)}"])  # fmt: skip
    if author.role:
        _slot(made, "authorRole", [author.role])
    if author.specialty:
        _slot(made, "authorSpecialty", [author.specialty])


def _external(parent: etree._Element, scheme: str, id: str, value: str, name: str) -> None:
    made = etree.SubElement(
        parent, f"{RIM}ExternalIdentifier", id=f"{id}-{len(parent)}", registryObject=id,
        identificationScheme=scheme, value=value,
    )  # fmt: skip
    _named(made, name)


def _numbers(person: Somebody | None) -> Iterator[str]:
    for each in person.numbers if person is not None else ():
        yield f"{_hl7(each.value)}^^^&{each.oid}&ISO^{each.kind or 'NH'}"


def _person(person: Somebody | None) -> Iterator[str]:
    if person is None:
        return
    given = _hl7(person.given_names[0]) if person.given_names else ""
    others = _hl7(" ".join(person.given_names[1:]))
    yield f"PID-5|{_hl7(person.birth_name)}^{given}^{others}^^^^L"
    if person.used_name and person.used_name != person.birth_name:
        yield f"PID-5|{_hl7(person.used_name)}^{given}^^^^^D"
    if person.birth_date:
        yield f"PID-7|{person.birth_date:%Y%m%d}"
    sex = {"male": "M", "female": "F"}.get(str(person.sex or ""), "U")
    yield f"PID-8|{sex}"


def _xcn(author: Author) -> str:
    number = author.number
    return (
        f"{_hl7(number.value)}^{_hl7(author.family)}^{_hl7(author.given)}^^^^^^&{number.oid}&ISO"
        "^D^^^IDNPS"
    )


def _hl7(text: str) -> str:
    """Text without the signs that part HL7 v2's fields."""
    return "".join(" " if each in "^&~|\\" or not each.isprintable() else each for each in text)


def _index(parts: Sequence[Part], names: Sequence[str], submission: Submission) -> bytes:
    lines = "".join(
        f'<li><a href="{FOLDER}/{name}">{escape(each.told.title or name)}</a></li>'
        for name, each in zip(names, parts, strict=True)
    )
    return (
        '<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">'
        f"<title>{escape(submission.title)}</title></head><body><h1>{escape(submission.title)}</h1>"
        f"<ul>{lines}</ul></body></html>"
    ).encode()
