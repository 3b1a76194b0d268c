# SPDX-License-Identifier: EUPL-1.2
"""Facts written for these tests, with the document each was read in."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from carnet.access.door import Stored
from carnet.summary.facts import Fact, fact
from carnet.summary.facts import paper as page_of

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ICD, SNOMED, ATC = (
    "http://hl7.org/fhir/sid/icd-10",
    "http://snomed.info/sct",
    "http://www.whocc.no/atc",
)
IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ROWS = itertools.count(1)


def stored(resource: dict[str, Any]) -> Stored:
    """As the door gives it."""
    rid = next(_ROWS)
    body = json.dumps({**resource, "id": f"r{rid}"}).encode()
    return Stored(1, rid, resource["resourceType"], f"r{rid}", 1, NOW, False, body)


def paper(author: str = "Dr Anne Moreau", on: str = "2026-01-10", **more: Any) -> dict[str, Any]:
    """A document of somebody."""
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "date": f"{on}T09:00:00Z",
        "contained": [{"resourceType": "Practitioner", "id": "a", "name": [{"text": author}]}],
        "author": [{"reference": "#a"}],
        "content": [{"attachment": {"title": "Lettre"}}],
    } | more


def told(resource: dict[str, Any], document: dict[str, Any] | None = None) -> Fact:
    """A resource, and the document it was read in."""
    return fact(stored(resource), page_of(stored(document)) if document is not None else None)


def concept(system: str, code: str, display: str = "", text: str = "") -> dict[str, Any]:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]} | ({"text": text} if text else {})


def condition(
    code: dict[str, Any], state: str = "active", verified: str = "", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "clinicalStatus": concept(CLINICAL, state),
        "code": code,
        "subject": {"reference": "Patient/p"},
        **({"verificationStatus": concept(VERIFIED, verified)} if verified else {}),
    } | more


def allergy(
    code: dict[str, Any], state: str = "active", verified: str = "confirmed", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": concept(
            "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", state
        ),
        "verificationStatus": concept(
            "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", verified
        ),
        "code": code,
        "patient": {"reference": "Patient/p"},
    } | more


def prescription(
    code: dict[str, Any], on: str, dose: str = "", status: str = "active", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": code,
        "subject": {"reference": "Patient/p"},
        "authoredOn": on,
        **({"dosageInstruction": [{"text": dose}]} if dose else {}),
    } | more


def taking(
    code: dict[str, Any], on: str, dose: str = "", status: str = "active", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement",
        "status": status,
        "medicationCodeableConcept": code,
        "subject": {"reference": "Patient/p"},
        "dateAsserted": on,
        **({"dosage": [{"text": dose}]} if dose else {}),
    } | more


def result(code: str, value: float, on: str, unit: str = "mmol/L", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept("http://loinc.org", code),
        "effectiveDateTime": on,
        "valueQuantity": {"value": value, "unit": unit},
    } | more
