# SPDX-License-Identifier: EUPL-1.2
"""FHIRPath: read whole, compiled where search needs it, and in agreement with another reader."""

from decimal import Decimal
from random import Random
from typing import Any

import fhirpathpy
import msgspec
import pytest
from fhirpathpy.models import models
from hypothesis import given
from hypothesis import strategies as st

from carnet import errors
from carnet.fhir import json, paths
from carnet.fhir.definitions import load
from tests.fhir import generate, samples
from tests.fhir.samples import BUNDLE, CONDITION, OBSERVATION, PATIENT


def values(expression: str, resource: dict[str, Any]) -> list[Any]:
    return [value for _, value, _ in paths.path(expression)(resource) if value is not None]


@pytest.mark.parametrize(
    ("expression", "resource", "found"),
    [
        ("Patient.birthDate", PATIENT, ["1984-02-29"]),
        ("birthDate", PATIENT, ["1984-02-29"]),
        ("Resource.id", PATIENT, ["camille"]),
        ("DomainResource.id | Patient.id", PATIENT, ["camille"]),
        ("Observation.status", PATIENT, []),
        ("Patient.name.given", PATIENT, ["Camille", "Zoé"]),
        ("Patient.name[0].family", PATIENT, ["Essai-Durand"]),
        ("Patient.name[1].family", PATIENT, ["Essai"]),
        ("Patient.name[7].family", PATIENT, []),
        ("Patient.name.first().family", PATIENT, ["Essai-Durand"]),
        ("Patient.name.where(use = 'official').family", PATIENT, ["Essai-Durand"]),
        ("Patient.name.where(use != 'official').family", PATIENT, []),
        ("Patient.name.where(use.exists().not()).family", PATIENT, ["Essai"]),
        ("Patient.name.where($this.use = 'official').family", PATIENT, ["Essai-Durand"]),
        ("Patient.name.exists(use = 'official')", PATIENT, [True]),
        ("Patient.photo.exists()", PATIENT, [False]),
        ("Patient.photo.empty()", PATIENT, [True]),
        ("Patient.deceased", PATIENT, [False]),
        ("Patient.deceased.exists() and Patient.deceased != false", PATIENT, [False]),
        ("Patient.telecom.where(system='email').value", PATIENT, ["camille@example.org"]),
        ("Patient.name.given[1].extension('urn:example:x').value", PATIENT, ["second"]),
        ("Patient.birthDate.extension.value", PATIENT, ["1984-02-29T04:05:00+01:00"]),
        ("Patient.extension('urn:no').value", PATIENT, []),
        ("Patient.name.`family`", PATIENT, ["Essai-Durand", "Essai"]),
        ("Observation.value as Quantity", OBSERVATION, [OBSERVATION["valueQuantity"]]),
        ("(Observation.value as Quantity).code", OBSERVATION, ["%"]),
        ("Observation.value.as(string)", OBSERVATION, []),
        ("Observation.value.ofType(FHIR.Quantity).unit", OBSERVATION, ["%"]),
        ("Observation.component.value is SampledData", OBSERVATION, None),
        ("Observation.component[1].value is SampledData", OBSERVATION, [True]),
        ("Observation.component.value.ofType(CodeableConcept).coding.code", OBSERVATION, ["yes"]),
        ("Observation.component.referenceRange.text", OBSERVATION, ["no norm"]),
        ("Condition.onset as Quantity", CONDITION, [CONDITION["onsetAge"]]),
        ("Condition.onset.as(Age).value", CONDITION, [40]),
        ("Condition.onset is Period", CONDITION, [False]),
        ("Bundle.entry[0].resource.active", BUNDLE, [True]),
        ("Bundle.entry.resource.ofType(Parameters).parameter.name", BUNDLE, ["x", "r"]),
        ("Patient.contained.name", PATIENT, ["Laboratoire Exemple"]),
        ("{}", PATIENT, []),
        ("'it''s'", PATIENT, None),
        (r"'it\'s \u0041'", PATIENT, ["it's A"]),
        ("1 | 2 | 1", PATIENT, [1, 2]),
        ("1.50", PATIENT, [Decimal("1.50")]),
        ("%resource.gender", PATIENT, ["female"]),
        ("Patient.gender = 'female' /* a */ // b", PATIENT, [True]),
    ],
)
def test_an_expression_finds_its_values(
    expression: str, resource: dict[str, Any], found: list[Any] | None
) -> None:
    if found is None:
        with pytest.raises(errors.Invalid):
            values(expression, resource)
    else:
        assert values(expression, resource) == found


@pytest.mark.parametrize("unknown", [True, False, None], ids=str)
def test_logic_has_three_values(unknown: bool | None) -> None:
    """FHIRPath 6.5: `{}` stands for what is not known."""
    written = {True: "true", False: "false", None: "{}"}
    for other in (True, False, None):
        both = None if None in (unknown, other) else unknown and other
        either = None if None in (unknown, other) else unknown or other
        expected = {
            "and": False if False in (unknown, other) else both,
            "or": True if True in (unknown, other) else either,
            "xor": None if None in (unknown, other) else unknown != other,
            "implies": True
            if unknown is False or other is True
            else (False if unknown is True and other is False else None),
        }
        for operator, result in expected.items():
            said = values(f"{written[unknown]} {operator} {written[other]}", PATIENT)
            assert said == ([] if result is None else [result]), (operator, unknown, other)


@pytest.mark.parametrize(
    ("reference", "is_patient"),
    [
        ({"reference": "Patient/1"}, True),
        ({"reference": "Patient/1/_history/3"}, True),
        ({"reference": "Group/1"}, False),
        ({"reference": "https://other.example.org/fhir/r4/Patient/1"}, True),
        ({"reference": "https://other.example.org/Patients/1"}, False),
        ({"reference": "urn:uuid:0c9a4d1e-8a26-4b2c-9d0e-0d3f6a1c2b3d"}, False),
        ({"reference": "urn:uuid:0c9a4d1e-8a26-4b2c-9d0e-0d3f6a1c2b3d", "type": "Patient"}, True),
        ({"type": "Patient", "identifier": {"value": "1"}}, True),
        ({"type": "Zanzibar", "identifier": {"value": "1"}}, False),
        ({"identifier": {"value": "1"}}, False),
        ({"reference": "#p"}, True),
        ({"reference": "#g"}, False),
        ({"reference": "#none"}, False),
        ({"display": "someone"}, False),
        ({}, False),
    ],
)
def test_what_a_reference_points_to_is_told_without_fetching(
    reference: dict[str, Any], is_patient: bool
) -> None:
    resource = {
        "resourceType": "Observation",
        "contained": [
            {"resourceType": "Patient", "id": "p"},
            {"resourceType": "Group", "id": "g"},
        ],
        "subject": reference,
    }
    found = values("Observation.subject.where(resolve() is Patient)", resource)
    assert bool(found) == is_patient


def test_every_search_parameter_and_invariant_of_r4_is_read() -> None:
    read = 0
    for shape in load().shapes.values():
        rules = (*shape.invariants, *(i for e in shape.elements for i in e.invariants))
        for rule in rules:
            paths.read(rule.expression)
            read += 1
    assert read > 900
    for params in load().params.values():
        for param in params.values():
            if param.expression:
                for branch in paths.branches(paths.read(param.expression)):
                    paths.compiled(branch)


@pytest.mark.parametrize(
    "expression",
    ["", ".", "a.", "a b", "a..b", "(a", "a)", "a[", "a[1", "'a", "a.where(", "a.where(,)", "1 +",
     "a as", "a is 1", "@", "%", "$", "a#b", "{a}", "and", "a.1", "`a", "é", "--"],
)  # fmt: skip
def test_what_is_not_fhirpath_is_refused(expression: str) -> None:
    with pytest.raises(errors.CarnetError):
        paths.compiled(paths.read(expression))


@pytest.mark.parametrize(
    "expression", ["a.sum()", "a.where()", "a.elementDefinition()", "a.where(b, c)"]
)
def test_what_is_not_supported_is_refused_when_compiled(expression: str) -> None:
    with pytest.raises(paths.NotCompiled):
        paths.compiled(paths.read(expression))


@pytest.mark.parametrize(
    "expression", ["(" * 5_000 + "a" + ")" * 5_000, "a.b" * 5_000, "not(" * 2_000, "a[" * 2_000]
)
def test_a_hostile_expression_is_refused_without_harm(expression: str) -> None:
    with pytest.raises(errors.Invalid):
        paths.read(expression)


def test_operators_bind_as_fhirpath_says() -> None:
    def same(short: str, long: str) -> bool:
        return paths.read(short) == paths.read(long)

    assert same("a or b and c", "a or (b and c)")
    assert same("a = b | c", "a = (b | c)")
    assert same("a and b = c", "a and (b = c)")
    assert same("a implies b or c", "a implies (b or c)")
    assert same("a - b - c", "(a - b) - c")
    assert same("a + b * c", "a + (b * c)")
    assert same("-a.b", "-(a.b)")
    assert same("a as b = c", "(a as b) = c")
    assert same("a | b is c", "a | (b is c)")
    assert same("a > b is c", "a > (b is c)")
    assert same("a + b is c", "(a + b) is c")


@given(st.text(st.sampled_from("ab.()[]|='1 @$%{}`\\/*-"), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        paths.compiled(paths.read(text))
    except errors.CarnetError as refusal:
        assert str(refusal)


# ---------------------------------------------------------------- an oracle

R4 = models["r4"]


def other_reader(expression: str, resource: dict[str, Any]) -> list[Any]:
    plain = msgspec.json.decode(json.dump(resource))
    return list(fhirpathpy.evaluate(plain, expression, {}, R4))


def comparable(found: list[Any]) -> list[Any]:
    """Values without the ways two readers write numbers, and what has no value but extensions.

    (The other one gives what stands beside a primitive as an item of its own, or takes it out of
    the resource it reads, and gives nothing at all for an object that has extensions only.)
    """

    def plain(value: Any) -> Any:
        if isinstance(value, bool | str) or value is None:
            return value
        if isinstance(value, dict):
            return {key: plain(v) for key, v in value.items() if not key.startswith("_")}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        return Decimal(str(value)).normalize()

    return [
        plain(value)
        for value in found
        if value is not None
        and not (isinstance(value, dict) and value.keys() <= {"id", "extension"})
    ]


def branches_of(kind: str) -> set[str]:
    """The branches of every search expression of a type, as they are written."""
    written = set()
    for param in load().params[kind].values():
        for part in param.expression.split(" | "):
            part = part.strip()
            if f"{kind}." in part and "resolve()" not in part:
                written.add(part)
    return written


def agree(resource: dict[str, Any]) -> int:
    """Compare every branch on a resource; how many found something in it."""
    found = 0
    for expression in branches_of(resource["resourceType"]):
        try:
            theirs = other_reader(expression, resource)
        except Exception:
            if " as " in expression or ".as(" in expression:
                continue  # `as` of several items: R4's search parameters need it, FHIRPath forbids it
            raise
        ours = values(expression, resource)
        assert comparable(ours) == comparable(theirs), expression
        found += bool(ours)
    return found


def test_search_expressions_find_what_another_reader_finds_in_our_samples() -> None:
    assert sum(agree(resource) for resource in samples.ALL) > 50


@pytest.mark.slow
def test_search_expressions_find_what_another_reader_finds_in_any_type() -> None:
    found = 0
    for kind in load().types:
        found += agree(generate.resource(Random(f"oracle {kind}"), kind))
    assert found > 200


@pytest.mark.slow
def test_search_expressions_find_what_another_reader_finds_in_the_shared_population(
    population: list[dict[str, Any]],
) -> None:
    one_of_each = {resource["resourceType"]: resource for resource in population}
    assert sum(agree(resource) for resource in one_of_each.values()) > 50
