# SPDX-License-Identifier: EUPL-1.2
"""A prescription in FHIR: its MedicationRequests, and the document that shows them.

Source: ANS, e-prescription 1.1.0 (one MedicationRequest a line, grouped by groupIdentifier; no resource
for the whole); FHIR R4. Doses keep the unit as it is read: EDQM's and Medicabase's codes are not had
here, so no profile of the guide is claimed.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from carnet.composing.prescription.model import Act, Line, Prescription, Reason, WrongLine, rules

Json = dict[str, Any]
RFC3986 = "urn:ietf:rfc:3986"
UCUM = "http://unitsofmeasure.org"
REASONS = "http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason"
TITLE = "Ordonnance"
STOP = "Arrêt de prescription"


def request_url(found: Prescription, rank: int) -> str:
    """The address of a line inside its transaction; rank: from 0."""
    return uuid.uuid5(found.number, f"line {rank}").urn


def document_url(found: Act) -> str:
    """The address of the document inside its transaction."""
    return uuid.uuid5(found.number, "document").urn


def author(found: Act) -> Json:
    """The prescriber, by their number in the national register."""
    return {
        "type": "Practitioner",
        "identifier": {
            "system": rules()["document"]["idnps"],
            "value": f"8{found.prescriber.rpps}",
        },
        "display": found.prescriber.name,
    }


def request(found: Prescription, line: Line) -> Json:
    """One line."""
    medicine: Json = {"text": line.medicine}
    if line.cis:
        system = rules()["document"]["cis"]
        medicine["coding"] = [{"system": system, "code": line.cis, "display": line.medicine}]
    dosage: Json = {
        "text": line.dosage,
        "timing": {
            "repeat": {
                "boundsDuration": _days(line.days),
                "frequency": line.times,
                "period": 1,
                "periodUnit": "d",
            }
        },
        "doseAndRate": [
            {"doseQuantity": {"value": line.dose, "unit": rules()["units"][line.unit][0]}}
        ],
    }
    if line.needed:
        dosage["asNeededBoolean"] = True
    if line.words:
        dosage["additionalInstruction"] = [{"text": line.words}]
    dispense: Json = {"expectedSupplyDuration": _days(line.days)}
    if line.renewals:
        dispense["numberOfRepeatsAllowed"] = line.renewals
    made: Json = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": medicine,
        "subject": {"reference": found.subject.reference},
        "supportingInformation": [{"reference": document_url(found)}],
        "authoredOn": _instant(found),
        "requester": author(found),
        "groupIdentifier": {"system": RFC3986, "value": found.group},
        "dosageInstruction": [dosage],
        "dispenseRequest": dispense,
        "substitution": {"allowedBoolean": not line.unsubstitutable},
    }
    if line.unsubstitutable:
        made["substitution"]["reason"] = {"text": line.substitution}
    return made


def ended(resource: Mapping[str, Any], reason: Reason) -> Json:
    """A line that is ended, and why. Source: FHIR R4, medicationrequest-status and -status-reason."""
    said: Json = {"text": reason.text}
    if reason.code:
        said["coding"] = [{"system": REASONS, "code": reason.code}]
    return {**resource, "status": reason.status, "statusReason": said}


def line(resource: Mapping[str, Any]) -> Line | None:
    """The line that `request` made a MedicationRequest of; None for what it did not make."""
    units = {said[0]: unit for unit, said in rules()["units"].items()}
    try:
        (dosage,) = resource["dosageInstruction"]
        repeat, amount = dosage["timing"]["repeat"], dosage["doseAndRate"][0]["doseQuantity"]
        medicine, allowed = resource["medicationCodeableConcept"], resource["substitution"]
        why = "" if allowed["allowedBoolean"] else allowed["reason"]["text"].split("(")[1][:3]
        made = Line(
            medicine=medicine["text"],
            dose=Decimal(amount["value"]),
            unit=units[amount["unit"]],
            times=repeat["frequency"],
            days=int(repeat["boundsDuration"]["value"]),
            renewals=resource["dispenseRequest"].get("numberOfRepeatsAllowed", 0),
            needed=dosage.get("asNeededBoolean", False),
            words=dosage.get("additionalInstruction", [{"text": ""}])[0]["text"],
            cis=medicine.get("coding", [{"code": ""}])[0]["code"],
            unsubstitutable=why,
        )
    except (LookupError, TypeError, ValueError, WrongLine):
        return None
    return made if dosage["text"] == made.dosage else None


def document(found: Prescription, pdf: bytes) -> Json:
    """The document, with its file and the lines it shows."""
    related = [{"reference": request_url(found, rank)} for rank in range(len(found.lines))]
    made = _document(found, pdf, TITLE)
    return made | {"context": {**made["context"], "related": related}}


def replaces(document: str) -> list[Json]:
    """What the document of a prescription takes the place of."""
    return [{"code": "replaces", "target": {"reference": f"DocumentReference/{document}"}}]


def stop(found: Act, pdf: bytes, document: str, lines: Sequence[str]) -> Json:
    """The document of a stop: it adds to that of the prescription. lines: ids of what it ends."""
    target = {"reference": f"DocumentReference/{document}"}
    made = _document(found, pdf, STOP)
    related = [{"reference": f"MedicationRequest/{each}"} for each in lines]
    return made | {
        "relatesTo": [{"code": "appends", "target": target}],
        "context": {**made["context"], "related": related},
    }


def _document(found: Act, pdf: bytes, title: str) -> Json:
    known = rules()["document"]
    return {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": RFC3986, "value": found.group},
        "status": "current",
        "type": {"coding": [known["type"]]},
        "category": [{"coding": [known["class"]]}],
        "subject": {"reference": found.subject.reference},
        "date": _instant(found),
        "author": [author(found)],
        "authenticator": author(found),
        "description": title,
        "securityLabel": [{"coding": [known["confidentiality"]]}],
        "content": [
            {
                "attachment": {
                    "contentType": "application/pdf",
                    "language": "fr",
                    "data": base64.b64encode(pdf).decode(),
                    "title": title,
                    "creation": _instant(found),
                },
                "format": known["format"],
            }
        ],
        "context": {"period": {"start": _instant(found)}},
    }


def _days(count: int) -> Json:
    unit = "jour" if count == 1 else "jours"
    return {"value": count, "unit": unit, "system": UCUM, "code": "d"}


def _instant(found: Act) -> str:
    return found.at.isoformat(timespec="seconds").replace("+00:00", "Z")
