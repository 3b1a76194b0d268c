# SPDX-License-Identifier: EUPL-1.2
"""What a resource is found by, parameter by parameter."""

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from carnet.fhir import dates, paths
from carnet.fhir.definitions import load
from carnet.fhir.search.converters import CONVERTERS
from carnet.fhir.search.extract import extract
from carnet.fhir.search.extracted import Extracted
from carnet.fhir.validation.structure import check
from tests.fhir import generate, samples
from tests.fhir.samples import (
    BUNDLE,
    CONDITION,
    DOCUMENT,
    MEDICATION_REQUEST,
    OBSERVATION,
    PATIENT,
    TASK,
    changed,
)  # fmt: skip

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
INFINITE = Decimal("Infinity")


def of(found: list[Any], param: str) -> list[Any]:
    """The values of one parameter, without its name."""
    values = [value[1:] for value in found if value[0] == param]
    return [value[0] if len(value) == 1 else value for value in values]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year to second


@pytest.mark.parametrize(
    ("resource", "param", "found"),
    [
        (PATIENT, "identifier", [("urn:oid:1.2.250.1.999.1", "0001")]),
        (PATIENT, "active", [(None, "true")]),
        (PATIENT, "gender", [("http://hl7.org/fhir/administrative-gender", "female")]),
        (PATIENT, "telecom", [(None, "+33 1 99 00 00 00"), (None, "camille@example.org")]),
        (PATIENT, "email", [(None, "camille@example.org")]),
        (PATIENT, "phone", [(None, "+33 1 99 00 00 00")]),
        (PATIENT, "deceased", [(None, "false")]),
        (PATIENT, "_tag", [("https://example.org/tags", "demo")]),
        (PATIENT, "_security", [("https://example.org/labels", "N")]),
        (PATIENT, "_id", []),
        (PATIENT, "language", []),
        (OBSERVATION, "code", [(LOINC, "4548-4")]),
        (OBSERVATION, "combo-code", [(LOINC, "4548-4"), ("urn:example:codes", "a")]),
        (OBSERVATION, "component-code", [("urn:example:codes", "a")]),
        (OBSERVATION, "component-value-concept", [("urn:example:v", "yes")]),
        (OBSERVATION, "value-concept", []),
        (OBSERVATION, "status", [("http://hl7.org/fhir/observation-status", "final")]),
        (
            OBSERVATION,
            "category",
            [("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
        ),
        (DOCUMENT, "identifier", [("urn:ietf:rfc:3986", "urn:oid:1.2.250.1.999.9.1")]),
        (DOCUMENT, "type", [(LOINC, "11502-2")]),
        (DOCUMENT, "contenttype", [(None, "application/pdf")]),
        (DOCUMENT, "format", [("urn:oid:1.3.6.1.4.1.19376.1.2.3", "urn:ihe:lab:xd-lab")]),
        (MEDICATION_REQUEST, "code", [("urn:example:cip", "3400900000000")]),
    ],
)
def test_tokens(resource: dict[str, Any], param: str, found: list[Any]) -> None:
    """Codings with their system; codes with that of their value set, where it has one system."""
    assert of(extract(resource).tokens, param) == found


def test_someone_is_deceased_by_a_date_as_by_a_boolean() -> None:
    dated = {"resourceType": "Patient", "deceasedDateTime": "2020-05-01"}
    assert of(extract(dated).tokens, "deceased") == [(None, "true")]
    assert of(extract(dated).dates, "death-date") == [(utc(2020, 5, 1), utc(2020, 5, 2))]
    assert of(extract({"resourceType": "Patient"}).tokens, "deceased") == [(None, "false")]


@pytest.mark.parametrize(
    ("resource", "param", "found"),
    [
        (PATIENT, "general-practitioner", ["Practitioner/martin"]),
        (PATIENT, "link", ["Patient/autre"]),
        (PATIENT, "organization", []),  # contained
        (OBSERVATION, "subject", ["Patient/camille"]),
        (OBSERVATION, "patient", ["Patient/camille"]),
        (OBSERVATION, "encounter", ["Encounter/e1"]),  # a version is no other target
        (OBSERVATION, "performer", ["https://other.example.org/fhir/Practitioner/77"]),
        (TASK, "patient", ["Patient/camille"]),
        (TASK, "owner", ["Practitioner/martin"]),
        (BUNDLE, "composition", []),
    ],
)
def test_references(resource: dict[str, Any], param: str, found: list[Any]) -> None:
    assert of(extract(resource).references, param) == found


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ({"reference": "Group/g"}, []),
        ({"reference": "Patient/p/_history/4"}, ["Patient/p"]),
        ({"reference": "https://a.example/fhir/Patient/p"}, ["https://a.example/fhir/Patient/p"]),
        ({"reference": "https://a.example/fhir/Group/p"}, []),
        ({"reference": "urn:uuid:0c9a4d1e-8a26-4b2c-9d0e-0d3f6a1c2b3d"}, []),
        (
            {"reference": "urn:uuid:0c9a4d1e-8a26-4b2c-9d0e-0d3f6a1c2b3d", "type": "Patient"},
            ["urn:uuid:0c9a4d1e-8a26-4b2c-9d0e-0d3f6a1c2b3d"],
        ),
        ({"reference": "Patient?identifier=urn:x|1"}, []),
    ],
)
def test_a_patient_parameter_takes_patients_alone(
    subject: dict[str, Any], found: list[str]
) -> None:
    assert of(extract(changed(OBSERVATION, "subject", subject)).references, "patient") == found


def test_a_logical_reference_is_found_by_its_identifier() -> None:
    assert extract(PATIENT).identifiers == [
        ("general-practitioner", "urn:oid:1.2.250.1.71.4.2.1", "899999999991")
    ]


def test_a_canonical_is_found_with_and_without_its_version() -> None:
    profile = "https://example.org/StructureDefinition/patient"
    assert of(extract(PATIENT).uris, "_profile") == [f"{profile}|1.2.0", profile]
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": "https://example.org/q|2",
    }
    assert of(extract(response).references, "questionnaire") == [
        "https://example.org/q|2",
        "https://example.org/q",
    ]


def test_the_first_resource_of_a_document_is_its_composition() -> None:
    composition = {"resourceType": "Composition", "id": "c1"}
    bundle = {"resourceType": "Bundle", "type": "document", "entry": [{"resource": composition}]}
    assert of(extract(bundle).references, "composition") == ["Composition/c1"]


@pytest.mark.parametrize(
    ("param", "found"),
    [
        ("family", ["Essai-Durand", "Essai"]),
        ("given", ["Camille", "Zoé"]),
        ("name", ["Essai-Durand", "Camille", "Zoé", "Mme", "Essai"]),
        ("address", ["1 rue de l'Exemple", "Bâtiment B", "Orléans", "45000", "FR"]),
        ("address-city", ["Orléans"]),
        ("address-postalcode", ["45000"]),
    ],
)
def test_strings(param: str, found: list[str]) -> None:
    assert of(extract(PATIENT).strings, param) == found


def test_the_text_of_a_concept_is_a_string_where_a_parameter_says_so() -> None:
    coded = {"resourceType": "Observation", "valueCodeableConcept": {"text": "positif"}}
    assert of(extract(coded).strings, "value-string") == ["positif"]


@pytest.mark.parametrize(
    ("resource", "param", "found"),
    [
        (PATIENT, "birthdate", [(utc(1984, 2, 29), utc(1984, 3, 1))]),
        (OBSERVATION, "date", [(utc(2024, 3, 10, 7, 15), utc(2024, 3, 10, 7, 15, 1))]),
        (MEDICATION_REQUEST, "authoredon", [(utc(2024, 3, 1), utc(2024, 4, 1))]),
        (DOCUMENT, "period", [(utc(2024, 3, 10), utc(2024, 3, 11))]),
        (TASK, "period", []),
    ],
)
def test_dates(resource: dict[str, Any], param: str, found: list[Any]) -> None:
    assert of(extract(resource).dates, param) == found


@pytest.mark.parametrize(
    ("effective", "found"),
    [
        (
            {"effectivePeriod": {"start": "2024-03", "end": "2024-03-10"}},
            [(utc(2024, 3, 1), utc(2024, 3, 11))],
        ),
        ({"effectivePeriod": {"start": "2024-03"}}, [(utc(2024, 3, 1), dates.LATEST)]),
        ({"effectivePeriod": {"end": "2024"}}, [(dates.EARLIEST, utc(2025, 1, 1))]),
        ({"effectivePeriod": {"extension": [{"url": "urn:x", "valueCode": "x"}]}}, []),
        ({"effectiveInstant": "2024-03-10T12:00:00Z"},
         [(utc(2024, 3, 10, 12), utc(2024, 3, 10, 12, 0, 1))]),
        ({"effectiveTiming": {"event": ["2024-03-10", "2024-03-12", "2024-03-11"]}},
         [(utc(2024, 3, 10), utc(2024, 3, 13))]),
        ({"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "2024-01", "end": "2024-02"}}}},
         [(utc(2024, 1, 1), utc(2024, 3, 1))]),
        ({"effectiveTiming": {"repeat": {"frequency": 1}}}, []),
    ],
)  # fmt: skip
def test_what_lasts_is_found_by_its_outer_limits(
    effective: dict[str, Any], found: list[Any]
) -> None:
    assert of(extract({"resourceType": "Observation", **effective}).dates, "date") == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (
            {"valueQuantity": {"value": Decimal("6.10"), "system": UCUM, "code": "%", "unit": "%"}},
            [(Decimal("6.10"), Decimal("6.10"), UCUM, "%", "%")],
        ),
        (
            {"valueQuantity": {"value": 5, "comparator": "<", "unit": "mg"}},
            [(-INFINITE, Decimal(5), None, None, "mg")],
        ),
        (
            {"valueQuantity": {"value": 5, "comparator": ">="}},
            [(Decimal(5), INFINITE, None, None, None)],
        ),
        ({"valueQuantity": {"unit": "mg"}}, []),
        (
            {"valueSampledData": samples.OBSERVATION["component"][1]["valueSampledData"]},
            [(Decimal("-3.0"), Decimal("2.0"), UCUM, "mV", None)],
        ),
        ({"valueSampledData": {"origin": {"value": 1}, "data": "E U NaN 1e99999 x"}}, []),
    ],
)
def test_quantities(value: dict[str, Any], found: list[Any]) -> None:
    extracted = extract({"resourceType": "Observation", **value})
    assert of(extracted.quantities, "value-quantity") == found


def test_ages_ranges_and_money_are_quantities() -> None:
    assert of(extract(CONDITION).quantities, "onset-age") == [
        (Decimal(40), Decimal(40), UCUM, "a", "a")
    ]
    ranged = {"resourceType": "Condition", "onsetRange": {"high": {"value": 9, "unit": "a"}}}
    assert of(extract(ranged).quantities, "onset-age") == [(-INFINITE, Decimal(9), None, None, "a")]
    invoice = {"resourceType": "Invoice", "totalNet": {"value": Decimal("9.50"), "currency": "EUR"}}
    assert of(extract(invoice).quantities, "totalnet") == [
        (Decimal("9.50"), Decimal("9.50"), "urn:iso:std:iso:4217", "EUR", "EUR")
    ]


def test_numbers() -> None:
    assessment = {
        "resourceType": "RiskAssessment",
        "prediction": [
            {"probabilityDecimal": Decimal("0.20")},
            {"probabilityRange": {"low": {"value": 1}}},
        ],
    }
    assert of(extract(assessment).numbers, "probability") == [
        (Decimal("0.20"), Decimal("0.20")),
        (Decimal(1), INFINITE),
    ]


def test_a_value_stands_once_however_many_elements_have_it() -> None:
    again = changed(PATIENT, "name.1.family", "Essai-Durand")
    assert of(extract(again).strings, "family") == ["Essai-Durand"]


def test_every_type_a_parameter_can_meet_is_converted_or_known_not_to_be() -> None:
    """FHIR has no date in an Age, no target in an Attachment: those values are not indexed."""
    left_out = {
        ("date", "Age"), ("date", "Range"), ("date", "string"), ("reference", "Attachment"),
    }  # fmt: skip
    met = set()
    model = paths.model()
    for kind, params in load().params.items():
        for param in params.values():
            if param.type not in CONVERTERS or not param.expression:
                continue
            for branch in paths.branches(paths.read(param.expression)):
                narrowed = branch.kind if isinstance(branch, paths.TypeOperation) else None
                if isinstance(branch, paths.Call) and branch.name == "as":
                    narrowed = "see the argument"
                for element in paths.elements(branch, kind, model):
                    for t in element.types:
                        code = t.code.removeprefix("System.")
                        if narrowed in (None, code):
                            met.add((param.type, code))
    unknown = {(kind, code) for kind, code in met if code not in CONVERTERS[kind]}
    assert unknown - {("reference", "Resource"), ("special", "BackboneElement")} == left_out
    assert len(met) > 25


@pytest.mark.parametrize("kind", load().types)
def test_any_right_resource_is_extracted(kind: str) -> None:
    for seed in range(8):
        resource = generate.resource(Random(f"extract {kind} {seed}"), kind)
        assert check(resource) == []
        found = extract(resource)
        assert all(lo <= hi for _, lo, hi in found.dates)
        assert all(low <= high for _, low, high, *_ in found.quantities)
        known = load().params[kind]
        for name, values in _by_type(found).items():
            for value in values:
                assert known[value[0]].type in name, value


def _by_type(found: Extracted) -> dict[tuple[str, ...], list[Any]]:
    return {
        ("token",): found.tokens,
        ("reference",): [*found.references, *found.identifiers],
        ("string",): found.strings,
        ("date",): found.dates,
        ("number",): found.numbers,
        ("quantity",): found.quantities,
        ("uri",): found.uris,
    }


def test_the_shared_population_is_extracted(population: list[dict[str, Any]]) -> None:
    found = [extract(resource) for resource in population]
    observations = [r for r in population if r["resourceType"] == "Observation"]
    codes = sum(len(of(f.tokens, "code")) for f in found)
    assert codes >= len(observations) > 100
    for resource in observations:
        assert of(extract(resource).references, "subject") == [resource["subject"]["reference"]]
