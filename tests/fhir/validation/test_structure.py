# SPDX-License-Identifier: EUPL-1.2
"""Structure: right resources pass, and each kind of fault is told, where it is and by its rule."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.fhir import json
from carnet.fhir.definitions import load
from carnet.fhir.validation.structure import MAX_ISSUES, check
from tests.fhir import generate, samples
from tests.fhir.samples import (
    ABSENT,
    BUNDLE,
    CONDITION,
    DOCUMENT,
    MEDICATION_REQUEST,
    OBSERVATION,
    PATIENT,
    QUESTIONNAIRE,
    TASK,
    changed,
)  # fmt: skip

CANARY = "Zanzibar"
ISSUE_CODES = {"structure", "required", "value", "invariant", "code-invalid"}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


@pytest.mark.parametrize("resource", samples.ALL, ids=lambda r: r["resourceType"])
def test_a_right_resource_has_no_fault(resource: dict[str, Any]) -> None:
    assert check(resource) == []


@pytest.mark.parametrize("kind", load().types)
def test_resources_made_from_the_definitions_have_no_fault(kind: str) -> None:
    for seed in range(8):
        resource = generate.resource(Random(f"{kind} {seed}"), kind)
        assert check(resource) == [], resource
        assert json.parse(json.dump(resource)) == resource


def test_every_resource_of_the_shared_population_has_no_fault(population: list[Any]) -> None:
    assert len(population) > 100
    assert [issue for resource in population for issue in check(resource)] == []


# resource, place changed, its new value, path of the issue, its code
FAULTS: list[tuple[dict[str, Any], str, Any, str, str]] = [
    # the resource itself
    (PATIENT, "resourceType", ABSENT, "Resource", "structure"),
    (PATIENT, "resourceType", CANARY, "Resource", "structure"),
    (PATIENT, "resourceType", "Resource", "Resource", "structure"),
    (PATIENT, "resourceType", 1, "Resource", "structure"),
    (PATIENT, "id", "a/b", "Patient.id", "value"),
    (PATIENT, "_id", {"id": "x"}, "Patient", "structure"),
    # unknown elements
    (PATIENT, "zanzibar", CANARY, "Patient", "structure"),
    (PATIENT, "name.0.zanzibar", CANARY, "Patient.name[0]", "structure"),
    (PATIENT, "", CANARY, "Patient", "structure"),
    (PATIENT, "_name", [{"id": "a"}], "Patient", "structure"),
    (PATIENT, "name.0._zanzibar", {"id": "a"}, "Patient.name[0]", "structure"),
    (OBSERVATION, "fhir_comments", ["x"], "Observation", "structure"),
    # how many
    (OBSERVATION, "status", ABSENT, "Observation.status", "required"),
    (OBSERVATION, "code", ABSENT, "Observation.code", "required"),
    (OBSERVATION, "component.0.code", ABSENT, "Observation.component[0].code", "required"),
    (MEDICATION_REQUEST, "medicationCodeableConcept", ABSENT, "MedicationRequest.medication",
     "required"),
    (DOCUMENT, "content", ABSENT, "DocumentReference.content", "required"),
    (QUESTIONNAIRE, "item.0.item.0.linkId", ABSENT, "Questionnaire.item[0].item[0].linkId",
     "required"),
    (BUNDLE, "entry.1.resource.parameter.0.name", ABSENT,
     "Bundle.entry[1].resource.parameter[0].name", "required"),
    (MEDICATION_REQUEST, "dosageInstruction.0.doseAndRate.0.doseQuantity.comparator", "<",
     "MedicationRequest.dosageInstruction[0].doseAndRate[0].dose.ofType(Quantity).comparator",
     "structure"),
    # lists and single values
    (PATIENT, "name", {"family": "x"}, "Patient.name", "structure"),
    (PATIENT, "birthDate", ["1984"], "Patient.birthDate", "value"),
    (PATIENT, "maritalStatus", [{"text": "x"}], "Patient.maritalStatus", "structure"),
    (PATIENT, "name", [], "Patient.name", "structure"),
    (PATIENT, "name.0.given", "Camille", "Patient.name[0].given", "structure"),
    (PATIENT, "name.0", {}, "Patient.name[0]", "structure"),
    (PATIENT, "maritalStatus", {}, "Patient.maritalStatus", "structure"),
    (PATIENT, "maritalStatus", "M", "Patient.maritalStatus", "structure"),
    (PATIENT, "name.0", None, "Patient.name[0]", "structure"),
    (PATIENT, "active", None, "Patient.active", "value"),
    (PATIENT, "name.0", {"id": "x"}, "Patient.name[0]", "invariant"),
    # choices
    (OBSERVATION, "valueString", "x", "Observation.value", "structure"),
    (OBSERVATION, "_valueString", {"id": "x"}, "Observation.value", "structure"),
    (OBSERVATION, "value", "x", "Observation", "structure"),
    (OBSERVATION, "valueMoney", {"value": 1}, "Observation", "structure"),
    (TASK, "input.0.valueDosage", ABSENT, "Task.input[0].value", "required"),
    (OBSERVATION, "valueQuantity.value", "6.1", "Observation.value.ofType(Quantity).value",
     "value"),
    # primitives
    (PATIENT, "active", "true", "Patient.active", "value"),
    (PATIENT, "birthDate", "1984-02-30", "Patient.birthDate", "value"),
    (PATIENT, "birthDate", "29/02/1984", "Patient.birthDate", "value"),
    (PATIENT, "name.0.family", "", "Patient.name[0].family", "value"),
    (PATIENT, "name.0.family", "a\x00", "Patient.name[0].family", "value"),
    (PATIENT, "multipleBirthInteger", Decimal("2.0"),
     "Patient.multipleBirth.ofType(integer)", "value"),
    (PATIENT, "telecom.0.rank", 0, "Patient.telecom[0].rank", "value"),
    (PATIENT, "meta.lastUpdated", "2024-02-29", "Patient.meta.lastUpdated", "value"),
    (PATIENT, "meta.profile.0", "two words", "Patient.meta.profile[0]", "value"),
    (OBSERVATION, "effectiveDateTime", "2024-03-10T08:15", "Observation.effective.ofType(dateTime)",
     "value"),
    (DOCUMENT, "content.0.attachment.data", "not base64", "DocumentReference.content[0].attachment"
     ".data", "value"),
    (DOCUMENT, "content.0.attachment.size", -1, "DocumentReference.content[0].attachment.size",
     "value"),
    (MEDICATION_REQUEST, "dosageInstruction.0.timing.repeat.timeOfDay.0", "8h",
     "MedicationRequest.dosageInstruction[0].timing.repeat.timeOfDay[0]", "value"),
    # siblings of primitives
    (PATIENT, "name.0._given", {"id": "x"}, "Patient.name[0].given", "structure"),
    (PATIENT, "name.0._given", [None], "Patient.name[0].given", "structure"),
    (PATIENT, "name.1._given", ABSENT, "Patient.name[1].given[0]", "structure"),
    (PATIENT, "name.1._given", [None], "Patient.name[1].given[0]", "structure"),
    (PATIENT, "_birthDate", [{"id": "x"}], "Patient.birthDate", "structure"),
    (PATIENT, "_birthDate", {}, "Patient.birthDate", "structure"),
    (PATIENT, "_birthDate", {"zanzibar": 1}, "Patient.birthDate", "structure"),
    (PATIENT, "_birthDate", {"extension": [{"valueCode": "x"}]},
     "Patient.birthDate.extension[0].url", "required"),
    # extensions
    (PATIENT, "extension.1.url", ABSENT, "Patient.extension[1].url", "required"),
    (PATIENT, "extension.1.valueBoolean", ABSENT, "Patient.extension[1]", "invariant"),
    (PATIENT, "extension.0.valueString", "x", "Patient.extension[0]", "invariant"),
    (PATIENT, "extension.1.valueString", "x", "Patient.extension[1].value", "structure"),
    (PATIENT, "extension.1._url", {"id": "x"}, "Patient.extension[1]", "structure"),
    (PATIENT, "extension.0.extension.0.valueCoding.code", 1,
     "Patient.extension[0].extension[0].value.ofType(Coding).code", "value"),
    # contained resources
    (PATIENT, "contained.0.resourceType", ABSENT, "Patient.contained[0]", "structure"),
    (PATIENT, "contained.0.active", "x", "Patient.contained[0].active", "value"),
    (PATIENT, "contained.0.contained", [{"resourceType": "Basic", "code": {"text": "x"}}],
     "Patient.contained[0].contained[0]", "structure"),
    (BUNDLE, "entry.0.resource.active", 1, "Bundle.entry[0].resource.active", "value"),
    # codes
    (PATIENT, "gender", "feminine", "Patient.gender", "code-invalid"),
    (PATIENT, "gender", "", "Patient.gender", "value"),
    (PATIENT, "gender", ["female"], "Patient.gender", "value"),
    (OBSERVATION, "status", "FINAL", "Observation.status", "code-invalid"),
    (CONDITION, "clinicalStatus.coding.0.code", "dead", "Condition.clinicalStatus",
     "code-invalid"),
    (CONDITION, "clinicalStatus.coding.0.system", "urn:x", "Condition.clinicalStatus",
     "code-invalid"),
    (CONDITION, "clinicalStatus", {"text": "active"}, "Condition.clinicalStatus", "code-invalid"),
    (QUESTIONNAIRE, "item.0.item.0.type", "radio", "Questionnaire.item[0].item[0].type",
     "code-invalid"),
    # references
    (OBSERVATION, "subject.reference", "Practitioner/1", "Observation.subject.reference",
     "structure"),
    (OBSERVATION, "subject.reference", "Zanzibar/1", "Observation.subject.reference", "structure"),
    (PATIENT, "link.0.other.reference", "Group/1/_history/2", "Patient.link[0].other.reference",
     "structure"),
    (OBSERVATION, "focus", [{"reference": "Zanzibar/1"}], "Observation.focus[0].reference",
     "structure"),
    (OBSERVATION, "subject", {"ref": "Patient/1"}, "Observation.subject", "structure"),
    # narrative
    (PATIENT, "text.div", "text", "Patient.text.div", "value"),
    (PATIENT, "text.div", DIV.format("<script>x</script>"), "Patient.text.div", "value"),
    (PATIENT, "text.div", DIV.format("<p onclick='x'>x</p>"), "Patient.text.div", "value"),
    (PATIENT, "text._div", {"id": "x"}, "Patient.text", "structure"),
    (PATIENT, "text.status", ABSENT, "Patient.text.status", "required"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "place", "value", "path", "code"),
    FAULTS,
    ids=[f"{r['resourceType']} {place} {str(v)[:20]}" for r, place, v, _, _ in FAULTS],
)
def test_a_fault_is_told_with_its_place_and_rule(
    resource: dict[str, Any], place: str, value: Any, path: str, code: str
) -> None:
    issues = check(changed(resource, place, value))
    assert [(i.path, i.code) for i in issues] == [(path, code)]
    assert issues[0].text.endswith((".", "?"))


@pytest.mark.parametrize(
    ("resource", "place", "value"),
    [
        (OBSERVATION, "subject.reference", "urn:uuid:0c9a4d1e-8a26-4b2c-9d0e-0d3f6a1c2b3d"),
        (OBSERVATION, "subject.reference", "Patient?identifier=urn:x|1"),
        (OBSERVATION, "subject.reference", "https://other.example.org/fhir/Practitioner/1"),
        (OBSERVATION, "subject.reference", "#p"),
        (OBSERVATION, "status", "amended"),
        (PATIENT, "birthDate", "1984"),
        (PATIENT, "_active", {"id": "a1"}),
        (PATIENT, "contained", ABSENT),
    ],
)
def test_what_structure_does_not_forbid_is_taken(
    resource: dict[str, Any], place: str, value: Any
) -> None:
    assert check(changed(resource, place, value)) == []


def test_a_primitive_may_be_all_extension() -> None:
    masked = {"extension": [{"url": "urn:x", "valueCode": "masked"}]}
    without = changed(changed(OBSERVATION, "status", ABSENT), "_status", masked)
    assert check(without) == []


def test_a_mistyped_element_is_told_what_was_meant() -> None:
    (issue,) = check({"resourceType": "Patient", "brithDate": "1984"})
    assert issue.text.endswith("Is birthDate meant?")


def test_no_issue_repeats_what_was_sent() -> None:
    for resource in samples.ALL:
        for place in _places(resource):
            for value in (CANARY + " ", {CANARY: CANARY}, [CANARY], {"reference": CANARY + "/1"}):
                for issue in check(changed(resource, place, value)):
                    assert CANARY not in issue.path + issue.text


def test_a_wholly_wrong_resource_gets_an_answer_of_bounded_length() -> None:
    many = {"resourceType": "Patient", **{f"birthDat{n}": n for n in range(20_000)}}
    assert len(check(many)) == MAX_ISSUES
    lists = {"resourceType": "Patient", "name": [{"use": 1} for _ in range(20_000)]}
    assert len(check(lists)) == MAX_ISSUES


def test_nesting_up_to_the_limit_of_the_json_door_is_judged() -> None:
    deep: dict[str, Any] = {"url": "urn:x", "valueCode": "x"}
    for _ in range(30):
        deep = {"url": "urn:x", "extension": [deep]}
    assert check({"resourceType": "Patient", "extension": [deep]}) == []


def _places(value: Any, above: str = "") -> list[str]:
    """Every place of a resource, in the notation of `changed`."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for name, inner in pairs:
        place = f"{above}.{name}" if above else str(name)
        found.append(place)
        if isinstance(inner, dict | list):
            found += _places(inner, place)
    return found


# What stands beside a primitive may be an id alone, and the primitive then null.
MASKED = {"name.0.given.1", "name.1.given", "name.1.given.0"}
WRONG_EVEN_MASKED: tuple[Any, ...] = ([], {}, "", {"zanzibar": 1}, [[]], float("inf"))
NOWHERE_RIGHT: tuple[Any, ...] = (*WRONG_EVEN_MASKED, None, [None], {"id": "a"})


@pytest.mark.parametrize("resource", samples.ALL, ids=lambda r: r["resourceType"])
def test_a_value_right_nowhere_is_refused_everywhere(resource: dict[str, Any]) -> None:
    """Each place of each sample, with values that no element of R4 takes there."""
    for place in _places(resource):
        if place == "resourceType" or place in MASKED or "._" in f".{place}":
            continue
        for value in NOWHERE_RIGHT:
            assert check(changed(resource, place, value)), (place, value)


@pytest.mark.parametrize("kind", load().types)
def test_a_value_right_nowhere_is_refused_in_every_type(kind: str) -> None:
    """The same on a made resource of each type, without the values a masked primitive may have."""
    resource = generate.resource(Random(f"wrong {kind}"), kind)
    for place in _places(resource):
        if place != "resourceType":
            for value in WRONG_EVEN_MASKED:
                assert check(changed(resource, place, value)), (place, value)


@given(
    st.sampled_from(sorted(load().types)),
    st.integers(0, 10**6),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.decimals(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    st.randoms(use_true_random=False),
)
def test_any_change_of_any_resource_is_judged(
    kind: str, seed: int, value: Any, rng: Random
) -> None:
    """Whatever stands anywhere: issues with known codes, or none; never another exception."""
    resource = generate.resource(Random(seed), kind)
    places = [p for p in _places(resource) if p != "resourceType"]
    if places:
        resource = changed(resource, rng.choice(places), value)
    for issue in check(resource):
        assert issue.code in ISSUE_CODES
        assert issue.path.split(".")[0].split("[")[0] == kind
