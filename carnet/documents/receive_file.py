# SPDX-License-Identifier: EUPL-1.2
"""Receive a file that says nothing of itself: what brought it says whose it is, or somebody here does.

A PDF of an XDM, of an HL7 v2 message, or by itself. It becomes a document like any other: in the record
of the number that is claimed, in quarantine when the claim is not sound, else in the record named by id.
The same file of the same person is the same document.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from carnet.access.door import Visit
from carnet.documents import brought, metadata
from carnet.documents.cda.conformance import Finding, Profile
from carnet.documents.identity import SOURCE_PATIENT, Said
from carnet.documents.publish import Deposit
from carnet.documents.receive import NotHere, _known
from carnet.exchange.parts import Somebody, Told
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.plans import carry_out


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """What came of a file."""

    created: bool  # false: the same file was already there
    address: str  # DocumentReference/…
    patient_made: bool
    findings: tuple[Finding, ...]
    quarantined: bool


async def receive_file(
    visit: Visit,
    acts: Acts,
    data: bytes,
    media_type: str,
    told: Told,
    *,
    create_patient: bool = False,
    profile: Profile | None = None,
    patient: str = "",
) -> ReceivedFile:
    """Publish a file as a document.

    told: what its container says of it. patient: id of the Patient it goes to when nobody is named.
    """
    if create_patient and not visit.door.settings.lenient:
        raise NotHere
    said = said_of(told.person) if told.person is not None and told.person.named else None
    resource = brought.reference(visit.door.clock(), data, media_type, told, said)
    people: list[Entry] = []
    if said is None and patient:
        resource["subject"] = {"reference": f"Patient/{patient}"}
    elif said is not None and said.claim is not None:
        resource["subject"] = {
            "identifier": {"system": said.claim.system, "value": said.claim.value}
        }
        if create_patient and said.holds and not await _known(visit, said):
            url = f"urn:uuid:{_uuid(visit)}"
            people.append(Entry("POST", "Patient", full_url=url, resource=said.patient))
            resource["subject"]["reference"] = url
    deposit = Deposit(
        "POST",
        "DocumentReference",
        full_url=f"urn:uuid:{_uuid(visit)}",
        resource=resource,
        profile=profile,
    )
    await carry_out(visit, acts, Plan([*people, deposit]))
    written = deposit.written
    assert written is not None
    return ReceivedFile(
        written.created,
        written.address.literal,
        deposit.patient_made or any(not each.existing for each in people),
        deposit.findings,
        deposit.quarantined,
    )


def said_of(person: Somebody) -> Said:
    """Whom a container says a file is about, as a document's header would."""
    traits, claim = person.traits, person.claim
    names: list[dict[str, Any]] = [{"use": "official"}]
    if person.birth_name:
        names[0]["family"] = person.birth_name
    if person.given_names:
        names[0]["given"] = list(person.given_names[:1])
    if person.used_name and person.used_name != person.birth_name:
        names.append({"use": "usual", "family": person.used_name})
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"use": "official", "system": claim.system, "value": claim.value}]
        if claim
        else None,
        "name": [each for each in names if len(each) > 1],
        "gender": str(person.sex or "unknown"),
        "birthDate": person.birth_date.isoformat() if person.birth_date else None,
        "extension": metadata.birth_place(person.birth_place, None),
    }
    return Said(claim, traits, {key: held for key, held in made.items() if held}, SOURCE_PATIENT)


def _uuid(visit: Visit) -> str:
    return str(uuid.UUID(bytes=visit.door.random(16), version=4))
