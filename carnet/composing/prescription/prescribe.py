# SPDX-License-Identifier: EUPL-1.2
"""Prescribe: the lines and their document in one transaction, or nothing.

The document goes through the act of DocumentReference, as any other: its lines follow its kind, its
labels and its depositor for ever.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from carnet import errors
from carnet.access import queries
from carnet.access.actor import ActorKind
from carnet.access.door import Nothing, Unit, Visit
from carnet.composing.prescription import resources
from carnet.composing.prescription.model import (
    Group,
    Line,
    NotAPrescriber,
    Prescriber,
    Prescription,
    Subject,
    Written,
)
from carnet.composing.prescription.paper import paper
from carnet.identity.status import Status
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.plans import carry_out


class WrongNumber(errors.Invalid):
    """The number of a prescription is a random UUID."""


class AlreadyWritten(errors.Conflict):
    """This prescription is written already."""


@dataclass(frozen=True, slots=True)
class Instead:
    """The prescription that another takes the place of, and the writes that end its lines."""

    group: Group
    ends: Sequence[Entry]


def _prior(line: Line, lines: Sequence[Written]) -> Written | None:
    """The line of the same medicine: by its code, else by its name."""
    for each in lines:
        same = each.line is not None and line.cis and each.line.cis == line.cis
        if same or each.medicine.casefold() == line.medicine.casefold():
            return each
    return None


def prescriber(visit: Visit) -> Prescriber:
    """Who prescribes: a professional of a profession that does, in their own name."""
    actor = visit.actor
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps is None:
        raise NotAPrescriber
    return Prescriber(f"{actor.rpps:011d}", actor.name, actor.profession, actor.org_name)


async def subject(visit: Visit, patient: str) -> Subject:
    """For whom; Nothing when the record must look absent to the prescriber."""
    door = visit.door
    place = door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise Nothing
    cid = place[0]
    async with door.pool.connection() as conn:
        decision = await door.decide(conn, visit.actor, [cid])
        known = await queries.identity(conn, cid)
    if not any(cid in clause.cids for clause in decision.scope.admits):
        await visit.refused("create", decision.rule, [cid])
        raise Nothing
    if known is None:
        raise Nothing
    qualified = known.status == Status.QUALIFIED and not known.quarantined
    return Subject(
        reference=f"Patient/{patient}",
        name=known.shown_name,
        birth_name=known.birth_name,
        given=known.first_given,
        born=str(known.birth_date),
        sex=known.sex,
        number=(known.ins or "") if qualified else "",
    )


async def prescribe(
    visit: Visit,
    acts: Acts,
    patient: str,
    lines: Sequence[Line],
    number: str,
    *,
    instead: Instead | None = None,
) -> str:
    """Write a prescription; the id of its document.

    number: of this prescription, a random UUID made before it was reviewed, so that what is sent twice
    is written once; a second time it is a Conflict. instead: what it takes the place of.
    """
    who = prescriber(visit)
    made = Prescription(
        number_of(number), visit.door.clock(), who, await subject(visit, patient), tuple(lines)
    )
    pdf = await asyncio.to_thread(paper, made)
    document = Entry(
        "POST",
        "DocumentReference",
        full_url=resources.document_url(made),
        resource=resources.document(made, pdf),
    )
    requests = [
        Entry(
            "POST",
            "MedicationRequest",
            full_url=resources.request_url(made, rank),
            resource=resources.request(made, line),
        )
        for rank, line in enumerate(made.lines)
    ]

    ends: list[Entry] = []
    if instead is not None:
        document.resource["relatesTo"] = resources.replaces(instead.group.document)
        for request, line in zip(requests, made.lines, strict=True):
            if (prior := _prior(line, instead.group.lines)) is not None:
                request.resource["priorPrescription"] = {
                    "reference": f"MedicationRequest/{prior.id}"
                }
        ends = list(instead.ends)

    async def once(unit: Unit, plan: Plan) -> None:
        if document.written is None or not document.written.created:
            raise AlreadyWritten

    await carry_out(visit, acts, Plan([document, *requests, *ends], after=once))
    assert document.written is not None
    return document.written.address.id


def number_of(text: str) -> uuid.UUID:
    """A random UUID as it is written; WrongNumber for anything else."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        raise WrongNumber from None
    if found.version != 4 or str(found) != text:
        raise WrongNumber
    return found
