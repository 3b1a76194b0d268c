# SPDX-License-Identifier: EUPL-1.2
"""Publish a document: the act behind DocumentReference, in an ITI-65 lot, by itself, or from a file.

The source is kept byte for byte; what is read in it (PDF copies, results) follows the document for
ever: its kind, its labels, its depositor. Everything is written in one transaction, or nothing: what may
be refused is looked at before the first file is written.
Source: IHE MHD 4.2 (ITI-65, ITI-105); ANS PDSm 3.1.1; answers 902 to 906 of the CI-SIS.
"""

from __future__ import annotations

from typing import Final

from carnet import errors
from carnet.access import kinds, labels
from carnet.access.actor import ActorKind
from carnet.access.door import Unit, Written
from carnet.access.labels import Label
from carnet.config import Instance
from carnet.documents import guide, reserves
from carnet.documents.cda.conformance import Severity
from carnet.documents.content import File, files
from carnet.documents.identity import NotConform, refuse
from carnet.documents.masks import masked
from carnet.documents.publish.again import already
from carnet.documents.publish.contents import Place, attach, extract, point
from carnet.documents.publish.deposit import Deposit, profile_of, tell
from carnet.documents.publish.describing import added_to, complete, made_of, unique_id
from carnet.documents.publish.judging import judge
from carnet.documents.publish.moving import file_in
from carnet.documents.publish.reading import beside, first
from carnet.documents.replace import check_patches, home, parents, stand, supersede
from carnet.documents.same.keep import keep as keep_marks
from carnet.documents.text import index
from carnet.rest.acts import Entry, Plan

MANAGEMENT: Final = kinds.table()["management"].number


class NotManagement(errors.Forbidden):
    """An assistant deposits documents of management alone, and replaces none."""


async def publish(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """Create a DocumentReference and all that follows from it."""
    check_patches(plan)
    if unit.visit.endpoint == guide.ENDPOINT:
        guide.document(plan, entry)
    held = files(plan, dict(entry.resource))
    document, findings = await first(unit, entry, held[0])
    findings += await beside(unit, entry, held[1:])
    findings += await judge(unit, plan, entry, document)
    findings += entry.found if isinstance(entry, Deposit) else ()
    resource = dict(entry.resource)
    address = entry.address
    assert address is not None
    number = unique_id(resource, document)
    cid = await home(unit, address, resource, document)
    if cid != address.cid:
        address = await file_in(unit, plan, entry, cid)
        resource = dict(entry.resource)
        number = unique_id(resource, document)
    if not any(each.severity is Severity.ERROR for each in findings):
        existing = await already(unit, plan, entry, resource, held, number)
        if existing is not None:
            tell(entry, findings)
            return existing
    try:
        replaced, more = await parents(unit, address, resource, document, profile_of(unit, entry))
    except NotConform as refusal:
        raise type(refusal)([*refusal.findings, *findings]) from None
    findings += more
    refuse(findings)
    made = made_of(unit, address, document) if document is not None else []
    if made:
        complete(resource, made[0].resource)
    if unit.visit.door.settings.instance is Instance.PRIVATE:  # whoever reads holds the file
        resource = labels.without(resource, Label.INVISIBLE_PATIENT)
    label = labels.of(resource)
    if unit.visit.actor.secret:  # the whole lot is, and what is read in it
        label |= Label.INVISIBLE_REPRESENTANTS_LEGAUX
    for parent in replaced:
        label |= parent.labels
    label |= await added_to(unit, address, resource)
    resource = masked(resource, label)
    place = Place(address, kinds.of(resource), label)
    if unit.visit.actor.kind is ActorKind.ASSISTANT and (replaced or place.kind != MANAGEMENT):
        raise NotManagement
    entry.follow = plan.follow = (address.cid, address.rid, place.kind, label)
    await supersede(unit, address.cid, replaced, label)
    for file in held:
        await attach(unit, place, file)
    point(resource, held)
    status = resource.get("status")
    if made and status != "entered-in-error":  # nothing is read in what is said to be wrong
        await extract(unit, place, made, resource)
    reserves.keep(resource, findings)
    tell(entry, findings)
    inside = [File(each.resource["contentType"], each.data) for each in made[2:] if each.data]
    await index.keep(unit, address, resource, document, held, inside)
    await keep_marks(unit, address, resource, document, [each.resource for each in made])
    written = unit.put(address, resource, kind=place.kind, label=label)
    if status != "current":
        await unit.flush()
        await stand(unit, address.cid, [address.rid], stands=False)
    return written
