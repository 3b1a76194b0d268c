# SPDX-License-Identifier: EUPL-1.2
"""Replacement: a new document deprecates the one it replaces, by the same depositor, in one record.

What is replaced is told by the metadata (relatesTo), by the CDA (RPLC), or by both, alike. Masks hold
for the whole chain (DESIGN §3): the patient who masked a document (CSP R.1111-49), or the professional
who awaits its announcement (R.1111-53), hid what it says, and a correction says it again. So a new
version bears the masks of the old ones, and its own are put on them.
Source: IHE MHD relatesTo=replaces; CDA RPLC; CI-SIS answers 900 (wrong version) and 901 (not the author).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from carnet import errors
from carnet.access import queries as access
from carnet.access.door import Address, Unit, Written
from carnet.access.labels import FILED, Label
from carnet.documents import addenda, metadata, queries, unique
from carnet.documents.cda import CdaDocument
from carnet.documents.cda.conformance import Finding, Profile, finding
from carnet.documents.content import unpacked
from carnet.documents.identity import NotConform
from carnet.documents.masks import masked
from carnet.fhir import json
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import LITERAL, literal
from carnet.fhir.search.tokens import TokenFilter
from carnet.rest.acts import Entry, Plan

LONGEST = 500  # versions of one document


PLACE = "DocumentReference.relatesTo"


class NotAuthor(NotConform, errors.Forbidden):
    """Only who deposited a document may replace it."""

    issue = "forbidden"
    status = 403


class NotReplaceable(NotConform):
    """The document to replace is not one this document may replace."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A document about to be replaced: locked, and of this depositor."""

    id: str
    rid: int
    labels: Label
    resource: dict[str, Any]


async def parents(
    unit: Unit,
    address: Address,
    resource: dict[str, Any],
    document: CdaDocument | None,
    profile: Profile,
) -> tuple[list[Parent], list[Finding]]:
    """What `resource` replaces, each seen, locked and replaceable; its relatesTo then names them.

    A parent unknown here is found; where that is no error it is kept by its identifier, and nothing
    is replaced.
    """
    found: dict[int, Parent] = {}
    related, asked = [], False
    for each in resource.get("relatesTo", []):
        if each.get("code") != "replaces":
            related.append(each)
            continue
        asked = True
        target = each.get("target", {})
        parent = await _parent(unit, address, target, profile)
        if parent is None:
            related.append(each)
        elif parent.rid not in found:
            found[parent.rid] = parent
            kept = {key: value for key, value in target.items() if key != "reference"}
            reference = {"reference": f"DocumentReference/{parent.id}"}
            related.append({**each, "target": {**reference, **kept}})
    for number in document.header.replaces if document is not None else ():
        target = {"type": "DocumentReference", "identifier": metadata.identifier(number)}
        parent = await _parent(unit, address, target, profile)
        if parent is not None and parent.rid in found:
            continue
        if parent is not None and found:
            raise NotReplaceable([finding("replaces-two", PLACE, profile)])
        if parent is not None:
            found[parent.rid] = parent
            target = {"reference": f"DocumentReference/{parent.id}", **target}
        if parent is not None or not asked:
            related.append({"code": "replaces", "target": target})
    if related:
        resource["relatesTo"] = related
    missing = not found and any(each.get("code") == "replaces" for each in related)
    return list(found.values()), [finding("replaces-unknown", PLACE, profile)] if missing else []


async def home(
    unit: Unit, address: Address, resource: dict[str, Any], document: CdaDocument | None
) -> int:
    """The compartment a document is filed in: where what it replaces is, in the same person's record.

    A chain is then in one compartment, and stays whole when a merge is undone.
    """
    every = await all_of(unit, address.cid)
    if len(every) == 1:
        return address.cid
    targets = [
        each.get("target", {})
        for each in resource.get("relatesTo", [])
        if each.get("code") == "replaces"
    ]
    numbers = document.header.replaces if document is not None else ()
    targets += [{"identifier": metadata.identifier(number)} for number in numbers]
    for target in targets:
        place = unit.visit.door.ids.decode(await named(unit, address, target) or "")
        if place is not None and place[0] in every:
            return place[0]
    return address.cid


async def _parent(
    unit: Unit, address: Address, target: dict[str, Any], profile: Profile
) -> Parent | None:
    """The document a target names, checked; None for an identifier that is unknown here."""
    id = await named(unit, address, target)
    if id is None:
        return None
    held = await unit.held("DocumentReference", id)  # absent when it is hidden: no more is told
    actor = unit.visit.actor
    by_organisation = held.dep_org is not None and held.dep_org == actor.org
    by_person = held.dep_pro is not None and held.dep_pro == actor.rpps
    if not (by_organisation or by_person):
        raise NotAuthor([finding("not-author", PLACE, profile)])
    if held.cid != address.cid:
        raise NotReplaceable([finding("replaces-other-record", PLACE, profile)])
    content = await unit.current(held, "DocumentReference")
    if held.gone or content.get("status") != "current":  # replaced already, or entered in error
        raise NotReplaceable([finding("replaces-twice", PLACE, profile)])
    return Parent(held.id, held.rid, Label(held.labels), content)


async def named(unit: Unit, address: Address, target: dict[str, Any]) -> str | None:
    """Id of the document a target names; None when it gives an identifier nobody here has."""
    door = unit.visit.door
    base = f"{door.settings.base_url}/fhir"
    if found := LITERAL.fullmatch(literal(str(target.get("reference", "")), base)):
        return found[2]
    identifier = target.get("identifier", {})
    number = unique.of_fhir(identifier)
    if number is None:
        return None
    actor = unit.visit.actor
    for cid in await all_of(unit, address.cid):
        await unit.allow(cid)
        own = await queries.deposited(
            unit.conn, cid, actor.org or 0, unique.key(door, actor, number)
        )
        if own is not None:
            return door.ids.encode(cid, own.rid)
    parameter = door.definitions.params["DocumentReference"]["identifier"].number
    wanted = TokenFilter(parameter, ((identifier.get("system") or None, identifier["value"]),))
    rows = await unit.find(
        Query("DocumentReference", (wanted,), compartments=(address.cid,), count=LONGEST)
    )
    current = [row for row in rows if row.resource.get("status") == "current"] or rows
    return current[0].id if current else None


async def all_of(unit: Unit, cid: int) -> tuple[int, ...]:
    """The compartments of a person's record, the one that is named first."""
    every = (await access.sets(unit.conn, [cid])).get(cid, (cid,))
    return (cid, *(each for each in every if each != cid))


async def supersede(unit: Unit, cid: int, replaced: list[Parent], label: Label) -> None:
    """A last version of what is replaced, and the masks of the new document on its whole chain."""
    await stand(unit, cid, [parent.rid for parent in replaced], stands=False)
    for parent in replaced:
        content = masked({**parent.resource, "status": "superseded"}, label)
        await unit.update("DocumentReference", parent.id, content, platform=True)
        await leave(unit, cid, f"DocumentReference/{parent.id}", label)
        if parent.labels == label:
            continue  # so has the rest of its chain
        rids = [parent.rid]
        for older in await _older(unit, cid, parent):
            await unit.update(
                "DocumentReference", older.id, masked(older.resource, label), platform=True
            )
            rids.append(older.rid)
        await unit.relabel(cid, rids, label)


async def leave(unit: Unit, cid: int, address: str, label: Label = Label.NONE) -> None:
    """Have what its depositor added to a document leave with it, masked as it is."""
    added = await addenda.leaving(unit, cid, address)
    for each in added:
        content = masked({**each.resource, "status": "superseded"}, label)
        await unit.update("DocumentReference", each.id, content, platform=True)
    rids = [each.rid for each in added]
    await stand(unit, cid, rids, stands=False)
    if rids and label:
        await unit.mask(cid, rids, label, Label.NONE)


async def stand(unit: Unit, cid: int, rids: Collection[int], *, stands: bool) -> None:
    """What was read in documents counts for searches while they stand, and no more once replaced.

    To be called wherever the status of a document changes. rids: of the documents.
    """
    if rids:
        await unit.replaced(cid, rids, but=FILED, is_=not stands)


async def _older(unit: Unit, cid: int, parent: Parent) -> list[Parent]:
    """What a document replaced, and what that replaced, as this depositor sees it."""
    found: list[Parent] = []
    waiting, known = [parent], {parent.id}
    while waiting and len(found) < LONGEST:
        for id in replaced_by(waiting.pop().resource):
            if id in known:
                continue
            known.add(id)
            try:
                held = await unit.held("DocumentReference", id)
            except errors.NotFound:
                continue
            if held.cid == cid and not held.gone:
                content = await unit.current(held, "DocumentReference")
                older = Parent(held.id, held.rid, Label(held.labels), content)
                found.append(older)
                waiting.append(older)
    return found


def replaced_by(resource: dict[str, Any]) -> list[str]:
    """Ids of the documents a DocumentReference replaces and that are known here."""
    return [
        str(each["target"]["reference"]).removeprefix("DocumentReference/")
        for each in resource.get("relatesTo", [])
        if each.get("code") == "replaces"
        and str(each.get("target", {}).get("reference", "")).startswith("DocumentReference/")
    ]


class NotSuperseding(errors.NotSupported):
    """PATCH of a document is supported in the lot that replaces it, to set its status to superseded."""

    status = 405  # ANS, PDSm: a PATCH of what it may not touch


def check_patches(plan: Plan) -> None:
    """Refuse a lot for its PATCH before anything of it is written."""
    for entry in plan.entries:
        if (entry.method, entry.rtype) == ("PATCH", "DocumentReference"):
            _checked(entry)


def _checked(entry: Entry) -> str:
    if entry.id is None or not _superseding(entry.resource):
        raise NotSuperseding
    return entry.id


async def patch(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """The PATCH of an ITI-65 replacement: its only effect was had by the new document of the lot."""
    held = await unit.held("DocumentReference", _checked(entry))
    content = await unit.current(held, "DocumentReference")
    here = any((cid, rid) == (held.cid, held.rid) for cid, rid, _ in unit.changed)
    again = any(
        each.rtype == "DocumentReference" and each.written is not None and not each.written.created
        for each in plan.entries
        if each is not entry
    )
    if content["status"] != "superseded" or not (here or again):
        raise NotSuperseding
    address = Address(held.cid, held.rid, "DocumentReference", held.id)
    return Written(address, held.ver, held.upd, b"", created=False, changed=here)


def _superseding(resource: dict[str, Any]) -> bool:
    """Whether a FHIRPath Patch, or a JSON Patch in a Binary, sets status to superseded and no more."""
    if resource.get("resourceType") == "Binary":
        try:
            operations = json.parse(b'{"patch":' + unpacked(resource) + b"}")["patch"]
        except errors.Invalid:
            return False
        return bool(operations == [{"op": "replace", "path": "/status", "value": "superseded"}])
    parameters = resource.get("parameter", [])
    if resource.get("resourceType") != "Parameters" or len(parameters) != 1:
        return False
    said = {
        part.get("name"): next((value for key, value in part.items() if key != "name"), None)
        for part in parameters[0].get("part", [])
    }
    asked = {"type": "replace", "path": "DocumentReference.status", "value": "superseded"}
    return bool(parameters[0].get("name") == "operation" and said == asked)
