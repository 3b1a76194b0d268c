# SPDX-License-Identifier: EUPL-1.2
"""Withdraw a document: nothing that was read in it counts any more, and DELETE by who deposited it.

A document that was entered in error says so of all that was extracted from it. A DELETE is the last
version of a document, of its files and of what was read in it: 410 to who could see it, and the rest of
its chain stays as it is. The bytes stay sealed in earlier versions, as for any resource.
Source: ANS, PDSm 3.1.1 (403 for who is not the author); FHIR R4, delete.
"""

from __future__ import annotations

from typing import Any

from carnet import errors
from carnet.access.door import Address, Held, Unit, Written
from carnet.documents import hide, replace
from carnet.documents.same.keep import forget
from carnet.documents.text import index
from carnet.rest.acts import Entry, Plan

ERROR = "entered-in-error"
# Where an error is said elsewhere than in `status`; what may not stand beside it.
VERIFIED = {
    "Condition": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "AllergyIntolerance": "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
}
# Types whose status has the code.
STATUS = frozenset(
    "CarePlan Composition DeviceRequest DeviceUseStatement DiagnosticReport Encounter"
    " FamilyMemberHistory Goal ImagingStudy Immunization MedicationAdministration"
    " MedicationDispense MedicationRequest MedicationStatement Observation Procedure"
    " ServiceRequest Appointment Consent Coverage Device Medication".split()
)
GOAL = "lifecycleStatus"


class Kept(errors.BusinessRule):
    """A document that another replaces stays with it: the newest version is the one that is deleted."""


async def void(unit: Unit, held: Held) -> None:
    """Say of all that was extracted from a document that it was entered in error."""
    unit.decided(held.cid, hide.everything(held.cid, "entered-in-error"))
    for row in await unit.rows(held.cid, [held.rid], following=True):
        if row.gone:
            continue
        made = in_error(row.resource)
        if made is not row.resource:
            place = unit.visit.door.ids.encode(row.cid, row.rid)
            await unit.update(row.rtype, place, made, platform=True)


def in_error(resource: dict[str, Any]) -> dict[str, Any]:
    """The same resource, entered in error; the very same where its type cannot say so."""
    rtype = resource["resourceType"]
    if rtype in VERIFIED:
        coding = {"system": VERIFIED[rtype], "code": ERROR}
        kept = {key: value for key, value in resource.items() if key != "clinicalStatus"}
        return {**kept, "verificationStatus": {"coding": [coding]}}
    if rtype == "Goal":
        return {**resource, GOAL: ERROR}
    return {**resource, "status": ERROR} if rtype in STATUS else resource


async def delete(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """DELETE DocumentReference/id."""
    from carnet.documents.amend import by_author

    assert entry.id is not None
    held = await unit.held("DocumentReference", entry.id)
    address = Address(held.cid, held.rid, "DocumentReference", held.id)
    await by_author(unit, held)
    if held.gone:
        return Written(address, held.ver, held.upd, b"", created=False, changed=False)
    if entry.if_match is not None and entry.if_match != held.ver:
        raise errors.VersionConflict
    unit.decided(held.cid, hide.everything(held.cid, "deleted-by-author"))
    first = next(iter(await unit.rows(held.cid, [held.rid])))
    newer = [each for each in await hide.chain(unit, first) if each.rid > held.rid]
    if any(not each.gone for each in newer):
        raise Kept
    await replace.leave(unit, held.cid, address.literal)
    following = await unit.rows(held.cid, [held.rid], following=True)
    for row in following:
        if row.rtype != "List" and not row.gone:
            place = unit.visit.door.ids.encode(row.cid, row.rid)
            await unit.delete(row.rtype, place, platform=True)
    unit.rule = "deleted-by-author"
    await index.forget(unit, held.cid, held.rid)
    await forget(unit, held.cid, held.rid)
    return await unit.delete("DocumentReference", held.id, platform=True)
