# SPDX-License-Identifier: EUPL-1.2
"""Receive a CDA document from a file: find whose it is, then publish it as an ITI-65 lot would.

The identity, when it has to be made, is made in the same transaction: a document that is refused leaves
nobody behind. A lenient entry keeps apart, in the record of an identity in quarantine, what it may not
file in the record of the person the document names (docs/decisions/0013-quarantine-of-identity.md).
Source: CI-SIS, answers of a receiver that integrates a document: 902 unknown patient, 903 no INS.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from carnet import errors
from carnet.access import queries
from carnet.access.door import Visit, Written
from carnet.documents import metadata
from carnet.documents.cda import CdaDocument, read
from carnet.documents.cda.conformance import Finding, Profile
from carnet.documents.identity import Said, of_header
from carnet.documents.publish import Deposit
from carnet.documents.reserves import of as reserves_of
from carnet.fhir import json
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.plans import carry_out


class NotHere(errors.Forbidden):
    """Identities are made from documents in a demonstration or test instance only."""


@dataclass(frozen=True, slots=True)
class Received:
    """What came of a document."""

    document: CdaDocument
    created: bool  # false: the same document was already there
    address: str  # DocumentReference/…
    patient_made: bool  # the identity it names was made from it
    reserves: tuple[str, ...]  # kept on the document, in French
    findings: tuple[Finding, ...] = ()  # all that was found, in both languages
    quarantined: bool = False  # kept apart: in no verified person's record
    written: Written | None = None  # its DocumentReference


async def receive(
    visit: Visit,
    acts: Acts,
    source: bytes,
    *,
    create_patient: bool = False,
    profile: Profile | None = None,
    masks: Iterable[Mapping[str, Any]] = (),
    relates: Iterable[Mapping[str, Any]] = (),
) -> Received:
    """Publish a CDA document in the record its INS names.

    masks: securityLabels that only its container says (the METADATA.XML of an XDM).
    relates: what it replaces or completes, that only its container says; its own header prevails.
    create_patient: make the identity when it is unknown (demonstration and test instances).
    profile: strict or lenient; by default, what the instance is.
    """
    settings = visit.door.settings
    if create_patient and not settings.lenient:
        raise NotHere
    document = await asyncio.to_thread(read, source)
    patient = document.header.patient
    said = of_header(patient) if patient is not None else None
    new = visit.door.random

    def new_uuid() -> str:
        return str(uuid.UUID(bytes=new(16), version=4))

    made = metadata.resources(
        document, patient="Patient", received=visit.door.clock(), new_uuid=new_uuid
    )
    reference, file = made[0], made[1]
    people: list[Entry] = []
    if create_patient and said is not None and said.holds and not await _known(visit, said):
        url = f"urn:uuid:{new_uuid()}"
        people.append(Entry("POST", "Patient", full_url=url, resource=said.patient))
    resource = {**reference.resource, "content": reference.resource["content"][:1]}
    del resource["subject"]
    labels = list(resource.get("securityLabel", ()))
    resource["securityLabel"] = labels + [
        each for each in masks if _code(each) not in map(_code, labels)
    ]
    links = list(resource.get("relatesTo", ()))
    links += [
        dict(each)
        for each in relates
        if each["code"] != "replaces" or not any(one["code"] == "replaces" for one in links)
    ]
    if links:
        resource["relatesTo"] = links
    if said is not None and said.claim is not None:
        resource["subject"] = _subject(said, people)
    deposit = Deposit(
        "POST",
        "DocumentReference",
        full_url=reference.url,
        resource=resource,
        profile=profile,
        document=document,
    )
    binary = Entry("POST", "Binary", full_url=file.url, resource=dict(file.resource))
    binary.data = source
    plan = Plan([*people, deposit, binary])
    await carry_out(visit, acts, plan)
    written = deposit.written
    assert written is not None
    return Received(
        document,
        written.created,
        written.address.literal,
        deposit.patient_made or any(not each.existing for each in people),
        reserves_of(json.parse(written.body)) if written.created else (),
        deposit.findings,
        deposit.quarantined,
        written,
    )


def _code(label: Mapping[str, Any]) -> str:
    return str(label.get("coding", [{}])[0].get("code", ""))


async def _known(visit: Visit, said: Said) -> bool:
    """Whether somebody has the number a document claims."""
    assert said.claim is not None
    async with visit.door.pool.connection() as conn:
        systems = [said.claim.system]
        return bool(await queries.identities_by_ins(conn, said.claim.value, systems))


def _subject(said: Said, people: list[Entry]) -> dict[str, Any]:
    """Whose the document is: the number it claims, and the person about to be made from it."""
    assert said.claim is not None
    named = {"identifier": {"system": said.claim.system, "value": said.claim.value}}
    return named | ({"reference": people[0].full_url} if people else {})
