# SPDX-License-Identifier: EUPL-1.2
"""End lines of a prescription, by who wrote them: stopped, or withdrawn before they began, or replaced.

What is ended says so in its own resource, which the one page and the summary read; a document adds to that of
the prescription, which stays as it was given out. Everything is in one transaction, or nothing is.
Source: FHIR R4, MedicationRequest (status, statusReason, priorPrescription); the profiles of e-prescription
1.1.0 constrain none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from carnet import errors
from carnet.access.door import Nothing, Stored, Unit, Visit
from carnet.composing.prescription import resources
from carnet.composing.prescription.model import (
    Act,
    Group,
    Line,
    Prescriber,
    Reason,
    Written,
    rules,
)
from carnet.composing.prescription.paper import paper_of_stop
from carnet.composing.prescription.prescribe import (
    AlreadyWritten,
    Instead,
    number_of,
    prescribe,
    prescriber,
    subject,
)
from carnet.fhir.search.query import Query, Sort
from carnet.fhir.search.tokens import TokenFilter
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.plans import carry_out

LATEST = 50  # prescriptions of a record that are looked at


class NotYours(errors.Forbidden):
    """Only who wrote a prescription stops or replaces it."""


class NothingToEnd(errors.BusinessRule):
    """The lines to end are of this prescription, and go on."""


async def groups(visit: Visit, patient: str) -> list[Group]:
    """The prescriptions of the caller in a record of which a line goes on, newest first."""
    who = prescriber(visit)
    cid = await _open(visit, patient)
    number = visit.door.definitions.params["DocumentReference"]["type"].number
    known = rules()["document"]["type"]
    wanted = TokenFilter(number, ((known["system"], known["code"]),))
    sort = Sort("date", True, plain=True)
    page = await visit.search(
        Query("DocumentReference", (wanted,), compartments=(cid,), sort=sort, count=LATEST)
    )
    own = [each for each in page.matches if _current(each) and _own(each.resource, who)]
    found = [await _group(visit, each) for each in own]
    now = visit.door.clock()
    return [each for each in found if any(not line.over(each.at, now) for line in each.going)]


async def group(visit: Visit, patient: str, document: str) -> Group:
    """One of them; Nothing when it must look absent, NotYours when another wrote it."""
    return await _group(visit, await _read(visit, patient, document))


async def _open(visit: Visit, patient: str) -> int:
    """The compartment of a record that is open to the prescriber."""
    await subject(visit, patient)
    place = visit.door.ids.decode(patient)
    assert place is not None
    return place[0]


async def _read(visit: Visit, patient: str, document: str) -> Stored:
    who = prescriber(visit)
    cid = await _open(visit, patient)
    stored = await visit.read("DocumentReference", document)
    codes = {each.get("code") for each in stored.resource.get("type", {}).get("coding", [])}
    if not await visit.same(stored.cid, cid) or rules()["document"]["type"]["code"] not in codes:
        raise Nothing
    if not _own(stored.resource, who):
        raise NotYours
    if not _current(stored):
        raise NothingToEnd
    return stored


def _current(stored: Stored) -> bool:
    return stored.resource.get("status") == "current" and "date" in stored.resource


def _own(resource: Mapping[str, Any], who: Prescriber) -> bool:
    """Whether a resource says that this prescriber wrote it; the door checks that they did."""
    people = [*resource.get("author", []), resource.get("requester", {})]
    wanted = {"system": rules()["document"]["idnps"], "value": f"8{who.rpps}"}
    return any(each.get("identifier") == wanted for each in people)


async def _group(visit: Visit, stored: Stored) -> Group:
    lines = []
    for each in stored.resource.get("context", {}).get("related", []):
        rtype, _, id = str(each.get("reference", "")).partition("/")
        if rtype == "MedicationRequest":
            lines.append(_written(await visit.read(rtype, id)))
    return Group(stored.id, datetime.fromisoformat(stored.resource["date"]), tuple(lines))


def _written(stored: Stored) -> Written:
    own = stored.resource
    dosage = "; ".join(str(each.get("text", "")) for each in own.get("dosageInstruction", []))
    return Written(
        stored.id,
        stored.ver,
        str(own.get("medicationCodeableConcept", {}).get("text", "")),
        dosage,
        str(own.get("status", "")),
        str(own.get("statusReason", {}).get("text", "")),
        resources.line(own),
    )


# ------------------------------------------------------------------------------------- what is done


async def stop(
    visit: Visit,
    acts: Acts,
    patient: str,
    document: str,
    lines: Collection[str],
    reason: Reason,
    number: str,
) -> str:
    """End lines of a prescription; the id of the document that says so.

    lines: ids of those that go on. number: a random UUID made before it was asked, as of a prescription.
    """
    who = prescriber(visit)
    given = await group(visit, patient, document)
    chosen = [each for each in given.going if each.id in lines]
    if not chosen or len(chosen) != len(set(lines)):
        raise NothingToEnd
    whose = await subject(visit, patient)
    said = Act(number_of(number), visit.door.clock(), who, whose)
    pdf = await asyncio.to_thread(paper_of_stop, said, chosen, reason, given.at)
    told = Entry(
        "POST",
        "DocumentReference",
        full_url=resources.document_url(said),
        resource=resources.stop(said, pdf, document, [each.id for each in chosen]),
    )
    ends = await ending(visit, who, chosen, reason)

    async def once(unit: Unit, plan: Plan) -> None:
        if told.written is None or not told.written.created:
            raise AlreadyWritten

    await carry_out(visit, acts, Plan([told, *ends], after=once))
    assert told.written is not None
    return told.written.address.id


async def replace(
    visit: Visit,
    acts: Acts,
    patient: str,
    document: str,
    lines: Sequence[Line],
    reason: Reason,
    number: str,
) -> str:
    """Write a prescription in the place of another, whose lines end; the id of its document.

    The old one is superseded with what was read in it; a new line names the old one of its medicine.
    """
    who = prescriber(visit)
    given = await group(visit, patient, document)
    ends = await ending(visit, who, given.going, reason)
    instead = Instead(given, ends)
    return await prescribe(visit, acts, patient, lines, number, instead=instead)


async def ending(
    visit: Visit, who: Prescriber, lines: Sequence[Written], reason: Reason
) -> list[Entry]:
    """The writes that end lines, each of the version that was seen."""
    found = []
    for each in lines:
        stored = await visit.read("MedicationRequest", each.id)
        if not _own(stored.resource, who):
            raise NotYours
        made = resources.ended(stored.resource, reason)
        found.append(Entry("PUT", "MedicationRequest", each.id, resource=made, if_match=each.ver))
    return found
