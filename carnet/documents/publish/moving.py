# SPDX-License-Identifier: EUPL-1.2
"""Move a lot: to an identity in quarantine, or to the record of the document it replaces."""

from __future__ import annotations

from typing import Any

from carnet.access import quarantine
from carnet.access.door import Address, Unit
from carnet.access.queries import Identity
from carnet.documents.cda.conformance import Finding, finding
from carnet.documents.identity import NotConform, Said
from carnet.documents.publish.deposit import Deposit, profile_of
from carnet.rest.acts import Entry, Plan
from carnet.rest.links import copied


async def keep_apart(
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
            several = finding("several-people", "Bundle", profile_of(unit, entry))
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


async def file_in(unit: Unit, plan: Plan, entry: Entry, cid: int) -> Address:
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
