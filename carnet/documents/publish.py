# SPDX-License-Identifier: EUPL-1.2
"""Publish a document: the act behind DocumentReference, in an ITI-65 lot, by itself, or from a file.

The source is kept byte for byte; what is read in it (PDF copies, results) follows the document for
ever: its kind, its labels, its depositor. Everything is written in one transaction, or nothing: what may
be refused is looked at before the first file is written.
Source: IHE MHD 4.2 (ITI-65, ITI-105); ANS PDSm 3.1.1; answers 902 to 906 of the CI-SIS.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from carnet import errors
from carnet.access import kinds, labels, quarantine
from carnet.access import queries as identities
from carnet.access.actor import ActorKind
from carnet.access.door import Address, Unit, Written
from carnet.access.labels import Label
from carnet.access.queries import Identity
from carnet.config import Instance
from carnet.documents import addenda, folders, guide, metadata, queries, reserves, unique
from carnet.documents.cda import CdaDocument, NotCda, conformance, read
from carnet.documents.cda.conformance import Finding, Profile, Severity, finding
from carnet.documents.cda.document import ROOT as CLINICAL_DOCUMENT
from carnet.documents.content import File, files, unpacked
from carnet.documents.identity import (
    PATIENT_ROLE,
    NoPatient,
    NotConform,
    Said,
    apart,
    compared,
    of_header,
    refuse,
    source_patient,
)
from carnet.documents.masks import masked, masked_list
from carnet.documents.replace import all_of, check_patches, home, named, parents, stand, supersede
from carnet.documents.same.keep import keep as keep_marks
from carnet.documents.text import index
from carnet.fhir import xml
from carnet.fhir.search.query import Filter, Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.tokens import TokenFilter
from carnet.rest.acts import Entry, Plan
from carnet.rest.links import copied

MANAGEMENT: Final = kinds.table()["management"].number
XML_TYPES = frozenset(
    ("text/xml", "application/xml", "application/xslt+xml", "application/hl7-cda+xml")
)
WHITE: Final = b"\xef\xbb\xbf\xff\xfe \t\r\n"  # before the first element, byte order marks too


class OtherBytes(errors.Conflict):
    """A document with this uniqueId was already deposited with another content."""


class NotManagement(errors.Forbidden):
    """An assistant deposits documents of management alone, and replaces none."""


class OtherUniqueId(errors.BusinessRule):
    """The masterIdentifier is not the id of the CDA document."""


@dataclass(slots=True)
class Deposit(Entry):
    """A DocumentReference that comes with more than its resource: from a file."""

    profile: Profile | None = None  # None: what the instance says
    document: CdaDocument | None = None  # already read
    findings: tuple[Finding, ...] = ()  # what publishing it found
    quarantined: bool = False  # it is in the record of an identity in quarantine
    patient_made: bool = False  # that identity was made for it
    found: tuple[Finding, ...] = ()  # before it was published: what was taken out of the file


@dataclass(slots=True)
class Brought(Entry):
    """A List that comes with a container of files: the same number again is the same List."""


# What a CDA says of its context that stands by itself: the patient as described is contained.
TOLD: Final = frozenset({"event", "period", "facilityType", "practiceSetting", "related"})


@dataclass(frozen=True, slots=True)
class _Place:
    """What all that comes from one document shares."""

    address: Address
    kind: int
    label: Label


async def publish(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """Create a DocumentReference and all that follows from it."""
    check_patches(plan)
    if unit.visit.endpoint == guide.ENDPOINT:
        guide.document(plan, entry)
    held = files(plan, dict(entry.resource))
    document, findings = await _read(unit, entry, held[0])
    findings += await _beside(unit, entry, held[1:])
    findings += await _judge(unit, plan, entry, document)
    findings += entry.found if isinstance(entry, Deposit) else ()
    resource = dict(entry.resource)
    address = entry.address
    assert address is not None
    number = _unique_id(resource, document)
    cid = await home(unit, address, resource, document)
    if cid != address.cid:
        address = await _file_in(unit, plan, entry, cid)
        resource = dict(entry.resource)
        number = _unique_id(resource, document)
    if not any(each.severity is Severity.ERROR for each in findings):
        existing = await _already(unit, plan, entry, resource, held, number)
        if existing is not None:
            _tell(entry, findings)
            return existing
    try:
        replaced, more = await parents(unit, address, resource, document, _profile(unit, entry))
    except NotConform as refusal:
        raise type(refusal)([*refusal.findings, *findings]) from None
    findings += more
    refuse(findings)
    made = _made(unit, address, document) if document is not None else []
    if made:
        _complete(resource, made[0].resource)
    if unit.visit.door.settings.instance is Instance.PRIVATE:  # whoever reads holds the file
        resource = labels.without(resource, Label.INVISIBLE_PATIENT)
    label = labels.of(resource)
    if unit.visit.actor.secret:  # the whole lot is, and what is read in it
        label |= Label.INVISIBLE_REPRESENTANTS_LEGAUX
    for parent in replaced:
        label |= parent.labels
    label |= await _added_to(unit, address, resource)
    resource = masked(resource, label)
    place = _Place(address, kinds.of(resource), label)
    if unit.visit.actor.kind is ActorKind.ASSISTANT and (replaced or place.kind != MANAGEMENT):
        raise NotManagement
    entry.follow = plan.follow = (address.cid, address.rid, place.kind, label)
    await supersede(unit, address.cid, replaced, label)
    for file in held:
        await _attach(unit, place, file)
    _point(resource, held)
    status = resource.get("status")
    if made and status != "entered-in-error":  # nothing is read in what is said to be wrong
        await _extract(unit, place, made, resource)
    reserves.keep(resource, findings)
    _tell(entry, findings)
    inside = [File(each.resource["contentType"], each.data) for each in made[2:] if each.data]
    await index.keep(unit, address, resource, document, held, inside)
    await keep_marks(unit, address, resource, document, [each.resource for each in made])
    written = unit.put(address, resource, kind=place.kind, label=label)
    if status != "current":
        await unit.flush()
        await stand(unit, address.cid, [address.rid], stands=False)
    return written


async def binary(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A Binary that no document of its Bundle names: its depositor alone reads it."""
    assert entry.address is not None
    content = dict(entry.resource)
    plain = unpacked(content)
    content.pop("data", None)
    attachment = await unit.attach(entry.address, plain)
    return unit.put(entry.address, content, attachment=attachment)


async def submission(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A List: it follows the documents it came with, and is seen by who may see them all.

    Sent again with documents that were all there, it is the one of its number, or the one that names them.
    """
    assert entry.address is not None
    if unit.visit.endpoint == guide.ENDPOINT:
        guide.submission(entry)
        guide.provided(plan, entry)
    came = [
        each.written
        for each in plan.entries
        if each.rtype == "DocumentReference" and each.written is not None
    ]
    sent = {each.address.literal for each in came}
    came = [each for each in came if each.address.cid == entry.address.cid]
    again = bool(came) and not any(each.created for each in came)
    if again or isinstance(entry, Brought):
        existing = await _list_of(unit, entry.address.cid, entry.resource, came[:1])
        if existing is not None:
            return existing
    others = await folders.beside(unit, entry.address.cid, entry.resource, sent)
    if not came and not others:
        return unit.put(entry.address, entry.resource)
    here = {each.address.rid for each in came}
    followed = [each.follow for each in plan.entries if each.rtype == "DocumentReference"]
    rows = [(each[2], each[3]) for each in followed if each is not None and each[1] in here]
    rows += others
    held = {kind for kind, _ in rows}
    label = Label.NONE
    for _, each in rows:
        label |= each
    # Documents of several kinds in one lot: who may not see one of them does not see the lot.
    kind = held.pop() if len(held) == 1 else kinds.UNCLASSIFIED
    origin = came[0].address.rid if came else None
    return unit.put(
        entry.address, masked_list(entry.resource, label), kind=kind, label=label, origin=origin
    )


# ------------------------------------------------------------------------------------- what is read


async def _added_to(unit: Unit, address: Address, resource: dict[str, Any]) -> Label:
    """The masks of what this document adds to, transforms or signs."""
    targets = addenda.adds_to(resource)
    if not targets:
        return Label.NONE
    ids = [await named(unit, address, each) for each in targets]
    every = await all_of(unit, address.cid)
    return await addenda.borne(unit, every, [each for each in ids if each is not None])


def _profile(unit: Unit, entry: Entry) -> Profile:
    if isinstance(entry, Deposit) and entry.profile is not None:
        return entry.profile
    if unit.visit.endpoint == guide.ENDPOINT:
        return Profile.STRICT
    return Profile.LENIENT if unit.visit.door.settings.lenient else Profile.STRICT


async def _read(unit: Unit, entry: Entry, file: File) -> tuple[CdaDocument | None, list[Finding]]:
    """The first file as a CDA, when it is one; what is only kept is said."""
    if isinstance(entry, Deposit) and entry.document is not None:
        return entry.document, []
    if file.media_type.split(";")[0].strip().lower() not in XML_TYPES and not _is_cda(file.data):
        return None, []
    profile = _profile(unit, entry)
    try:
        document = await asyncio.to_thread(read, file.data)
    except NotCda:
        return None, [finding("not-cda", "DocumentReference.content[0]", profile)]
    header = document.header
    if header.id is None and header.code is None and header.patient is None:
        # The agency's own example of a lot holds an empty ClinicalDocument.
        return None, [finding("empty-cda", "ClinicalDocument", profile)]
    return document, []


async def _beside(unit: Unit, entry: Entry, others: list[File]) -> list[Finding]:
    """A CDA document among the other files: nobody would ask it whose it is."""
    hidden = await asyncio.to_thread(lambda: [_is_cda(each.data) for each in others])
    return [
        finding("cda-not-first", f"DocumentReference.content[{place}]", _profile(unit, entry))
        for place, wrong in enumerate(hidden, 1)
        if wrong
    ]


def _is_cda(data: bytes) -> bool:
    """Whether bytes are a CDA document, whatever they are said to be."""
    if not data.lstrip(WHITE).startswith((b"<", b"\0")):
        return False
    try:
        return next(xml.parse(data).iter(CLINICAL_DOCUMENT), None) is not None
    except errors.CarnetError:
        return False


async def _judge(
    unit: Unit, plan: Plan, entry: Entry, document: CdaDocument | None
) -> list[Finding]:
    """All that is doubtful; afterwards the document is where it may be, if it may be anywhere."""
    profile = _profile(unit, entry)
    production = not unit.visit.door.settings.lenient
    if document is None:
        return await _place(unit, plan, entry, source_patient(entry.resource), [])
    judge = partial(
        conformance.conformance, document, profile=profile, production=production, now=unit.at
    )
    found = await asyncio.to_thread(judge)
    if unit.visit.door.settings.instance is Instance.PRIVATE:  # real numbers are at home there
        found = [each for each in found if each.rule != "ins-production-system"]
    header = document.header
    declared = {coding.get("code") for coding in entry.resource.get("type", {}).get("coding", [])}
    if declared and header.code and header.code.code not in declared:
        found.append(finding("type-differs", "DocumentReference.type", profile))
    patient = header.patient
    said = None
    if patient is not None and conformance.names_somebody(patient):
        said = of_header(patient)
    return await _place(unit, plan, entry, said, found)


async def _place(
    unit: Unit, plan: Plan, entry: Entry, said: Said | None, found: list[Finding]
) -> list[Finding]:
    """Leave the document in the record it names, or keep it apart; with what the record adds."""
    assert entry.address is not None
    profile, path = _profile(unit, entry), said.path if said else PATIENT_ROLE
    production = not unit.visit.door.settings.lenient
    nobody = entry.address.cid == unit.visit.actor.org
    known = None if nobody else await identities.identity(unit.conn, entry.address.cid)
    if said is not None and known is not None:
        found = found + compared(said, known, profile)
    if nobody and said is None and not found:
        raise NoPatient([finding("unknown-patient", path, profile)])
    keep = profile is Profile.LENIENT and (
        apart(found, production=production)
        or (nobody and said is not None and (production or not said.holds))
    )
    if nobody and not keep and (said is None or said.claim is not None):
        found = [*found, finding("unknown-patient", path, profile)]
    if keep and (said is None or unit.visit.actor.kind is ActorKind.PATIENT):
        # A patient's own file is theirs or it is refused: they could not read it elsewhere.
        found = [
            replace(each, severity=Severity.ERROR)
            if conformance.quarantines(each.rule, production=production)
            else each
            for each in found
        ]
    if any(each.severity is Severity.ERROR for each in found):
        return found
    if keep and said is not None:
        await _keep_apart(unit, plan, entry, said, known, found)
    elif known is None or not known.quarantined or await identities.sets(unit.conn, [known.cid]):
        return found  # what two officers merged is in quarantine no more
    if isinstance(entry, Deposit):
        entry.quarantined = True
    return [*found, finding("quarantined", path, profile)]


async def _keep_apart(
    unit: Unit,
    plan: Plan,
    entry: Entry,
    said: Said,
    known: Identity | None,
    found: list[Finding],
) -> None:
    """Move a document, and what of its lot was about the same person, to an identity in quarantine."""
    collision = known is not None and not known.quarantined
    held = await quarantine.hold(unit, said.claim, said.traits, said.patient, collision=collision)
    if isinstance(entry, Deposit):
        entry.patient_made = held.made
    before = entry.address
    assert before is not None
    subject, moved = entry.resource.get("subject"), {}
    for each in plan.entries:
        if each.address is None or each.address.cid != before.cid or each.rtype == "Patient":
            continue
        # With nobody's things are others of this depositor: only what names the same person moves.
        same = each is entry or (subject and each.resource.get("subject") == subject)
        if known is None and not same:
            continue
        if each.written is not None or each.method != "POST":
            several = finding("several-people", "Bundle", _profile(unit, entry))
            raise NotConform([several, *found])
        address = await unit.place_in(held.cid, each.rtype)
        moved[each.address.literal] = address.literal
        for name, place in plan.known.items():
            if place == each.address:
                plan.known[name] = address
        each.address = address
    whose = f"Patient/{held.id}"
    if known is not None:
        moved[f"Patient/{unit.visit.door.ids.encode(before.cid, before.cid)}"] = whose
    for each in plan.entries:
        if each.written is None:
            each.resource = copied(each.resource, moved)
            if each.address is not None and each.address.cid == held.cid:
                each.resource = _about(each.resource, whose)


async def _file_in(unit: Unit, plan: Plan, entry: Entry, cid: int) -> Address:
    """Move a lot to the compartment of the document it replaces: a chain is in one, merged or not."""
    before = entry.address
    assert before is not None
    whose = f"Patient/{unit.visit.door.ids.encode(cid, cid)}"
    moved = {f"Patient/{unit.visit.door.ids.encode(before.cid, before.cid)}": whose}
    lot = [
        each
        for each in plan.entries
        if each.address is not None and each.address.cid == before.cid and each.rtype != "Patient"
    ]
    if any(each.written is not None or each.method != "POST" for each in lot):
        return before  # the replacement itself says that it is another record's
    for each in lot:
        assert each.address is not None
        address = await unit.place_in(cid, each.rtype)
        moved[each.address.literal] = address.literal
        for name, place in plan.known.items():
            if place == each.address:
                plan.known[name] = address
        each.address = address
    for each in plan.entries:
        if each.written is None:
            each.resource = copied(each.resource, moved)
    assert entry.address is not None
    return entry.address


def _about(resource: dict[str, Any], whose: str) -> dict[str, Any]:
    """The same about somebody, by reference alone: a number they only claim names them nowhere."""
    named = {each for each in ("subject", "patient") if each in resource}
    if resource.get("resourceType") == "DocumentReference":
        named.add("subject")
    return {**resource, **{each: {"reference": whose} for each in named}}


def _tell(entry: Entry, findings: list[Finding]) -> None:
    """What was found, in the answer and to who sends a file."""
    entry.warnings += tuple(
        dict.fromkeys(each.sentence for each in findings if each.severity is Severity.WARNING)
    )
    if isinstance(entry, Deposit):
        entry.findings = tuple(conformance.ordered(findings))


def _unique_id(resource: dict[str, Any], document: CdaDocument | None) -> str | None:
    """The document's uniqueId; the metadata and the CDA say the same, and the CDA's is its form."""
    given = resource.get("masterIdentifier")
    own = document.header.id if document is not None else None
    if own is None:
        return unique.of_fhir(given) if given else None
    if given is None:
        resource["masterIdentifier"] = metadata.identifier(own)
    elif not unique.same(given, own):
        raise OtherUniqueId(path="DocumentReference.masterIdentifier")
    return unique.of_cda(own)


def _complete(resource: dict[str, Any], own: dict[str, Any]) -> None:
    """What the metadata leaves out and the CDA says: its masks always, the rest where it is absent."""
    for element in ("type", "category", "date"):
        if element in own:
            resource.setdefault(element, own[element])
    for element in ("author", "authenticator", "custodian"):
        if element in own:
            resource.setdefault(element, _named(own[element]))
    context = {key: value for key, value in own["context"].items() if key in TOLD}
    if context:
        resource["context"] = context | resource.get("context", {})
    marked = masked(resource, labels.of(own))
    if "securityLabel" in marked:
        resource["securityLabel"] = marked["securityLabel"]


def _named(people: Any) -> Any:
    """Who a reference says, without the contained resource it leads to."""
    if isinstance(people, list):
        return [_named(each) for each in people]
    known = {key: value for key, value in people.items() if key != "reference"}
    return known or {"display": metadata.UNKNOWN_AUTHOR}


def _made(unit: Unit, address: Address, document: CdaDocument) -> list[metadata.Made]:
    """The document as resources; its own DocumentReference first, then its source."""
    door = unit.visit.door
    return metadata.resources(
        document,
        patient=f"Patient/{door.ids.encode(address.cid, address.cid)}",
        received=unit.at,
        new_uuid=lambda: str(uuid.UUID(bytes=door.random(16), version=4)),
    )


# ------------------------------------------------------------------------------- the same one again


async def _already(
    unit: Unit,
    plan: Plan,
    entry: Entry,
    resource: dict[str, Any],
    held: list[File],
    number: str | None,
) -> Written | None:
    """The document already deposited with the same uniqueId and bytes, by the same depositor.

    The first file is the document; others are the same thing printed, and must have been there too.
    """
    assert entry.address is not None
    address, actor, door = entry.address, unit.visit.actor, unit.visit.door
    if number is None:
        return None
    digest = door.hasher.long(b"doc|" + held[0].data)
    key = unique.key(door, actor, number)
    for other in (await all_of(unit, address.cid))[
        1:
    ]:  # deposited under another of their identities
        await unit.allow(other)
        there = await queries.deposited(unit.conn, other, actor.org or 0, key)
        if there is not None:
            address = replace(address, cid=other)
            break
    await unit.allow(address.cid)
    found = await queries.deposit(
        unit.conn,
        address.cid,
        actor.org or 0,
        key,
        digest,
        address.rid,
    )
    if found is None:
        return None
    same = Address(
        address.cid, found.rid, "DocumentReference", door.ids.encode(address.cid, found.rid)
    )
    if any(row.rid == found.rid for row in unit.new):  # twice in one lot
        await unit.flush()
    try:
        row = await unit.held(same.rtype, same.id, lock=False)
        if row.gone:
            # Its author deleted it: the number is free for the same document, or for a right one.
            await unit.allow(address.cid)
            org, rid = actor.org or 0, entry.address.rid
            await queries.take_over(unit.conn, address.cid, org, key, digest, rid)
            return None
        if found.digest != digest:
            raise OtherBytes
        stored = await unit.current(row, same.rtype)
    except errors.NotFound:  # fed without the right to read: told of their own deposit, no more
        if found.digest != digest:
            raise OtherBytes from None
        # Kind and masks are not theirs to know: what names it beside others is kept close.
        entry.follow = (address.cid, found.rid, kinds.UNCLASSIFIED, Label.MASQUE_PS)
        known_here = Written(same, 1, unit.at, b"", created=False, changed=False)
        for file in held:
            if file.entry is not None:
                file.entry.written = known_here
        _follow(plan, entry, same)
        return known_here
    known = {
        content["attachment"].get("hash"): content["attachment"].get("url")
        for content in stored.get("content", [])
    }
    if any(file.hash not in known for file in held[1:]):
        raise OtherBytes
    entry.follow = plan.follow = (address.cid, row.rid, row.kind, Label(row.labels))
    unit.told.append((address.cid, row.rid, row.ver))
    for file in held:
        if file.entry is not None:
            file.entry.written = _known(unit, address.cid, "Binary", known.get(file.hash)) or (
                Written(same, row.ver, row.upd, b"", created=False, changed=False)
            )
    _follow(plan, entry, same)
    return Written(same, row.ver, row.upd, b"", created=False, changed=False)


def _known(unit: Unit, cid: int, rtype: str, literal: str | None) -> Written | None:
    """Something of a record that was there, by its address."""
    id = (literal or "").removeprefix(f"{rtype}/")
    place = unit.visit.door.ids.decode(id)
    if place is None or place[0] != cid:
        return None
    return unit.known(Address(cid, place[1], rtype, id))


async def _list_of(
    unit: Unit, cid: int, resource: dict[str, Any], came: Sequence[Written]
) -> Written | None:
    """The same lot, sent before: of the same number, else the one that names its first document."""
    params = unit.visit.door.definitions.params["List"]
    held = [each for each in resource.get("identifier", []) if each.get("value")]
    # The number of the lot itself, when it says which: that of a registry's entry is of one sending.
    own = [each for each in held if each.get("use") == "usual"] or held
    numbers = tuple((each.get("system") or None, str(each["value"])) for each in own)
    wanted: Filter
    if numbers:
        wanted = TokenFilter(params["identifier"].number, numbers)
    elif came:
        wanted = ReferenceFilter(params["item"].number, (came[0].address.literal,))
    else:
        return None
    found = await unit.find(Query("List", (wanted,), compartments=(cid,), count=20))
    rows = [each for each in found if not numbers or _alike(each.resource, resource)]
    if not rows:
        return None
    address = Address(cid, rows[0].rid, "List", rows[0].id)
    return Written(address, rows[0].ver, rows[0].upd, b"", created=False, changed=False)


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two lots are of one kind and one sender, as far as both say."""
    if guide.kind_of(one) != guide.kind_of(other):
        return False
    sent = [
        [
            each.get("valueIdentifier")
            for each in held.get("extension", [])
            if each.get("url") == guide.SOURCE
        ]
        for held in (one, other)
    ]
    return sent[0] == sent[1]


def _follow(plan: Plan, entry: Entry, same: Address) -> None:
    """What came along points to the document that was there."""
    assert entry.address is not None
    for other in plan.entries:
        if other is not entry and other.written is None:
            other.resource = copied(other.resource, {entry.address.literal: same.literal})


# ------------------------------------------------------------------------------------ what is written


async def _attach(unit: Unit, place: _Place, file: File) -> None:
    """Write one file as a Binary in the document's own compartment."""
    entry = file.entry or Entry("POST", "Binary")
    entry.address = await unit.place_in(place.address.cid, "Binary")
    content = {
        "resourceType": "Binary",
        "contentType": file.media_type,
        "securityContext": {"reference": place.address.literal},
    }
    attachment = await unit.attach(entry.address, file.data)
    entry.written = unit.put(
        entry.address,
        content,
        kind=place.kind,
        label=place.label,
        origin=place.address.rid,
        attachment=attachment,
    )
    file.entry = entry


def _point(resource: dict[str, Any], held: list[File]) -> None:
    """Each content points to its Binary, with its size and hash, and bears no data."""
    contents = []
    for content, file in zip(resource["content"], held, strict=True):
        assert file.entry is not None and file.entry.address is not None
        attachment = {
            **{key: value for key, value in content["attachment"].items() if key != "data"},
            "contentType": content["attachment"].get("contentType", file.media_type),
            "url": file.entry.address.literal,
            "size": len(file.data),
            "hash": file.hash,
        }
        contents.append({**content, "attachment": attachment})
    resource["content"] = contents


async def _extract(
    unit: Unit, place: _Place, made: list[metadata.Made], resource: dict[str, Any]
) -> None:
    """PDF copies and results: resources of their own, with the document as their origin."""
    own, source, *others = made
    attachments = [content["attachment"] for content in resource["content"]]
    places = {own.url: place.address.literal, source.url: str(attachments[0]["url"])}
    brought = {each["hash"]: str(each["url"]) for each in attachments}
    for content in own.resource["content"][1:]:
        attachment = content["attachment"]
        if attachment["hash"] in brought:  # the Bundle has the same file
            places[attachment["url"]] = brought[attachment["hash"]]
            continue
        address = await unit.place_in(place.address.cid, "Binary")
        places[attachment["url"]] = brought[attachment["hash"]] = address.literal
        resource["content"].append(copied(content, places))
        binary = next(each for each in others if each.url == attachment["url"])
        assert binary.data is not None
        unit.put(
            address,
            copied(binary.resource, places),
            kind=place.kind,
            label=place.label,
            origin=place.address.rid,
            attachment=await unit.attach(address, binary.data),
        )
    placed = [
        (each, await unit.place_in(place.address.cid, each.resource["resourceType"]))
        for each in others
        if each.data is None
    ]
    places |= {each.url: address.literal for each, address in placed}
    for each, address in placed:
        unit.put(
            address,
            copied(each.resource, places),
            kind=place.kind,
            label=place.label,
            origin=place.address.rid,
        )
