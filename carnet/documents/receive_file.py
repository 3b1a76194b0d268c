# SPDX-License-Identifier: EUPL-1.2
"""Receive a file that says nothing of itself: what brought it says whose it is, or somebody here does.

A PDF of an XDM, of an HL7 v2 message, or by itself. It becomes a document like any other: in the record
of the number that is claimed, in quarantine when the claim is not sound, else in the record named by id.
The same file of the same person is the same document.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from carnet.access.door import Visit
from carnet.documents import metadata, nomenclature
from carnet.documents.cda import datatypes
from carnet.documents.cda.conformance import Finding, Profile
from carnet.documents.identity import SOURCE_PATIENT, Said
from carnet.documents.publish import Deposit
from carnet.documents.receive import NotHere, _known
from carnet.exchange.parts import Code, Somebody, Told
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.plans import carry_out

SUFFICIENT: Final = "urn:ihe:iti:xds:2017:mimeTypeSufficient"
FORMATS: Final = "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode"
LOINC: Final = "2.16.840.1.113883.6.1"
LEVELS: Final = "2.16.840.1.113883.5.25"  # HL7 v3 Confidentiality
OTHER: Final = Code("34133-9", LOINC, "Document")  # what nothing says the type of


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
    resource = _resource(visit, data, media_type, told, said)
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


def _resource(
    visit: Visit, data: bytes, media_type: str, told: Told, said: Said | None
) -> dict[str, Any]:
    kind = told.type or OTHER
    moment = visit.door.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    at = datatypes.moment(told.at) if told.at else None
    setting = nomenclature.table("deposits")["setting"]
    where = _concept(
        Code(setting["code"], setting["system"], setting["display"]),
    )
    attachment: dict[str, Any] = {
        "contentType": media_type,
        "data": base64.b64encode(data).decode(),
        "title": told.title or kind.display,
    }
    made: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {
            "system": "urn:ietf:rfc:3986",
            "value": _unique(told, data, said),
        },
        "status": "current",
        "type": _concept(kind),
        "date": moment,
        "description": told.title or kind.display,
        "securityLabel": [_concept(each) for each in told.labels]
        or [_concept(Code("N", LEVELS, "Normal"))],
        "content": [{"attachment": attachment, "format": {"system": FORMATS, "code": SUFFICIENT}}],
        "context": {"facilityType": where, "practiceSetting": where},
    }
    if told.category:
        made["category"] = [_concept(told.category)]
    if told.author:
        made["author"] = [{"display": told.author}]
    if at:
        made["context"]["period"] = {"start": at}
    if said is not None:
        inside = {**said.patient, "id": "patient"}
        made["contained"] = [inside]
        made["context"]["sourcePatientInfo"] = {"reference": "#patient"}
    return made


def masks(told: Told) -> list[dict[str, Any]]:
    """What a container masks of a document that says its own level."""
    return [_concept(each) for each in told.labels if each.system != LEVELS]


def _concept(code: Code) -> dict[str, Any]:
    coding = {"system": _system(code.system), "code": code.code, "display": code.display}
    held = {key: value for key, value in coding.items() if value}
    return {"coding": [held]} if code.code else {"text": code.display or "?"}


def _system(oid: str) -> str:
    if not oid or "://" in oid or oid.startswith("urn:"):
        return oid
    return nomenclature.system(oid) if oid[:1].isdigit() else ""


def _unique(told: Told, data: bytes, said: Said | None) -> str:
    if told.unique_id:
        number = told.unique_id.partition("^")[0]
        return f"urn:oid:{number}" if number[:1].isdigit() else number
    whose = repr((said.claim, said.traits)) if said is not None else ""
    digest = sha256(b"carnet file\0" + whose.encode() + b"\0" + data).hexdigest()
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}"
