# SPDX-License-Identifier: EUPL-1.2
"""FHIRPath: every kind of expression, what it gives, and how it is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from carnet import errors
from carnet.fhir.fhirpath import (
    Frame,
    Item,
    Items,
    NotCompiled,
    Quantity,
    WrongPath,
    compiled,
    evaluate,
    model,
    path,
    read,
)
from tests.fhir.fhirpath.expressions import ALL, REFUSED
from tests.fhir.samples import OBSERVATION, PATIENT


def shown(items: Items) -> list[Any]:
    """Values as they are written; booleans as themselves."""

    def one(value: Any) -> Any:
        if type(value) is bool:
            return value
        return format(value, "f") if type(value) is Decimal else str(value)

    return [one(value) for _, value, _ in items]


@pytest.mark.parametrize(("expression", "expected"), [row for table in ALL for row in table])
def test_an_expression_gives_what_it_should(expression: str, expected: Any) -> None:
    if expected == REFUSED:
        with pytest.raises(errors.CarnetError):
            evaluate(expression, PATIENT)
    else:
        assert shown(evaluate(expression, PATIENT)) == expected


@pytest.mark.parametrize(
    ("expression", "place"),
    [("name.given +", 13), ("name.(given)", 6), ("name.where(use = )", 18), ("1 + 'a'", 3),
     ("name.sum()", 6), ("gender.as(nothing)", 11), ("Patient.name.single()", 14)],
)  # fmt: skip
def test_a_refusal_says_the_character_it_is_about(expression: str, place: int) -> None:
    with pytest.raises(errors.CarnetError, match=f"^FHIRPath, character {place}: .*[.]$"):
        path(expression)(PATIENT)


def test_no_refusal_repeats_what_the_data_says() -> None:
    with pytest.raises(errors.CarnetError) as refusal:
        path("Patient.name.first().family + 1")(PATIENT)
    assert "Essai" not in str(refusal.value)


@pytest.mark.parametrize(
    "expression",
    ["name.surname", "Observation.status", "name.given.family", "name.where(nothing = 'x')",
     "contact.children().first()", "(deceased as boolean).start"],
)  # fmt: skip
def test_strictness_refuses_names_that_a_type_does_not_have(expression: str) -> None:
    evaluate(expression, PATIENT)  # nothing, otherwise
    with pytest.raises(WrongPath):
        evaluate(expression, PATIENT, strict=True)


@pytest.mark.parametrize(
    "expression",
    ["name.given", "Patient.name.where(use = 'official').family", "deceased is boolean",
     "contained.name", "extension.value.code", "Resource.id", "name.period.start.extension.url",
     "link.other.resolve().name", "name.select(given | family)"],
)  # fmt: skip
def test_strictness_lets_every_right_name_by(expression: str) -> None:
    evaluate(expression, PATIENT, strict=True)


def test_every_invariant_of_r4_names_only_what_is_there() -> None:
    """Of a resource's own rules; one asks the name of a type that has none."""
    from carnet.fhir.definitions import load
    from carnet.fhir.fhirpath import check

    wrong = set()
    for kind in load().types:
        for rule in load().shapes[kind].invariants:
            try:
                check(read(rule.expression), kind)
            except WrongPath:
                wrong.add(rule.key)
    assert wrong == {"cid-0"}


def test_the_time_is_that_of_the_evaluation() -> None:
    now = datetime(2024, 3, 9, 8, 7, 6, tzinfo=UTC)
    assert shown(evaluate("now()", PATIENT, now=now)) == ["2024-03-09T08:07:06.000+00:00"]
    assert shown(evaluate("today()", PATIENT, now=now)) == ["2024-03-09"]
    assert shown(evaluate("timeOfDay()", PATIENT, now=now)) == ["08:07:06.000"]


def test_variables_traces_and_context_are_those_given() -> None:
    told: list[tuple[str, list[Any]]] = []
    found = evaluate(
        "name.family.trace('families').count() + %more",
        PATIENT,
        variables={"more": [("System.Integer", 40, None)]},
        trace=lambda name, items: told.append((name, shown(items))),
    )
    assert shown(found) == ["42"]
    assert told == [("families", ["Essai-Durand", "Essai"])]


def test_resolve_asks_who_knows_and_falls_back_to_the_type() -> None:
    observation = OBSERVATION | {"subject": {"reference": "Patient/camille"}}
    known = {"Patient/camille": PATIENT}
    found = evaluate("subject.resolve().birthDate", observation, resolver=known.get)
    assert shown(found) == ["1984-02-29"]
    assert shown(evaluate("subject.resolve().birthDate", observation)) == []
    assert shown(evaluate("subject.resolve() is Patient", observation)) == [True]


def test_member_of_asks_the_terminology() -> None:
    class Known:
        def member(self, value_set: str, item: Item) -> bool | None:
            return bool(item[1] == "female") if value_set == "urn:genders" else None

    assert shown(evaluate("gender.memberOf('urn:genders')", PATIENT, terminology=Known())) == [True]
    assert shown(evaluate("gender.memberOf('urn:others')", PATIENT, terminology=Known())) == []


def test_resource_and_root_resource_differ_inside_a_contained_one() -> None:
    known = model()
    inner: Item = ("Organization", {"resourceType": "Organization", "id": "o"}, None)
    frame = Frame(known, inner, top=known.item(PATIENT))
    assert shown(compiled(read("%resource.id"))([inner], frame)) == ["o"]
    assert shown(compiled(read("%rootResource.id"))([inner], frame)) == ["camille"]


def test_a_quantity_of_a_resource_is_one_of_fhirpath_where_it_names_a_unit() -> None:
    def of(quantity: dict[str, Any], expression: str) -> list[Any]:
        return shown(evaluate(expression, OBSERVATION | {"valueQuantity": quantity}))

    grams = {"value": Decimal("2.50"), "system": "http://unitsofmeasure.org", "code": "g"}
    assert of(grams, "value = 2500 'mg'") == [True]
    assert of(grams, "value > 1 'kg'") == [False]
    assert of(grams | {"comparator": "<"}, "value > 1 'mg'") == []
    assert of(grams | {"system": "urn:own"}, "value > 1 'mg'") == []
    assert of({"value": 3}, "value = 3 '1'") == [True]


@pytest.mark.parametrize(
    "expression",
    ["1.repeat($this + 1)", "(1 | 2 | 3).repeat($this * 1.1)", "'a'.repeat($this + 'b')"],
)
def test_work_without_end_is_refused(expression: str) -> None:
    with pytest.raises(errors.TooCostly):
        evaluate(expression, PATIENT)


def test_what_is_not_written_here_is_refused_when_compiled() -> None:
    for expression in ("a.elementDefinition()", "a.slice('x', 'y')", "a.where()", "a.nothing(1)"):
        with pytest.raises(NotCompiled):
            compiled(read(expression))


def test_a_decimal_keeps_its_digits() -> None:
    assert evaluate("1.50", PATIENT)[0][1] == Decimal("1.50")
    assert shown(evaluate("1.50 + 1.5", PATIENT)) == ["3.00"]
    assert str(Quantity(Decimal("1.50"), "mg")) == "1.50 'mg'"
