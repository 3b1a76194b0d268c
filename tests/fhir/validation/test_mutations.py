# SPDX-License-Identifier: EUPL-1.2
"""One rule broken at a time: what is right is right, and each fault is told on its path, by its rule, alone.

HL7's own validator (in HAPI 7.4.0) refuses each too, but for wrong base64 and an id that two contained
resources share, which its later versions do.
"""

import copy
from typing import Any

import orjson
import pytest

from carnet.fhir import json
from carnet.fhir.validation.validator import Validator

Json = dict[str, Any]
OWN = "http://example.org/ext"
DEL = object()
VALIDATOR = Validator()

TEXT: Json = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p",
    "text": TEXT,
    "identifier": [{"system": "urn:oid:1.2.3", "value": "1"}],
    "name": [{"use": "official", "family": "Durand", "given": ["Anne", "Marie"]}],
    "gender": "female",
    "birthDate": "1980-02-03",
    "telecom": [{"system": "phone", "value": "01"}],
}
OBSERVATION: Json = {
    "resourceType": "Observation",
    "id": "o",
    "text": TEXT,
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
    "code": {"text": "x"},
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2020-01-01T10:00:00+01:00",
    "performer": [{"display": "d"}],
    "valueQuantity": {
        "value": 1.50,
        "unit": "g",
        "system": "http://unitsofmeasure.org",
        "code": "g",
    },
}
BUNDLE: Json = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"fullUrl": "urn:uuid:0c3b2d8e-2b51-4d6c-9a55-0c9f5a1f2b11", "resource": PATIENT}],
}
QUESTIONS: Json = {
    "resourceType": "Questionnaire",
    "text": TEXT,
    "status": "draft",
    "item": [{"linkId": "1", "type": "string"}],
}
PRESCRIPTION: Json = {
    "resourceType": "MedicationRequest",
    "text": TEXT,
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": {"text": "x"},
    "subject": {"reference": "Patient/p"},
    "dosageInstruction": [{"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}],
}
COMPOSITION: Json = {
    "resourceType": "Composition",
    "text": TEXT,
    "status": "final",
    "type": {"text": "x"},
    "date": "2020",
    "author": [{"display": "a"}],
    "title": "t",
    "section": [{"title": "s", "text": TEXT}],
}


UUID = "0c3b2d8e-2b51-4d6c-9a55-0c9f5a1f2b11"


def document(
    composition: Json, base: str = f"urn:uuid:{UUID}", more: list[Json] | None = None
) -> Json:
    """A document of one Composition, and more."""
    named = {**composition, "id": "c"}
    return {
        "resourceType": "Bundle", "type": "document", "timestamp": "2020-01-01T00:00:00Z",
        "identifier": {"system": "urn:oid:1.2.3", "value": "1"},
        "entry": [{"fullUrl": base, "resource": named}, *(more or [])],
    }  # fmt: skip


def changed(base: Json, path: list[str | int], value: Any) -> Json:
    """The same with another value in one place, or none."""
    made: Any = copy.deepcopy(base)
    at = made
    for step in path[:-1]:
        at = at[step]
    if value is DEL:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return made  # type: ignore[no-any-return]


def told(resource: Json) -> list[tuple[str, str]]:
    """Path and rule of each error."""
    found = VALIDATOR.validate(json.parse(orjson.dumps(resource)))
    return [(i.path, i.rule) for i in found if i.severity == "error"]


@pytest.mark.parametrize(
    "resource", [PATIENT, OBSERVATION, BUNDLE, QUESTIONS, PRESCRIPTION, COMPOSITION]
)
def test_what_is_right_is_right(resource: Json) -> None:
    assert told(resource) == []


CASES: list[tuple[str, Json, list[tuple[str, str]]]] = [
    ("unknown element", changed(PATIENT, ["nickname"], "x"), [("Patient", "Patient")]),
    (
        "boolean as string",
        changed(PATIENT, ["active"], "true"),
        [("Patient.active", "Patient.active")],
    ),
    (
        "bad date day",
        changed(PATIENT, ["birthDate"], "1980-02-31"),
        [("Patient.birthDate", "Patient.birthDate")],
    ),
    (
        "date with time",
        changed(PATIENT, ["birthDate"], "1980-02-03T10:00:00Z"),
        [("Patient.birthDate", "Patient.birthDate")],
    ),
    ("bad code", changed(PATIENT, ["gender"], "feminine"), [("Patient.gender", "Patient.gender")]),
    (
        "list expected",
        changed(PATIENT, ["name"], {"family": "x"}),
        [("Patient.name", "Patient.name")],
    ),
    (
        "single expected",
        changed(PATIENT, ["gender"], ["female"]),
        [("Patient.gender", "Patient.gender")],
    ),
    (
        "empty string",
        changed(PATIENT, ["name", 0, "family"], ""),
        [("Patient.name[0].family", "Patient.name.family")],
    ),
    ("empty list", changed(PATIENT, ["name"], []), [("Patient.name", "Patient.name")]),
    ("empty object", changed(PATIENT, ["name", 0], {}), [("Patient.name[0]", "Patient.name")]),
    ("null value", changed(PATIENT, ["gender"], None), [("Patient.gender", "Patient.gender")]),
    (
        "null in list",
        changed(PATIENT, ["name", 0, "given"], ["A", None]),
        [("Patient.name[0].given[1]", "Patient.name.given")],
    ),
    (
        "sibling too long",
        {**PATIENT, "name": [{"given": ["A"], "_given": [None, {"id": "x"}]}]},
        [("Patient.name[0].given", "Patient.name.given")],
    ),
    (
        "two types",
        changed(PATIENT, ["deceasedBoolean"], True) | {"deceasedDateTime": "2020"},
        [("Patient.deceased", "Patient.deceased")],
    ),
    (
        "wrong choice type",
        changed(OBSERVATION, ["valueMoney"], {"value": 1}),
        [("Observation", "Observation")],
    ),
    (
        "missing required",
        changed(OBSERVATION, ["status"], DEL),
        [("Observation.status", "Observation.status")],
    ),
    (
        "missing code",
        changed(OBSERVATION, ["code"], DEL),
        [("Observation.code", "Observation.code")],
    ),
    (
        "required choice",
        changed(PRESCRIPTION, ["medicationCodeableConcept"], DEL),
        [("MedicationRequest.medication", "MedicationRequest.medication")],
    ),
    (
        "bad decimal",
        changed(OBSERVATION, ["valueQuantity", "value"], "1.5"),
        [("Observation.value.ofType(Quantity).value", "Observation.value[x].value")],
    ),
    (
        "bad datetime no zone",
        changed(OBSERVATION, ["effectiveDateTime"], "2020-01-01T10:00:00"),
        [("Observation.effective.ofType(dateTime)", "Observation.effective[x]")],
    ),
    (
        "bad datetime hour",
        changed(OBSERVATION, ["effectiveDateTime"], "2020-01-01T25:00:00Z"),
        [("Observation.effective.ofType(dateTime)", "Observation.effective[x]")],
    ),
    (
        "instant date",
        changed(OBSERVATION, ["issued"], "2020-01-01"),
        [("Observation.issued", "Observation.issued")],
    ),
    (
        "positiveInt zero",
        changed(PATIENT, ["telecom", 0, "rank"], 0),
        [("Patient.telecom[0].rank", "Patient.telecom.rank")],
    ),
    (
        "unsignedInt neg",
        {**BUNDLE, "type": "searchset", "total": -1},
        [("Bundle.total", "Bundle.total")],
    ),
    (
        "int too big",
        {**PATIENT, "multipleBirthInteger": 3000000000},
        [("Patient.multipleBirth.ofType(integer)", "Patient.multipleBirth[x]")],
    ),
    ("bad id", changed(PATIENT, ["id"], "a_b"), [("Patient.id", "Patient.id")]),
    (
        "uri space",
        changed(PATIENT, ["identifier", 0, "system"], "urn: x"),
        [("Patient.identifier[0].system", "Patient.identifier.system")],
    ),
    (
        "base64",
        {"resourceType": "Binary", "contentType": "text/plain", "data": "@@@"},
        [("Binary.data", "Binary.data")],
    ),
    (
        "wrong target type",
        changed(OBSERVATION, ["subject"], {"reference": "Practitioner/x"}),
        [("Observation.subject.reference", "Observation.subject.reference")],
    ),
    (
        "encounter not patient",
        changed(OBSERVATION, ["encounter"], {"reference": "Patient/x"}),
        [("Observation.encounter.reference", "Observation.encounter.reference")],
    ),
    (
        "obs-6",
        changed(OBSERVATION, ["dataAbsentReason"], {"text": "x"}),
        [("Observation", "obs-6")],
    ),
    (
        "obs-7",
        {
            **OBSERVATION,
            "code": {"coding": [{"system": "urn:x", "code": "y"}]},
            "component": [
                {"code": {"coding": [{"system": "urn:x", "code": "y"}]}, "valueString": "v"}
            ],
        },
        [("Observation", "obs-7")],
    ),
    (
        "obs-3",
        {**OBSERVATION, "referenceRange": [{"type": {"text": "x"}}]},
        [("Observation.referenceRange[0]", "obs-3")],
    ),
    (
        "qty-3",
        changed(OBSERVATION, ["valueQuantity", "system"], DEL),
        [("Observation.value.ofType(Quantity)", "qty-3")],
    ),
    (
        "per-1",
        changed(OBSERVATION, ["effectiveDateTime"], DEL)
        | {"effectivePeriod": {"start": "2020-02-01", "end": "2020-01-01"}},
        [("Observation.effective.ofType(Period)", "per-1")],
    ),
    ("pat-1", {**PATIENT, "contact": [{"gender": "male"}]}, [("Patient.contact[0]", "pat-1")]),
    ("cpt-2", changed(PATIENT, ["telecom", 0, "system"], DEL), [("Patient.telecom[0]", "cpt-2")]),
    (
        "ref-1",
        changed(OBSERVATION, ["subject"], {"reference": "#nobody"}),
        [("Observation.subject", "ref-1")],
    ),
    (
        "dom-3",
        {**PATIENT, "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}]},
        [("Patient", "dom-3")],
    ),
    (
        "dom-2",
        {
            **PATIENT,
            "contained": [
                {
                    "resourceType": "Organization",
                    "id": "o",
                    "name": "x",
                    "contained": [{"resourceType": "Basic", "id": "b", "code": {"text": "x"}}],
                }
            ],
            "managingOrganization": {"reference": "#o"},
        },
        [("Patient.contained[0].contained[0]", "Patient.contained.contained")],
    ),
    (
        "dom-4",
        {
            **PATIENT,
            "contained": [
                {"resourceType": "Organization", "id": "o", "name": "x", "meta": {"versionId": "1"}}
            ],
            "managingOrganization": {"reference": "#o"},
        },
        [("Patient", "dom-4")],
    ),
    (
        "dom-5",
        {
            **PATIENT,
            "contained": [
                {
                    "resourceType": "Organization",
                    "id": "o",
                    "name": "x",
                    "meta": {"security": [{"code": "x"}]},
                }
            ],
            "managingOrganization": {"reference": "#o"},
        },
        [("Patient", "dom-5")],
    ),
    (
        "org-1 contained",
        {
            **PATIENT,
            "contained": [{"resourceType": "Organization", "id": "o", "active": True}],
            "managingOrganization": {"reference": "#o"},
        },
        [("Patient.contained[0]", "org-1")],
    ),
    (
        "contained wrong type",
        {
            **PATIENT,
            "contained": [{"resourceType": "Basic", "id": "o", "code": {"text": "x"}}],
            "managingOrganization": {"reference": "#o"},
        },
        [("Patient.managingOrganization.reference", "Reference")],
    ),
    (
        "contained no id",
        {**PATIENT, "contained": [{"resourceType": "Organization", "name": "x"}]},
        [("Patient.contained[0].id", "dom-contained-id")],
    ),
    (
        "contained dup id",
        {
            **PATIENT,
            "contained": [
                {"resourceType": "Organization", "id": "o", "name": "x"},
                {"resourceType": "Organization", "id": "o", "name": "y"},
            ],
            "managingOrganization": {"reference": "#o"},
        },
        [("Patient.contained[1].id", "dom-contained-id")],
    ),
    (
        "ext no value",
        {**PATIENT, "extension": [{"url": OWN}]},
        [("Patient.extension[0]", "Patient.extension")],
    ),
    (
        "ext both",
        {
            **PATIENT,
            "extension": [
                {"url": OWN, "valueString": "x", "extension": [{"url": "a", "valueString": "b"}]}
            ],
        },
        [("Patient.extension[0]", "Patient.extension")],
    ),
    (
        "ext no url",
        {**PATIENT, "extension": [{"valueString": "x"}]},
        [("Patient.extension[0].url", "Patient.extension.url")],
    ),
    (
        "ext wrong type",
        {
            **PATIENT,
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                    "valueString": "x",
                }
            ],
        },
        [("Patient.extension[0].value.ofType(string)", "Extension.value[x]")],
    ),
    (
        "ext wrong context",
        {
            **OBSERVATION,
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                    "valueAddress": {"city": "x"},
                }
            ],
        },
        [("Observation.extension[0]", "Extension")],
    ),
    (
        "ext modifier misplaced",
        {
            **PATIENT,
            "modifierExtension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                    "valueAddress": {"city": "x"},
                }
            ],
        },
        [("Patient.modifierExtension[0]", "Extension")],
    ),
    (
        "unknown modifier",
        {**PATIENT, "modifierExtension": [{"url": OWN, "valueString": "x"}]},
        [("Patient.modifierExtension[0]", "modifierExtension")],
    ),
    ("bdl-1", {**BUNDLE, "total": 1}, [("Bundle", "bdl-1")]),
    ("bdl-3 no request", {**BUNDLE, "type": "transaction"}, [("Bundle", "bdl-3")]),
    (
        "bdl-4 response",
        {**BUNDLE, "entry": [{**BUNDLE["entry"][0], "response": {"status": "200"}}]},
        [("Bundle", "bdl-4")],
    ),
    ("bdl-7 dup", {**BUNDLE, "entry": BUNDLE["entry"] * 2}, [("Bundle", "bdl-7")]),
    (
        "bdl-8",
        {
            **BUNDLE,
            "entry": [{"fullUrl": "http://x.org/Patient/p/_history/1", "resource": PATIENT}],
        },
        [("Bundle.entry[0]", "bdl-8")],
    ),
    (
        "bdl-9",
        {
            "resourceType": "Bundle",
            "type": "document",
            "timestamp": "2020-01-01T00:00:00Z",
            "entry": [
                {
                    "fullUrl": "urn:uuid:0c3b2d8e-2b51-4d6c-9a55-0c9f5a1f2b11",
                    "resource": COMPOSITION,
                }
            ],
        },
        [("Bundle", "bdl-9")],
    ),
    (
        "bdl-11",
        {
            "resourceType": "Bundle",
            "type": "document",
            "identifier": {"system": "urn:oid:1.2.3", "value": "1"},
            "timestamp": "2020-01-01T00:00:00Z",
            "entry": BUNDLE["entry"],
        },
        [("Bundle", "bdl-11")],
    ),
    (
        "bdl-12",
        {"resourceType": "Bundle", "type": "message", "entry": BUNDLE["entry"]},
        [("Bundle", "bdl-12")],
    ),
    (
        "fullUrl other id",
        {**BUNDLE, "entry": [{"fullUrl": "http://x.org/fhir/Patient/other", "resource": PATIENT}]},
        [("Bundle.entry[0].fullUrl", "Bundle.entry.fullUrl")],
    ),
    (
        "an entry of a collection without its address",
        {**BUNDLE, "entry": [{"resource": PATIENT}]},
        [("Bundle.entry[0].fullUrl", "Bundle.entry.fullUrl")],
    ),
    (
        "an address with an id, and a resource without",
        {
            **BUNDLE,
            "entry": [
                {"fullUrl": "http://x.org/Patient/p", "resource": changed(PATIENT, ["id"], DEL)}
            ],
        },
        [("Bundle.entry[0].fullUrl", "Bundle.entry.fullUrl")],
    ),
    (
        "two links to itself",
        {**BUNDLE, "link": [{"relation": "self", "url": "a"}, {"relation": "self", "url": "b"}]},
        [("Bundle.link[1].relation", "Bundle.link.relation")],
    ),
    (
        "a document without what its Composition refers to",
        document({**COMPOSITION, "author": [{"reference": "urn:uuid:" + UUID.replace("0", "1")}]}),
        [("Bundle.entry[0].resource.author[0].reference", "Bundle.entry")],
    ),
    (
        "an entry that is of another type than the reference to it",
        document(
            {**COMPOSITION, "subject": {"reference": "Patient/x"}},
            base="http://x.org/Composition/c",
            more=[{"fullUrl": "http://x.org/Patient/x", "resource": {**COMPOSITION, "id": "x"}}],
        ),
        [
            ("Bundle.entry[1].fullUrl", "Bundle.entry.fullUrl"),
            ("Bundle.entry[0].resource.subject.reference", "Reference"),
        ],
    ),
    (
        "que-1",
        {**QUESTIONS, "item": [{"linkId": "1", "type": "group"}]},
        [("Questionnaire.item[0]", "que-1")],
    ),
    (
        "que-2 dup linkId",
        {**QUESTIONS, "item": QUESTIONS["item"] * 2},
        [("Questionnaire", "que-2")],
    ),
    (
        "que-12",
        {
            **QUESTIONS,
            "item": [
                {"linkId": "1", "type": "string"},
                {
                    "linkId": "2",
                    "type": "string",
                    "enableWhen": [
                        {"question": "1", "operator": "=", "answerString": "x"},
                        {"question": "1", "operator": "=", "answerString": "y"},
                    ],
                },
            ],
        },
        [("Questionnaire.item[1]", "que-12")],
    ),
    (
        "que-3 display code",
        {
            **QUESTIONS,
            "item": [
                {"linkId": "1", "type": "display", "code": [{"system": "urn:x", "code": "y"}]}
            ],
        },
        [("Questionnaire.item[0]", "que-3")],
    ),
    (
        "tim-1",
        changed(PRESCRIPTION, ["dosageInstruction", 0, "timing", "repeat"], {"duration": 1}),
        [("MedicationRequest.dosageInstruction[0].timing.repeat", "tim-1")],
    ),
    (
        "tim-2",
        changed(PRESCRIPTION, ["dosageInstruction", 0, "timing", "repeat"], {"period": 1}),
        [("MedicationRequest.dosageInstruction[0].timing.repeat", "tim-2")],
    ),
    (
        "tim-4",
        changed(
            PRESCRIPTION,
            ["dosageInstruction", 0, "timing", "repeat"],
            {"duration": -1, "durationUnit": "d"},
        ),
        [("MedicationRequest.dosageInstruction[0].timing.repeat", "tim-4")],
    ),
    (
        "tim-10",
        changed(
            PRESCRIPTION,
            ["dosageInstruction", 0, "timing", "repeat"],
            {"when": ["MORN"], "timeOfDay": ["10:00:00"]},
        ),
        [("MedicationRequest.dosageInstruction[0].timing.repeat", "tim-10")],
    ),
    ("cmp-1", {**COMPOSITION, "section": [{"title": "s"}]}, [("Composition.section[0]", "cmp-1")]),
    (
        "cmp-2",
        {
            **COMPOSITION,
            "section": [
                {
                    "title": "s",
                    "text": TEXT,
                    "emptyReason": {"text": "x"},
                    "entry": [{"reference": "Patient/p"}],
                }
            ],
        },
        [("Composition.section[0]", "cmp-2")],
    ),
    (
        "narrative script",
        {
            **PATIENT,
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>',
            },
        },
        [("Patient.text.div", "Patient.text.div")],
    ),
    (
        "narrative empty",
        {
            **PATIENT,
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml"> </div>',
            },
        },
        [("Patient.text.div", "Patient.text.div")],
    ),
    (
        "narrative not div",
        {**PATIENT, "text": {"status": "generated", "div": "<p>x</p>"}},
        [("Patient.text.div", "Patient.text.div")],
    ),
    (
        "narrative onclick",
        {
            **PATIENT,
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x">a</p></div>',
            },
        },
        [("Patient.text.div", "Patient.text.div")],
    ),
    (
        "rng-2",
        changed(OBSERVATION, ["valueQuantity"], DEL)
        | {"valueRange": {"low": {"value": 3}, "high": {"value": 1}}},
        [("Observation.value.ofType(Range)", "rng-2")],
    ),
    (
        "rat-1",
        changed(OBSERVATION, ["valueQuantity"], DEL) | {"valueRatio": {"numerator": {"value": 3}}},
        [("Observation.value.ofType(Ratio)", "rat-1")],
    ),
    (
        "sqty-1",
        {**OBSERVATION, "referenceRange": [{"low": {"value": 1, "comparator": "<"}}]},
        [
            (
                "Observation.referenceRange[0].low.comparator",
                "Observation.referenceRange.low.comparator",
            )
        ],
    ),
    ("att-1", {**PATIENT, "photo": [{"data": "AAAA"}]}, [("Patient.photo[0]", "att-1")]),
    (
        "attachment size",
        {**PATIENT, "photo": [{"contentType": "image/png", "data": "AAAA", "size": 100}]},
        [("Patient.photo[0].size", "Attachment.size")],
    ),
    (
        "mime",
        {**PATIENT, "photo": [{"contentType": "png", "data": "AAAA"}]},
        [("Patient.photo[0].contentType", "Attachment.contentType")],
    ),
    (
        "bmi units",
        {**OBSERVATION, "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/bmi"]}},
        [
            ("Observation.category", "Observation.category:VSCat"),
            ("Observation.code.coding", "Observation.code.coding:BMICode"),
            ("Observation.value.ofType(Quantity).code", "Observation.valueQuantity.code"),
        ],
    ),
    (
        "ele-1 id only",
        {**PATIENT, "maritalStatus": {"id": "x"}},
        [("Patient.maritalStatus", "Patient.maritalStatus")],
    ),
    (
        "Reference.type",
        changed(OBSERVATION, ["subject"], {"reference": "Patient/p", "type": "Practitioner"}),
        [("Observation.subject.reference", "Reference")],
    ),
    ("res type unknown", {"resourceType": "Patiente"}, [("Resource", "Resource")]),
    (
        "vs-1",
        {
            **OBSERVATION,
            "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/vitalsigns"]},
            "category": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                            "code": "vital-signs",
                        }
                    ]
                }
            ],
            "effectiveDateTime": "2020",
        },
        [("Observation.effective.ofType(dateTime)", "vs-1")],
    ),
]


@pytest.mark.parametrize(
    ("resource", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_one_fault_is_told_on_its_path_by_its_rule(
    resource: Json, expected: list[tuple[str, str]]
) -> None:
    assert told(resource) == expected
    assert all(rule for _, rule in expected)
