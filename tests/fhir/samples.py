# SPDX-License-Identifier: EUPL-1.2
"""A few resources written for the tests: invented people, every shape of R4's JSON."""

from copy import deepcopy
from decimal import Decimal
from typing import Any, Final

Json = dict[str, Any]

PATIENT: Final[Json] = {
    "resourceType": "Patient",
    "id": "camille",
    "meta": {
        "versionId": "3",
        "lastUpdated": "2024-02-29T08:00:00.123+01:00",
        "profile": ["https://example.org/StructureDefinition/patient|1.2.0"],
        "source": "urn:example:source",
        "tag": [{"system": "https://example.org/tags", "code": "demo"}],
        "security": [{"system": "https://example.org/labels", "code": "N"}],
    },
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Camille <b>Essai</b></p></div>',
    },
    "contained": [{"resourceType": "Organization", "id": "lab", "name": "Laboratoire Exemple"}],
    "extension": [
        {
            "url": "https://example.org/StructureDefinition/place",
            "extension": [
                {"url": "code", "valueCoding": {"system": "urn:example:insee", "code": "63220"}},
                {"url": "since", "valueDate": "2001-05"},
            ],
        },
        {"url": "https://example.org/StructureDefinition/flag", "valueBoolean": False},
    ],
    "identifier": [
        {
            "use": "official",
            "type": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                        "code": "MR",
                    }
                ]
            },
            "system": "urn:oid:1.2.250.1.999.1",
            "value": "0001",
        }
    ],
    "active": True,
    "name": [
        {
            "use": "official",
            "family": "Essai-Durand",
            "given": ["Camille", "Zoé"],
            "_given": [None, {"extension": [{"url": "urn:example:x", "valueCode": "second"}]}],
            "prefix": ["Mme"],
        },
        {
            "family": "Essai",
            "given": [None],
            "_given": [{"extension": [{"url": "urn:example:masked", "valueBoolean": True}]}],
        },
    ],
    "telecom": [
        {"system": "phone", "value": "+33 1 99 00 00 00", "use": "home", "rank": 1},
        {"system": "email", "value": "camille@example.org"},
    ],
    "gender": "female",
    "birthDate": "1984-02-29",
    "_birthDate": {
        "id": "b1",
        "extension": [{"url": "urn:example:time", "valueDateTime": "1984-02-29T04:05:00+01:00"}],
    },
    "deceasedBoolean": False,
    "address": [
        {
            "line": ["1 rue de l'Exemple", "Bâtiment B"],
            "city": "Orléans",
            "postalCode": "45000",
            "country": "FR",
            "period": {"start": "2010"},
        }
    ],
    "multipleBirthInteger": 2,
    "generalPractitioner": [
        {"reference": "Practitioner/martin"},
        {"identifier": {"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "899999999991"}},
    ],
    "managingOrganization": {"reference": "#lab"},
    "link": [{"other": {"reference": "Patient/autre"}, "type": "seealso"}],
}

OBSERVATION: Final[Json] = {
    "resourceType": "Observation",
    "id": "hba1c",
    "status": "final",
    "category": [
        {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                    "code": "laboratory",
                }
            ]
        }
    ],
    "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}], "text": "HbA1c"},
    "subject": {"reference": "Patient/camille"},
    "encounter": {"reference": "Encounter/e1/_history/2"},
    "effectiveDateTime": "2024-03-10T08:15:00+01:00",
    "issued": "2024-03-10T12:00:00.500Z",
    "performer": [{"reference": "https://other.example.org/fhir/Practitioner/77"}],
    "valueQuantity": {
        "value": Decimal("6.10"),
        "unit": "%",
        "system": "http://unitsofmeasure.org",
        "code": "%",
    },
    "interpretation": [
        {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
                    "code": "H",
                }
            ]
        }
    ],
    "referenceRange": [{"low": {"value": 4}, "high": {"value": Decimal("6.0")}, "text": "4 – 6"}],
    "component": [
        {
            "code": {"coding": [{"system": "urn:example:codes", "code": "a"}]},
            "valueCodeableConcept": {"coding": [{"system": "urn:example:v", "code": "yes"}]},
        },
        {
            "code": {"text": "series"},
            "valueSampledData": {
                "origin": {"value": 0, "system": "http://unitsofmeasure.org", "code": "mV"},
                "period": 10,
                "factor": Decimal("0.5"),
                "dimensions": 1,
                "data": "2 E 4 -6 L",
            },
            "referenceRange": [{"text": "no norm"}],
        },
    ],
}

MEDICATION_REQUEST: Final[Json] = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": {
        "coding": [{"system": "urn:example:cip", "code": "3400900000000"}]
    },
    "subject": {"reference": "Patient/camille"},
    "authoredOn": "2024-03",
    "dosageInstruction": [
        {
            "sequence": 1,
            "timing": {
                "repeat": {
                    "boundsPeriod": {"start": "2024-03-10", "end": "2024-03-20"},
                    "frequency": 3,
                    "period": 1,
                    "periodUnit": "d",
                    "timeOfDay": ["08:00:00", "20:00:00"],
                }
            },
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "comprimé"}}],
        }
    ],
    "dispenseRequest": {"validityPeriod": {"start": "2024-03-10"}, "numberOfRepeatsAllowed": 2},
    "substitution": {"allowedBoolean": True},
}

CONDITION: Final[Json] = {
    "resourceType": "Condition",
    "clinicalStatus": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "code": "active",
            }
        ]
    },
    "subject": {"reference": "Patient/camille"},
    "onsetAge": {
        "value": 40,
        "unit": "a",
        "system": "http://unitsofmeasure.org",
        "code": "a",
    },
    "abatementString": "never",
    "note": [{"text": "seen **twice**", "time": "2024-01-02T03:04:05Z"}],
}

DOCUMENT: Final[Json] = {
    "resourceType": "DocumentReference",
    "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.250.1.999.9.1"},
    "status": "current",
    "type": {"coding": [{"system": "http://loinc.org", "code": "11502-2"}]},
    "subject": {"reference": "Patient/camille"},
    "date": "2024-03-10T12:00:00Z",
    "content": [
        {
            "attachment": {
                "contentType": "application/pdf",
                "data": "JVBERi0xLjcK",
                "url": "Binary/b1",
                "size": 9,
                "hash": "2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            },
            "format": {"system": "urn:oid:1.3.6.1.4.1.19376.1.2.3", "code": "urn:ihe:lab:xd-lab"},
        }
    ],
    "context": {"period": {"start": "2024-03-10", "end": "2024-03-10"}},
}

QUESTIONNAIRE: Final[Json] = {
    "resourceType": "Questionnaire",
    "url": "https://example.org/Questionnaire/q",
    "version": "1.0",
    "status": "draft",
    "item": [
        {
            "linkId": "1",
            "type": "group",
            "item": [
                {
                    "linkId": "1.1",
                    "type": "choice",
                    "enableWhen": [{"question": "1", "operator": "=", "answerInteger": 3}],
                    "enableBehavior": "all",
                    "answerOption": [{"valueCoding": {"code": "y"}}, {"valueString": "n"}],
                }
            ],
        }
    ],
}

BUNDLE: Final[Json] = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": "urn:uuid:0c9a4d1e-8a26-4b2c-9d0e-0d3f6a1c2b3d",
            "resource": {"resourceType": "Patient", "active": True},
            "request": {"method": "POST", "url": "Patient"},
        },
        {
            "resource": {
                "resourceType": "Parameters",
                "parameter": [
                    {"name": "x", "part": [{"name": "y", "valueUnsignedInt": 0}]},
                    {"name": "r", "resource": {"resourceType": "Basic", "code": {"text": "b"}}},
                ],
            },
            "request": {"method": "POST", "url": "Parameters"},
        },
    ],
}

TASK: Final[Json] = {
    "resourceType": "Task",
    "status": "ready",
    "intent": "order",
    "for": {"reference": "Patient/camille"},
    "owner": {"reference": "Practitioner/martin"},
    "restriction": {"repetitions": 1, "period": {"end": "2024-12-31"}},
    "input": [{"type": {"text": "dose"}, "valueDosage": {"text": "one"}}],
}

ALL: Final = (
    PATIENT, OBSERVATION, MEDICATION_REQUEST, CONDITION, DOCUMENT, QUESTIONNAIRE, BUNDLE, TASK,
)  # fmt: skip


def changed(resource: Json, place: str, value: Any) -> Json:
    """A copy with one place changed: "name.0.family"; ABSENT takes the last name away."""
    copy = deepcopy(resource)
    *way, last = place.split(".")
    inside: Any = copy
    for step in way:
        inside = inside[int(step)] if isinstance(inside, list) else inside[step]
    if value is ABSENT:
        del inside[int(last) if isinstance(inside, list) else last]
    elif isinstance(inside, list):
        inside[int(last)] = value
    else:
        inside[last] = value
    return copy


ABSENT: Final = object()
