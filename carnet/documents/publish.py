# SPDX-License-Identifier: EUPL-1.2
"""Publish a document: the act behind DocumentReference, in an ITI-65 lot, by itself, or from a file.

The source is kept byte for byte; what is read in it (PDF copies, results) follows the document for
ever: its kind, its labels, its depositor. Everything is written in one transaction, or nothing.
Source: IHE MHD 4.2 (ITI-65, ITI-105); ANS PDSm 3.1.1; answers 902 to 906 of the CI-SIS.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from carnet import errors
from carnet.access import kinds, labels
from carnet.access.door import Address, Unit, Written
from carnet.documents import metadata, queries
from carnet.documents.cda import CdaDocument, NotCda, conformance, read
from carnet.documents.cda.conformance import Finding, Profile, Severity
from carnet.documents.identity import check_identity
from carnet.documents.replace import replace
from carnet.rest.acts import Entry, Plan
from carnet.rest.plans import copied

XML_TYPES = frozenset(
    ("text/xml", "application/xml", "application/xslt+xml", "application/hl7-cda+xml")
)


class NotBase64(errors.Invalid):
    """The data of an attachment is not base64."""


class WrongHash(errors.BusinessRule):
    """The size or the hash of the attachment is not that of its data."""


class NoContent(errors.BusinessRule):
    """A document has its content in the same Bundle, or in its own attachment."""


class NoPatient(errors.BusinessRule):
    """The person this document is about is unknown here."""

    code = "902"


class OtherBytes(errors.Conflict):
    """A document with this uniqueId was already deposited with another content."""


class OtherUniqueId(errors.BusinessRule):
    """The masterIdentifier is not the id of the CDA document."""


class NotConform(errors.BusinessRule):
    """The document does not conform."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence, path=finding.path)
        self.code = finding.code or None  # type: ignore[misc]


@dataclass(slots=True)
class File:
    """One file of a document: its address once it has one, and its bytes."""

    media_type: str
    data: bytes
    entry: Entry | None = None  # the Binary of the Bundle it came in


async def publish(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """Create a DocumentReference and all that follows from it."""
    assert entry.address is not None
    address = entry.address
    if address.cid == unit.visit.actor.org:
        raise NoPatient  # a document about nobody would be in nobody's record
    resource = dict(entry.resource)
    files = _files(plan, resource)
    document = _cda(files[0]) if files else None
    if document is not None:
        entry.warnings += await _conform(unit, address, document)
        _same_unique_id(resource, document)
    kind = kinds.of(resource)
    label = labels.of(resource)
    plan.follow = (address.cid, address.rid, kind, label)
    existing = await _already(unit, plan, address, resource, files)
    if existing is not None:
        return existing
    for file in files:
        await _attach(unit, address, file, kind, label)
    _point(resource, files)
    if document is not None:
        await _extract(unit, address, document, resource, kind, label)
    await replace(unit, address, resource, document)
    if not files and not resource.get("content"):
        raise NoContent
    return unit.put(address, resource, kind=kind, label=label)


async def binary(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A Binary that no document of its Bundle names: its depositor alone reads it."""
    assert entry.address is not None
    content = dict(entry.resource)
    plain = _decoded(content.pop("data", ""))
    attachment = await unit.attach(entry.address, plain)
    return unit.put(entry.address, content, attachment=attachment)


async def submission(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A List: the submission set follows the document it came with."""
    assert entry.address is not None
    follow = plan.follow if plan.follow and plan.follow[0] == entry.address.cid else None
    if follow is None:
        return unit.put(entry.address, entry.resource)
    _, rid, kind, label = follow
    return unit.put(entry.address, entry.resource, kind=kind, label=label, origin=rid)


def _files(plan: Plan, resource: dict[str, Any]) -> list[File]:
    """The bytes of each content, in order; a content elsewhere has none."""
    found = []
    for content in resource.get("content", []):
        attachment = content.get("attachment", {})
        entry = None
        if "data" in attachment:
            data, media = _decoded(attachment["data"]), str(attachment.get("contentType", ""))
        elif (entry := plan.pointed(str(attachment.get("url", "")))) and entry.rtype == "Binary":
            data = (
                entry.data
                if entry.data is not None
                else _decoded(str(entry.resource.get("data", "")))
            )
            media = str(entry.resource.get("contentType") or attachment.get("contentType", ""))
        else:
            raise NoContent
        _verify(attachment, data)
        found.append(File(media, data, entry))
    return found


def _verify(attachment: dict[str, Any], data: bytes) -> None:
    digest = base64.b64encode(sha1(data, usedforsecurity=False).digest()).decode()
    if attachment.get("size") not in (None, len(data)) or attachment.get("hash") not in (
        None,
        digest,
    ):
        raise WrongHash


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotBase64 from None


def _cda(file: File) -> CdaDocument | None:
    """The document, when its first file is a CDA."""
    if file.media_type.split(";")[0].strip() not in XML_TYPES:
        return None
    try:
        return read(file.data)
    except NotCda:
        return None


async def _conform(unit: Unit, address: Address, document: CdaDocument) -> tuple[str, ...]:
    """Warnings; a refusal when a finding is an error or the identity is another's."""
    settings = unit.visit.door.settings
    profile = Profile.LENIENT if settings.lenient else Profile.STRICT
    findings = conformance.conformance(document, profile=profile, production=not settings.lenient)
    for finding in findings:
        if finding.severity is Severity.ERROR:
            raise NotConform(finding)
    await check_identity(unit, address.cid, document)
    return tuple(each.french for each in findings if each.severity is Severity.WARNING)


def _same_unique_id(resource: dict[str, Any], document: CdaDocument) -> None:
    """The metadata and the document bear the same uniqueId; it is added when the metadata has none."""
    own = metadata.unique_id(document.header)
    given = resource.get("masterIdentifier")
    if given is None and own is not None:
        resource["masterIdentifier"] = own
    elif given is not None and own is not None and not _same(given, own, document):
        raise OtherUniqueId


def _same(given: dict[str, Any], own: dict[str, Any], document: CdaDocument) -> bool:
    if (given.get("system"), given.get("value")) == (own["system"], own["value"]):
        return True
    number = document.header.id
    assert number is not None
    # XDS writes root^extension; some write it as one urn.
    forms = {f"{number.system}^{number.extension}", f"{number.system}.{number.extension}"}
    return str(given.get("value")) in forms


async def _already(
    unit: Unit, plan: Plan, address: Address, resource: dict[str, Any], files: list[File]
) -> Written | None:
    """The document already deposited with the same uniqueId and bytes, by the same depositor."""
    given = resource.get("masterIdentifier")
    if not given or not given.get("value") or not files:
        return None
    door = unit.visit.door
    key = door.hasher.long(f"uid|{given.get('system', '')}|{given['value']}".encode())
    digest = door.hasher.long(b"doc|" + b"|".join(door.hasher.long(file.data) for file in files))
    org = unit.visit.actor.org or 0
    await unit.allow(address.cid)
    found = await queries.deposit(unit.conn, address.cid, org, key, digest, address.rid)
    if found is None:
        return None
    if found.digest != digest:
        raise OtherBytes
    same = Address(
        address.cid, found.rid, "DocumentReference", door.ids.encode(address.cid, found.rid)
    )
    held = await unit.held(same.rtype, same.id, lock=False)
    for entry in plan.entries:  # the files and the lot that came along are not written twice
        if entry.rtype in ("Binary", "List") and entry.address is not None:
            entry.written = Written(same, held.ver, held.upd, b"", created=False, changed=False)
    return Written(same, held.ver, held.upd, b"", created=False, changed=False)


async def _attach(unit: Unit, address: Address, file: File, kind: int, label: labels.Label) -> None:
    """Write one file as a Binary in the document's own compartment."""
    entry = file.entry or Entry("POST", "Binary")
    entry.address = await unit.place_in(address.cid, "Binary")
    content = {key: value for key, value in entry.resource.items() if key != "data"}
    content = {"resourceType": "Binary", "contentType": file.media_type, **content}
    attachment = await unit.attach(entry.address, file.data)
    entry.written = unit.put(
        entry.address, content, kind=kind, label=label, origin=address.rid, attachment=attachment
    )
    file.entry = entry


def _point(resource: dict[str, Any], files: list[File]) -> None:
    """Each content points to its Binary, with its size and hash, and bears no data."""
    contents = []
    for content, file in zip(resource.get("content", []), files, strict=True):
        assert file.entry is not None and file.entry.address is not None
        digest = sha1(file.data, usedforsecurity=False).digest()
        attachment = {
            **{key: value for key, value in content["attachment"].items() if key != "data"},
            "url": file.entry.address.literal,
            "size": len(file.data),
            "hash": base64.b64encode(digest).decode(),
        }
        contents.append({**content, "attachment": attachment})
    if contents:
        resource["content"] = contents


async def _extract(
    unit: Unit,
    address: Address,
    document: CdaDocument,
    resource: dict[str, Any],
    kind: int,
    label: labels.Label,
) -> None:
    """PDF copies and results: resources of their own, with the document as their origin."""
    patient = f"Patient/{unit.visit.door.ids.encode(address.cid, address.cid)}"
    made = metadata.resources(
        document,
        patient=patient,
        received=unit.at,
        new_uuid=lambda: str(uuid.UUID(bytes=unit.visit.door.random(16), version=4)),
    )
    own, _source, *others = made
    places: dict[str, str] = {own.url: address.literal, _source.url: _first_url(resource)}
    placed = [
        (each, await unit.place_in(address.cid, each.resource["resourceType"])) for each in others
    ]
    places |= {each.url: place.literal for each, place in placed}
    present = {content["attachment"].get("hash") for content in resource.get("content", [])}
    for content in own.resource["content"][1:]:
        if content["attachment"].get("hash") not in present:
            resource.setdefault("content", []).append(copied(content, places))
    kept = {content["attachment"].get("url") for content in resource.get("content", [])}
    for each, place in placed:
        attachment = None
        if each.data is not None:
            if place.literal not in kept:
                continue  # the Bundle already brought the same file
            attachment = await unit.attach(place, each.data)
        unit.put(
            place,
            copied(each.resource, places),
            kind=kind,
            label=label,
            origin=address.rid,
            attachment=attachment,
        )


def _first_url(resource: dict[str, Any]) -> str:
    return str(resource["content"][0]["attachment"]["url"])
