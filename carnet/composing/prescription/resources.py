# SPDX-License-Identifier: EUPL-1.2
"""A prescription in FHIR: its MedicationRequests, and the document that shows them.

Source: ANS, e-prescription 1.1.0 (one MedicationRequest a line, grouped by groupIdentifier; no resource
for the whole); FHIR R4. Doses keep the unit as it is read: EDQM's and Medicabase's codes are not had
here, so no profile of the guide is claimed.
"""

from __future__ import annotations

import base64
import uuid
from typing import Any

from carnet.composing.prescription.model import Line, Prescription, rules

Json = dict[str, Any]
RFC3986 = "urn:ietf:rfc:3986"
UCUM = "http://unitsofmeasure.org"
TITLE = "Ordonnance"


def request_url(found: Prescription, rank: int) -> str:
    """The address of a line inside its transaction; rank: from 0."""
    return uuid.uuid5(found.number, f"line {rank}").urn


def document_url(found: Prescription) -> str:
    """The address of the document inside its transaction."""
    return uuid.uuid5(found.number, "document").urn


def author(found: Prescription) -> Json:
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


def document(found: Prescription, pdf: bytes) -> Json:
    """The document, with its file and the lines it shows."""
    known = rules()["document"]
    related = [{"reference": request_url(found, rank)} for rank in range(len(found.lines))]
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
        "description": TITLE,
        "securityLabel": [{"coding": [known["confidentiality"]]}],
        "content": [
            {
                "attachment": {
                    "contentType": "application/pdf",
                    "language": "fr",
                    "data": base64.b64encode(pdf).decode(),
                    "title": TITLE,
                    "creation": _instant(found),
                },
                "format": known["format"],
            }
        ],
        "context": {"period": {"start": _instant(found)}, "related": related},
    }


def _days(count: int) -> Json:
    unit = "jour" if count == 1 else "jours"
    return {"value": count, "unit": unit, "system": UCUM, "code": "d"}


def _instant(found: Prescription) -> str:
    return found.at.isoformat(timespec="seconds").replace("+00:00", "Z")
