# SPDX-License-Identifier: EUPL-1.2
"""What came together: the SubmissionSets and Folders of an XDM, as Lists of the documents that are here.

One List a person, of their own documents alone; it follows the masks of what it names. Sent again, it is
the same List. Source: IHE MHD 4.2 (SubmissionSet and Folder in FHIR), ITI TF-3 4.2.3.3 and 4.2.3.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from carnet import errors
from carnet.access.actor import Actor
from carnet.access.door import Visit
from carnet.app.loading.containers import Inside
from carnet.app.loading.files import Named
from carnet.app.loading.outcomes import Outcome, Remark
from carnet.app.parts import Built, visit
from carnet.documents import brought
from carnet.documents.cda import datatypes
from carnet.documents.guide import LISTS, SOURCE
from carnet.documents.publish import Brought
from carnet.exchange.parts import Code, Lot
from carnet.rest.acts import Plan
from carnet.rest.plans import carry_out

DESIGNATION: Final = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-designationType"
NAMES: Final = {"submissionset": "lots", "folder": "folders"}


async def kept(
    built: Built, who: Actor, holder: Outcome, inside: Inside, found: Mapping[Named, Outcome]
) -> Outcome:
    """The outcome of a container, with the Lists made of what it holds."""
    counts, remarks = dict(holder.counts), list(holder.remarks)
    for lot, files in inside.lots:
        addresses = [found[each].address for each in files if found[each].address]
        try:
            for one in await _by_person(visit(built, who), addresses):
                new = await _keep(built, who, lot, one)
                name = NAMES[lot.kind] if new else f"{NAMES[lot.kind]} already there"
                counts[name] = counts.get(name, 0) + 1
        except errors.CarnetError as refusal:
            remarks.append(Remark("error", str(refusal), refusal.code or refusal.issue, lot.kind))
    return replace(holder, counts=counts, remarks=tuple(remarks))


async def _by_person(visit: Visit, addresses: Sequence[str]) -> list[list[dict[str, Any]]]:
    """The documents that are here, those of one person together, with whose they are."""
    by: dict[int, list[dict[str, Any]]] = {}
    for each in dict.fromkeys(addresses):
        rtype, _, id = each.partition("/")
        if rtype != "DocumentReference":
            continue
        try:
            held = await visit.read(rtype, id)
        except errors.NotFound:
            continue
        by.setdefault(held.cid, []).append(
            {"address": each, "subject": held.resource.get("subject")}
        )
    return list(by.values())


async def _keep(built: Built, who: Actor, lot: Lot, documents: list[dict[str, Any]]) -> bool:
    """Write the List; False when it was there."""
    made = resource(lot, documents, built.door.clock().isoformat(timespec="seconds"))
    entry = Brought("POST", "List", resource=made)
    await carry_out(visit(built, who), built.desk.acts, Plan([entry]))
    assert entry.written is not None
    return entry.written.created


def resource(lot: Lot, documents: Sequence[Mapping[str, Any]], now: str) -> dict[str, Any]:
    """A List of some documents, each {address, subject}; now: a FHIR instant, when the lot has no date."""
    contained: list[dict[str, Any]] = []
    author = brought.person(contained, "author", lot.authors[0]) if lot.authors else None
    extensions: list[dict[str, Any]] = [
        {"url": DESIGNATION, "valueCodeableConcept": brought.concept(each)} for each in lot.codes
    ]
    if lot.source_id:
        value = {"system": brought.URI, "value": brought.number(lot.source_id)}
        extensions.append({"url": SOURCE, "valueIdentifier": value})
    numbers = [
        {"use": use, "system": brought.URI, "value": value}
        for use, value in (
            ("usual", brought.number(lot.unique_id)),
            ("official", lot.entry_id if lot.entry_id.startswith("urn:uuid:") else ""),
        )
        if value
    ]
    made: dict[str, Any] = {
        "resourceType": "List",
        "contained": contained,
        "extension": extensions,
        "identifier": numbers,
        "status": "current",
        "mode": "working",
        "title": lot.title,
        "code": brought.concept(Code(lot.kind, LISTS)),
        "subject": documents[0]["subject"],
        "date": (lot.at and datatypes.moment(lot.at)) or now,
        "source": author,
        "note": [{"text": lot.comments}] if lot.comments else None,
        "entry": [{"item": {"reference": each["address"]}} for each in documents],
    }
    return {key: held for key, held in made.items() if held}
