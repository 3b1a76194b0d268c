# SPDX-License-Identifier: EUPL-1.2
"""Deposit one's own document: a file a patient puts in their own record, declared as theirs.

Whatever the way in (the page, or POST DocumentReference with a patient's token), the same rules hold:
one file, known by its content and cleaned; a type of nomenclature/deposits.toml; the patient as author.
What comes is read, never copied: the document is written by us, so that it cannot pass for a
professional's. Then it is published as any other.
Source: CSP R.1111-49; ANS, JDV_J07 (DOCPAT01 to 09) and JDV_J57 (class 90), "documents déposés par le
patient".
"""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, NotRequired, TypedDict

from carnet import errors
from carnet.access import queries
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Unit, Visit, Written
from carnet.documents import files, nomenclature
from carnet.documents.cda.conformance import Finding, Severity
from carnet.documents.content import WrongHash, apart, decoded, sha1
from carnet.documents.files.plain import FORBIDDEN
from carnet.documents.publish import Deposit, publish
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.plans import carry_out

LONGEST = 200  # characters of a title
OWN = (
    "patient-deposit"  # the server alone writes reserves: this one says that a patient deposited it
)
OWN_WORDS = (
    "The patient deposited this document: no professional has checked it.",
    "Document déposé par le patient : aucun professionnel ne l’a vérifié.",
)
# The same, when somebody else deposited it for them: the natures of access.mandate that may.
FOR = {
    "representative": (
        "The legal representative deposited this document: no professional has checked it.",
        "Document déposé par le représentant légal : aucun professionnel ne l’a vérifié.",
    ),
    "guardian": (
        "The guardian deposited this document: no professional has checked it.",
        "Document déposé par la personne chargée de la protection : aucun professionnel ne l’a vérifié.",
    ),
    "carer": (
        "The carer deposited this document: no professional has checked it.",
        "Document déposé par l’aidant : aucun professionnel ne l’a vérifié.",
    ),
}
OTHER = "906"  # of the national answers: what is not about whose the document is
OLDEST = date(1900, 1, 1)
DAY = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?(T.*)?")
CLASS = "1.2.250.1.213.1.1.4.1"  # TRE_A03-ClasseDocument
SUFFICIENT = {
    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
}
# Elements a program may send; the others would say of a patient's document what only others can.
TAKEN = frozenset(
    "resourceType id meta language text identifier masterIdentifier status docStatus type category"
    " subject date author description securityLabel content context".split()
)


class NotYours(errors.Forbidden):
    """Documents of one's own go in one's own record, or in that of whom one fully acts for."""


class NotADeposit(errors.Forbidden):
    """A patient deposits documents of types DOCPAT01 to DOCPAT07 and DOCPAT09 (JDV_J07)."""


class NotOwn(errors.BusinessRule):
    """This element cannot be said of a document a patient deposits."""


class OneFile(errors.BusinessRule):
    """A document a patient deposits is one file, in content[0].attachment.data."""


class NoTitle(errors.BusinessRule):
    """A document has a title, of 200 characters at most."""


class NoDate(errors.BusinessRule):
    """The date of a document is a day from 1900 to today."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What came of a deposit."""

    document: str  # id of the DocumentReference
    created: bool  # false: the same file was already there
    removed: tuple[str, ...]  # keys of files/words.toml


@dataclass(slots=True)
class Own(Deposit):
    """A patient's deposit that was checked and cleaned before its transaction began."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is kept of a deposit as it came."""

    data: bytes
    title: str
    kind: str
    on: str  # a day; "" when it is not told
    declared: str = ""  # media type
    name: str = ""  # of the file


class Given(TypedDict):
    """What `upload` takes of its caller."""

    data: bytes
    title: str
    kind: str
    on: date
    declared: NotRequired[str]
    name: NotRequired[str]
    patient: NotRequired[str]


async def upload(
    visit: Visit,
    acts: Acts,
    *,
    data: bytes,
    title: str,
    kind: str,
    on: date,
    declared: str = "",
    name: str = "",
    patient: str = "",
) -> Uploaded:
    """Put a file in the record of the patient who asks, or of whom they act for.

    patient: id of whom they act for, "" for their own record. kind: a type of deposits.toml. on: the
    day of the document. declared, name: media type and name of the file as the sender says them; they
    have to agree with its content. The same file again is the same document.
    """
    actor = visit.actor
    if actor.kind is not ActorKind.PATIENT or actor.patient is None:
        raise NotYours
    today = visit.door.clock().date()
    if not OLDEST <= on <= today:
        raise NoDate(path="DocumentReference.context.period")
    cid = _cid(visit, patient)
    nature = await _nature(visit, cid)
    asked = _Asked(data, _title(title), kind, on.isoformat(), declared, name)
    cleaned = await _cleaned(asked)
    entry = Own(
        "POST",
        "DocumentReference",
        resource=_resource(visit, asked, cleaned, cid),
        found=_found(cleaned, nature),
    )
    await carry_out(visit, acts, Plan([entry]))
    assert entry.written is not None
    return Uploaded(entry.written.address.id, entry.written.created, cleaned.removed)


async def deposit(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """The act behind DocumentReference: a patient's is made theirs, the others are published."""
    if unit.visit.actor.kind is not ActorKind.PATIENT or isinstance(entry, Own):
        return await publish(unit, plan, entry)
    assert entry.address is not None
    cid = entry.address.cid
    nature = await _nature(unit.reading(), cid)
    asked = _asked(unit.visit.actor, unit.visit.door.clock().date(), entry.resource)
    cleaned = await _cleaned(asked)
    own = Own(
        "POST",
        "DocumentReference",
        full_url=entry.full_url,
        resource=_resource(unit.visit, asked, cleaned, cid),
        address=entry.address,
        found=_found(cleaned, nature),
    )
    written = await publish(unit, plan, own)
    entry.warnings += own.warnings
    return written


def _cid(visit: Visit, patient: str) -> int:
    """The record of a Patient's id; "" is the actor's own."""
    assert visit.actor.patient is not None
    if not patient:
        return visit.actor.patient
    place = visit.door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise errors.NotFound
    return place[0]


async def _nature(visit: Visit, cid: int) -> str:
    """As what the actor deposits there: self, representative…; a mandate has to reach the whole record."""
    actor = visit.actor
    if cid == actor.patient:
        return "self"
    async with visit.door.pool.connection() as conn:
        now = visit.door.clock()
        held = await queries.held(conn, actor.sub, actor.patient, [cid], now, 100)
    natures = {one.nature for one in held if one.reach == "all"}
    if not natures:
        raise errors.NotFound
    return next(name for name in FOR if name in natures)


# ------------------------------------------------------------------------------------- what is asked


def _asked(actor: Actor, today: date, resource: dict[str, Any]) -> _Asked:
    """What a program sent with a patient's token, refused when it says more than a patient can."""
    for element in resource:
        if element not in TAKEN:
            raise NotOwn(path=f"DocumentReference.{element}")
    if resource.get("status") != "current":
        raise NotOwn(path="DocumentReference.status")
    _nobody_else(actor, resource)
    if any(
        coding.get("code") != "N"
        for label in resource.get("securityLabel", [])
        for coding in label.get("coding", [])
    ):
        raise NotOwn(path="DocumentReference.securityLabel")
    codes = [coding.get("code") for coding in resource.get("type", {}).get("coding", [])]
    if len(codes) != 1:
        raise NotADeposit(path="DocumentReference.type")
    contents = resource.get("content", [])
    if len(contents) != 1 or set(contents[0]) - {"attachment", "format"}:
        raise OneFile(path="DocumentReference.content")
    attachment = contents[0].get("attachment", {})
    path = "DocumentReference.content[0].attachment"
    if "url" in attachment or "data" not in attachment:
        raise OneFile(path=path)
    data = decoded(str(attachment["data"]))
    if attachment.get("size", len(data)) != len(data):
        raise WrongHash(path=f"{path}.size")
    if attachment.get("hash", sha1(data)) != sha1(data):
        raise WrongHash(path=f"{path}.hash")
    title = str(attachment.get("title") or resource.get("description") or "")
    on = str(resource.get("context", {}).get("period", {}).get("start", ""))
    _day(on or str(resource.get("date", "")), today)
    return _Asked(data, _title(title), str(codes[0]), on, str(attachment.get("contentType", "")))


def _nobody_else(actor: Actor, resource: dict[str, Any]) -> None:
    """The author is the patient, or is left to be said; the context names nobody."""
    subject = resource.get("subject", {}).get("reference")
    for author in resource.get("author", []):
        if set(author) - {"reference", "type"} or author.get("reference") != subject:
            raise NotOwn(path="DocumentReference.author")
    if set(resource.get("context", {})) - {"period"}:
        raise NotOwn(path="DocumentReference.context")


def _day(text: str, today: date) -> None:
    if not text:
        return
    full = text[:10] if len(text) >= 10 else text + "-01-01"[: 10 - len(text)]
    try:
        day = date.fromisoformat(full) if DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not OLDEST <= day <= today:
        raise NoDate(path="DocumentReference.context.period")


def _title(text: str) -> str:
    kept = " ".join(FORBIDDEN.sub("", text).split())
    if not kept or len(kept) > LONGEST:
        raise NoTitle(path="DocumentReference.content[0].attachment.title")
    return kept


async def _cleaned(asked: _Asked) -> files.Cleaned:
    if asked.kind not in nomenclature.table("deposits")["labels"]:
        raise NotADeposit(path="DocumentReference.type")
    if not asked.data:
        raise files.Refused("empty")
    media = files.sniff(asked.data, asked.declared, asked.name)
    return await apart(files.clean, asked.data, media)


# ------------------------------------------------------------------------------------ what is written


def _found(cleaned: files.Cleaned, nature: str) -> tuple[Finding, ...]:
    """Whose word it is, and what was taken out of the file: kept on its document."""
    said = FOR.get(nature, OWN_WORDS)
    own = Finding(OWN, OTHER, Severity.WARNING, *said, "DocumentReference")
    taken = (
        Finding(
            f"removed-{rule}",
            OTHER,
            Severity.WARNING,
            *files.removed(rule),
            "DocumentReference.content",
        )
        for rule in cleaned.removed
    )
    return (own, *taken)


def _resource(visit: Visit, asked: _Asked, cleaned: files.Cleaned, cid: int) -> dict[str, Any]:
    """The document, wholly ours: of the patient, by the patient or by who acts for them.

    The latter is named, and not by the address of a record of their own.
    """
    actor, known = visit.actor, nomenclature.table("deposits")
    own = f"Patient/{visit.door.ids.encode(cid, cid)}"
    author = {"reference": own, "display": actor.name}
    if cid != actor.patient:
        author = {"display": actor.name}
    setting = _concept(
        known["setting"]["system"], known["setting"]["code"], known["setting"]["display"]
    )
    now = visit.door.clock()
    moment = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    category = nomenclature.class_of(asked.kind)
    label = nomenclature.type_label(asked.kind)
    assert category is not None and label is not None
    made: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": _unique(cleaned.data)},
        "status": "current",
        "type": _concept(known["system"], asked.kind, label),
        "category": [_concept(CLASS, *category)],
        "subject": {"reference": own},
        "date": moment,
        "author": [author],
        "description": asked.title,
        "securityLabel": [_concept("2.16.840.1.113883.5.25", "N", "Normal")],
        "content": [
            {
                "attachment": {
                    "contentType": cleaned.media_type,
                    "data": base64.b64encode(cleaned.data).decode(),
                    "title": asked.title,
                    "creation": moment,
                },
                "format": SUFFICIENT,
            }
        ],
        "context": {"facilityType": setting, "practiceSetting": setting},
    }
    if asked.on:
        made["context"]["period"] = {"start": asked.on}
    return made


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": nomenclature.system(system), "code": code, "display": display}]}


def _unique(data: bytes) -> str:
    """The uniqueId of a deposit: the same file in the same record is the same document."""
    digest = sha256(b"carnet deposit\0" + data).hexdigest()
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}"
