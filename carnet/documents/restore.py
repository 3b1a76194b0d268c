# SPDX-License-Identifier: EUPL-1.2
"""A document as another installation gave it out: what was judged and read there is not judged again.

Its resource, its files and all that was read in it come as they were, each a line of an import that keeps
ids. The document comes first; what follows it takes its kind, its masks and its depositor. Any other
document of an import is published as one that is received.
"""

from __future__ import annotations

from carnet import errors
from carnet.access import kinds, labels
from carnet.access.door import Unit, Written
from carnet.access.labels import Label
from carnet.documents import publish, queries, unique, upload
from carnet.documents.content import WrongHash, sha1, unpacked
from carnet.documents.text import index
from carnet.rest.acts import Entry, Plan

PROFILE = "urn:carnet:import"  # of the plan of an import


class NotItsFile(errors.BusinessRule):
    """The document this file comes with does not name it."""


async def document(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A DocumentReference that has its place: as it is. Any other is published."""
    if entry.place is None:
        return await upload.deposit(unit, plan, entry)
    assert entry.address is not None
    resource = entry.resource
    await index.later(unit, entry.address)
    return unit.put(entry.address, resource, kind=kinds.of(resource), label=labels.of(resource))


async def lot(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A List: as it is; who may not see one of its documents does not see it."""
    address = entry.address
    assert address is not None
    if entry.follow is None:
        return unit.put(address, entry.resource)
    if entry.follow[0] != address.cid:
        raise NotItsFile
    held, label = set(), labels.of(entry.resource)
    for each in entry.resource.get("entry", []):
        rtype, _, id = str(each.get("item", {}).get("reference", "")).partition("/")
        if rtype == "DocumentReference":
            row = await unit.held(rtype, id)
            held.add(row.kind)
            label |= Label(row.labels)
    kind = held.pop() if len(held) == 1 else kinds.UNCLASSIFIED
    return unit.put(address, entry.resource, kind=kind, label=label, origin=entry.follow[1])


async def file(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A Binary that follows a document: the bytes it names. Any other is its depositor's."""
    if entry.follow is None:
        return await publish.binary(unit, plan, entry)
    assert entry.address is not None
    address, door = entry.address, unit.visit.door
    cid, rid, kind, label = entry.follow
    held = await unit.held("DocumentReference", door.ids.encode(cid, rid), lock=False)
    resource = await unit.current(held, "DocumentReference")
    attachments = [each.get("attachment", {}) for each in resource.get("content", [])]
    named = [each for each in attachments if each.get("url") == address.literal]
    if not named:
        raise NotItsFile
    content = dict(entry.resource)
    plain = unpacked(content)
    content.pop("data", None)
    if any(each.get("hash", sha1(plain)) != sha1(plain) for each in named):
        raise WrongHash
    number = unique.of_fhir(resource.get("masterIdentifier") or {})
    if named[0] is attachments[0] and number is not None:
        await unit.allow(cid)
        digest = door.hasher.long(b"doc|" + plain)
        key = unique.key(door, unit.visit.actor, number)
        org = unit.visit.actor.org or 0
        there = await queries.deposit(unit.conn, cid, org, key, digest, rid)
        if there is not None and (there.rid, there.digest) != (rid, digest):
            raise publish.OtherBytes
    attachment = await unit.attach(address, plain)
    return unit.put(address, content, kind=kind, label=label, origin=rid, attachment=attachment)
