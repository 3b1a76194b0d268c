# SPDX-License-Identifier: EUPL-1.2
"""Resources of vaccinations, family, habits and devices, to compose with."""

from __future__ import annotations

from typing import Any

from carnet.composing.kinds import background
from carnet.composing.model import Kind, Line
from tests.composing.conftest import CIM, CIS, concept

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
UCUM = "http://unitsofmeasure.org"
EMDN = "urn:oid:1.2.250.1.213.2.68"

TETANUS: dict[str, Any] = {
    "resourceType": "Immunization",
    "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.4.6"}],
    "status": "completed",
    "vaccineCode": concept(CIS, "65241853", "REVAXIS, suspension <injectable>"),
    "occurrenceDateTime": "2019-09-28",
    "lotNumber": "4456672",
    "manufacturer": {"display": "Laboratoire Exemple"},
    "route": concept("http://standardterms.edqm.eu", "20035000", "Voie intramusculaire"),
    "site": concept(SNOMED, "16217701000119102", "Deltoïde gauche"),
    "doseQuantity": {"value": 1},
    "protocolApplied": [{"doseNumberPositiveInt": 2}],
    "note": [
        {"text": "Bien toléré & sans suite"},
        {"text": "Type de vaccination : Rappel de vaccin"},
    ],
}
MOTHER: dict[str, Any] = {
    "resourceType": "FamilyMemberHistory",
    "status": "completed",
    "relationship": concept(ROLE, "MTH", "Mère"),
    "sex": concept("http://hl7.org/fhir/administrative-gender", "female", "Female"),
    "bornDate": "1950",
    "condition": [
        {"code": concept(CIM, "C50.9", "Tumeur maligne du sein"), "onsetString": "1998"},
        {"code": concept(CIM, "E11.9", "Diabète de type 2")},
    ],
}
TOBACCO: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {
        "coding": [
            {"system": SNOMED, "code": "229819007", "display": "consommation de tabac"},
            {"system": LOINC, "code": "74011-8", "display": "Consommation tabagique"},
        ]
    },
    "effectiveDateTime": "2026-02-03",
    "valueQuantity": {"value": 25, "unit": "{pack}/a", "system": UCUM, "code": "{pack}/a"},
    "note": [{"text": "Souhaite arrêter < 6 mois"}],
}
STATUS: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": concept(LOINC, "72166-2", "Statut tabagique"),
    "effectiveDateTime": "2026-02-03",
    "valueCodeableConcept": concept(SNOMED, "449868002", "fumeur(-euse) quotidien(ne)"),
}
PACEMAKER: dict[str, Any] = {
    "resourceType": "DeviceUseStatement",
    "status": "active",
    "timingPeriod": {"start": "2018-12-03"},
    "device": {"reference": "#device"},
    "contained": [
        {
            "resourceType": "Device",
            "id": "device",
            "type": concept(EMDN, "J010104", "Stimulateur cardiaque triple chambre"),
            "deviceName": [{"name": "EDORA 8 HF-T", "type": "model-name"}],
            "udiCarrier": [{"carrierHRF": "(01)00844588003288(17)281120(10)7654321D(21)10987"}],
            "lotNumber": "7654321D",
            "serialNumber": "10987",
        }
    ],
    "note": [{"text": "Contrôlé chaque année"}],
}
LINES: dict[Kind, tuple[Line, ...]] = {
    "vaccination": (background.vaccination(TETANUS, "Dr B, 2019", "28/09/2019"),),
    "family": (
        background.relative(
            MOTHER, "Dr B, 2019", "Mère", ("Tumeur maligne du sein (1998)", "Diabète de type 2")
        ),
    ),
    "lifestyle": (
        background.habit(TOBACCO, "Dr B", "Consommation tabagique", "25 pack/a", "03/02/2026"),
        background.habit(STATUS, "Dr B", "Statut tabagique", "fumeur quotidien", "03/02/2026"),
    ),
    "device": (background.device(PACEMAKER, "Hôpital, 2018", "03/12/2018"),),
}
