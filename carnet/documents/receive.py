# SPDX-License-Identifier: EUPL-1.2
"""Receive a CDA document from a file: find whose it is, then publish it as an ITI-65 lot would.

The identity, when it has to be made, is made in the same transaction: a document that is refused leaves
nobody behind.
Source: CI-SIS, answers of a receiver that integrates a document: 902 unknown patient, 903 no INS.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from carnet import errors
from carnet.access.door import Visit
from carnet.documents import metadata
from carnet.documents.cda import CdaDocument, read
from carnet.documents.cda.conformance import Profile
from carnet.documents.cda.header import Patient
from carnet.documents.identity import NoIns
from carnet.documents.publish import Deposit
from carnet.documents.reserves import of as reserves_of
from carnet.fhir import json
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.plans import carry_out


class NotHere(errors.Forbidden):
    """Identities are made from documents in a demonstration or test instance only."""


class NotLenient(errors.Forbidden):
    """A production instance takes no document leniently."""


@dataclass(frozen=True, slots=True)
class Received:
    """What came of a document."""

    document: CdaDocument
    created: bool  # false: the same document was already there
    address: str  # DocumentReference/…
    patient_made: bool  # the identity it names was made from it
    reserves: tuple[str, ...]  # kept on the document, in French


async def receive(
    visit: Visit,
    acts: Acts,
    source: bytes,
    *,
    create_patient: bool = False,
    profile: Profile | None = None,
) -> Received:
    """Publish a CDA document in the record its INS names.

    create_patient: make the identity when it is unknown (demonstration and test instances).
    profile: strict or lenient; by default, what the instance is.
    """
    settings = visit.door.settings
    if create_patient and not settings.lenient:
        raise NotHere
    if profile is Profile.LENIENT and not settings.lenient:
        raise NotLenient
    document = read(source)
    patient = document.header.patient
    if patient is None or patient.claim is None:
        raise NoIns
    new = visit.door.random

    def new_uuid() -> str:
        return str(uuid.UUID(bytes=new(16), version=4))

    made = metadata.resources(
        document, patient="Patient", received=visit.door.clock(), new_uuid=new_uuid
    )
    reference, file = made[0], made[1]
    person = Entry("POST", "Patient", full_url=f"urn:uuid:{new_uuid()}", resource=identity(patient))
    subject: dict[str, Any] = {
        "identifier": {"system": patient.claim.system, "value": patient.claim.value}
    }
    if create_patient:
        subject["reference"] = person.full_url
    resource = {
        **reference.resource,
        "subject": subject,
        "content": reference.resource["content"][:1],
    }
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
    plan = Plan([*([person] if create_patient else []), deposit, binary])
    await carry_out(visit, acts, plan)
    written = deposit.written
    assert written is not None
    return Received(
        document,
        written.created,
        written.address.literal,
        create_patient and not person.existing,
        reserves_of(json.parse(written.body)) if written.created else (),
    )


def identity(patient: Patient) -> dict[str, Any]:
    """A Patient from what a document says of the person; what it does not say is left out."""
    claim, traits = patient.claim, patient.traits
    assert claim is not None
    given = traits.first_given_name or traits.birth_given_names
    names: list[dict[str, Any]] = [
        {"use": "official", "family": traits.birth_name, "given": [given] if given else None},
        {
            "use": "usual",
            "family": patient.used_family,
            "given": [patient.used_given] if patient.used_given else None,
        },
    ]
    names = [{key: value for key, value in name.items() if value} for name in names]
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"use": "official", "system": claim.system, "value": claim.value}],
        "name": [name for name in names if len(name) > 1],
        "gender": str(traits.sex or "unknown"),
        "extension": metadata.birth_place(traits.birth_place, patient.birth_city),
    }
    if traits.birth_date:
        made["birthDate"] = traits.birth_date.isoformat()
    return {key: value for key, value in made.items() if value}
