# SPDX-License-Identifier: EUPL-1.2
"""A patient, a signer and lines of each kind to compose with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from carnet.composing.kinds import discharge, synthesis
from carnet.composing.kinds.sections import Reviewed, line
from carnet.composing.model import Document, Kind, Line, Peer, Place, Signer, Stay

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "279035121518989"}],
    "name": [
        {"use": "official", "family": "PAT-TROIS", "given": ["DOMINIQUE"]},
        {"use": "usual", "family": "PAT <TROIS> & Cie", "given": ["Dominique"]},
    ],
    "gender": "female",
    "birthDate": "1979-03-28",
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
            "valueAddress": {
                "extension": [
                    {
                        "url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code",
                        "valueCoding": {"code": "51215"},
                    }
                ],
                "city": "DOMPREMY",
            },
        }
    ],
    "telecom": [{"system": "phone", "value": "0144534551"}],
    "address": [{"line": ["28 avenue de Breteuil"], "city": "PARIS", "postalCode": "75007"}],
}
SIGNER = Signer(
    "810000000018", "10/SM26", "MÉDIONI", "Stéphane", "DR",
    Place("1750803447", "Maison de santé du Cœur", "0147150000", "3 rue Petit Pont", "75005", "PARIS"),
)  # fmt: skip
CIM, CIS = "http://hl7.org/fhir/sid/icd-10", "urn:oid:1.2.250.1.213.2.3.1"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


ANGINA: dict[str, Any] = {
    "resourceType": "Condition",
    "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.4.5"}],
    "clinicalStatus": concept(CLINICAL, "active", "Active"),
    "code": concept(CIM, "I20.0", "Angine de poitrine instable"),
    "onsetDateTime": "2019-08-11",
}
INFECTION: dict[str, Any] = {
    "resourceType": "Condition",
    "clinicalStatus": concept(CLINICAL, "resolved", "Resolved"),
    "code": concept(CIM, "N10", "Pyélonéphrite aiguë"),
    "onsetDateTime": "2018-04",
    "abatementDateTime": "2018-04-30",
}
STENT: dict[str, Any] = {
    "resourceType": "Procedure",
    "status": "completed",
    "code": concept("urn:oid:1.2.250.1.215.300.1", "DDAF004", "Dilatation de 2 vaisseaux"),
    "performedDateTime": "2018-01-14",
}
PARACETAMOL: dict[str, Any] = {
    "resourceType": "AllergyIntolerance",
    "type": "allergy",
    "category": ["medication"],
    "clinicalStatus": concept(CLINICAL, "inactive", "Inactive"),
    "code": concept(CIS, "60234100", "PARACÉTAMOL"),
    "onsetDateTime": "2018-06-03",
}
PLAVIX: dict[str, Any] = {
    "resourceType": "MedicationStatement",
    "status": "active",
    "medicationCodeableConcept": concept(CIS, "63564053", "PLAVIX 75 mg, comprimé"),
    "effectivePeriod": {"start": "2019-08-11"},
    "dosage": [
        {
            "text": "1 comprimé le matin < 9 h",
            "route": concept("http://standardterms.edqm.eu", "20053000", "Voie orale"),
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "code": "{tablet}"}}],
        }
    ],
}
SOLIAN: dict[str, Any] = {
    "resourceType": "MedicationRequest",
    "status": "stopped",
    "intent": "order",
    "medicationCodeableConcept": concept(CIS, "63259486", "SOLIAN 100 mg, comprimé"),
    "authoredOn": "2018-08-01",
    "statusReason": {"text": "Allongement du QT <470 ms>"},
    "dosageInstruction": [
        {
            "text": "1 par jour",
            "timing": {"repeat": {"boundsPeriod": {"start": "2018-08-01", "end": "2026-11-16"}}},
        }
    ],
}
# What who signs a letter answers.
ANSWERED = {
    "entry": "183452005", "exit": "500", "searched": "yes", "germs": "Escherichia coli BLSE",
    "transfused": "no", "derived": "unknown",
}  # fmt: skip
TREATING = Peer("810000000026", "10/SM26", "BOILEAU", "Élise", "DR", SIGNER.place)
NURSE = Peer("810000000034", "", "NOËL & FILS", "Léa", "")
LINES: dict[Kind, tuple[Line, ...]] = {
    "problem": (line("problem", ANGINA, "Dr B, 2019", "11/08/2019"),),
    "history": (line("history", INFECTION, "Dr B, 2018", "04/2018"),),
    "procedure": (line("procedure", STENT, "Hôpital, 2018", "14/01/2018"),),
    "allergy": (line("allergy", PARACETAMOL, "Dr B, 2018", "03/06/2018"),),
    "treatment": (
        line("treatment", PLAVIX, "Dr B, 2019", "11/08/2019", "1 comprimé le matin < 9 h"),
    ),
    "stopped": (line("stopped", SOLIAN, "Dr B, 2026", "08/2018 – 16/11/2026", "1 par jour"),),
}


@pytest.fixture(scope="session")
def vsm() -> Document:
    """A medical synthesis with a line of each kind."""
    reviewed = Reviewed(
        LINES, {"results": "Hémibloc < 5 & \x0bautre", "lifestyle": "Ne fume plus."}
    )
    return Document(
        synthesis.SORT, UUID(int=7 << 100), PATIENT, SIGNER, AT, synthesis.parts(reviewed)
    )


@pytest.fixture(scope="session")
def letter() -> Document:
    """A letter at the end of a stay."""
    words = {
        "reason": "Douleur thoracique",
        "story": "Coronarographie normale.",
        "follow": "Revoir.",
        **ANSWERED,
    }
    kept = {kind: lines for kind, lines in LINES.items() if kind in discharge.KINDS}
    reviewed, stay = Reviewed(kept, words), Stay(datetime(2026, 11, 15, 8, tzinfo=UTC), AT)
    return Document(
        discharge.SORT, UUID(int=9 << 100), PATIENT, SIGNER, AT, discharge.parts(reviewed, AT, stay),
        stay=stay, attending=TREATING, recipients=(TREATING, NURSE),
        version=2, set=UUID(int=3), before=UUID(int=4),
    )  # fmt: skip
