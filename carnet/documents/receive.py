# SPDX-License-Identifier: EUPL-1.2
"""Receive a CDA document from a file: find whose it is, then publish it as an ITI-65 lot would.

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
from carnet.documents.cda.header import Patient
from carnet.documents.identity import NoIns
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
    warnings: tuple[str, ...]


async def receive(
    visit: Visit, acts: Acts, source: bytes, *, create_patient: bool = False
) -> Received:
    """Publish a CDA document in the record its INS names.

    create_patient: make the identity when it is unknown (demonstration and test instances).
    """
    document = read(source)
    patient = document.header.patient
    if patient is None or patient.claim is None:
        raise NoIns
    if create_patient:
        if not visit.door.settings.lenient:
            raise NotHere
        known = Plan([Entry("POST", "Patient", resource=identity(patient))])
        await carry_out(visit, acts, known)
    new = visit.door.random
    made = metadata.resources(
        document,
        patient="Patient",
        received=visit.door.clock(),
        new_uuid=lambda: str(uuid.UUID(bytes=new(16), version=4)),
    )
    reference, file = made[0], made[1]
    resource: dict[str, Any] = {
        **reference.resource,
        "subject": {"identifier": {"system": patient.claim.system, "value": patient.claim.value}},
        "content": reference.resource["content"][:1],
    }
    document_entry = Entry("POST", "DocumentReference", full_url=reference.url, resource=resource)
    binary = Entry("POST", "Binary", full_url=file.url, resource=dict(file.resource))
    binary.data = source
    plan = Plan([document_entry, binary])
    await carry_out(visit, acts, plan)
    written = document_entry.written
    assert written is not None
    return Received(document, written.created, written.address.literal, document_entry.warnings)


def identity(patient: Patient) -> dict[str, Any]:
    """A Patient from what a document says of the person."""
    claim, traits = patient.claim, patient.traits
    assert claim is not None
    names = [
        {
            "use": "official",
            "family": traits.birth_name or "INCONNU",
            "given": [traits.first_given_name or traits.birth_given_names or "INCONNU"],
        }
    ]
    if patient.used_family or patient.used_given:
        names.append(
            {
                "use": "usual",
                "family": patient.used_family or traits.birth_name or "INCONNU",
                "given": [patient.used_given or traits.first_given_name or "INCONNU"],
            }
        )
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"use": "official", "system": claim.system, "value": claim.value}],
        "name": names,
        "gender": str(traits.sex or "unknown"),
    }
    if traits.birth_date:
        made["birthDate"] = traits.birth_date.isoformat()
    return made
