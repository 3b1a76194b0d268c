# SPDX-License-Identifier: EUPL-1.2
"""Answers against their questionnaire: one rule broken at a time is told on its path, by its rule."""

import copy
from decimal import Decimal
from typing import Any

import pytest

from carnet.fhir.validation.issues import right
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.validator import Validator

Json = dict[str, Any]
STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
FORM = "http://example.org/Questionnaire/form"
ITEM = "Questionnaire.item."


def ext(name: str, **value: Any) -> Json:
    return {"url": STRUCTURE + name, **value}


QUESTIONNAIRE: Json = {
    "resourceType": "Questionnaire",
    "url": FORM,
    "version": "2",
    "status": "active",
    "contained": [
        {
            "resourceType": "ValueSet",
            "id": "colours",
            "status": "active",
            "compose": {"include": [{"system": "urn:oid:1.2", "concept": [{"code": "red"}]}]},
        }
    ],
    "item": [
        {
            "linkId": "who",
            "type": "group",
            "required": True,
            "item": [
                {"linkId": "name", "type": "string", "required": True, "maxLength": 8},
                {
                    "linkId": "mail",
                    "type": "string",
                    "extension": [ext("regex", valueString=r"[^@ ]+@[^@ ]+")],
                },
            ],
        },
        {"linkId": "note", "type": "display", "text": "Read this."},
        {"linkId": "smokes", "type": "boolean"},
        {
            "linkId": "packs",
            "type": "decimal",
            "required": True,
            "enableWhen": [{"question": "smokes", "operator": "=", "answerBoolean": True}],
            "extension": [
                ext("minValue", valueDecimal=Decimal("0.5")),
                ext("maxDecimalPlaces", valueInteger=1),
            ],
            "item": [{"linkId": "since", "type": "date"}],
        },
        {
            "linkId": "drinks",
            "type": "choice",
            "repeats": True,
            "answerOption": [
                {"valueCoding": {"system": "urn:oid:1.1", "code": "tea"}},
                {"valueCoding": {"system": "urn:oid:1.1", "code": "water"}},
                {
                    "extension": [ext("questionnaire-optionExclusive", valueBoolean=True)],
                    "valueCoding": {"system": "urn:oid:1.1", "code": "none"},
                },
            ],
        },
        {"linkId": "colour", "type": "open-choice", "answerValueSet": "#colours"},
        {
            "linkId": "photo",
            "type": "attachment",
            "extension": [ext("mimeType", valueCode="image/png"), ext("maxSize", valueDecimal=50)],
        },
        {
            "linkId": "doctor",
            "type": "reference",
            "extension": [ext("questionnaire-referenceResource", valueCode="Practitioner")],
        },
        {
            "linkId": "weight",
            "type": "quantity",
            "extension": [
                ext(
                    "questionnaire-unitOption",
                    valueCoding={"system": "http://unitsofmeasure.org", "code": "kg"},
                )
            ],
        },
    ],
}


def coding(code: str, system: str = "urn:oid:1.1") -> Json:
    return {"valueCoding": {"system": system, "code": code}}


RESPONSE: Json = {
    "resourceType": "QuestionnaireResponse",
    "questionnaire": FORM,
    "status": "completed",
    "item": [
        {"linkId": "who", "item": [{"linkId": "name", "answer": [{"valueString": "Durand"}]}]},
        {"linkId": "smokes", "answer": [{"valueBoolean": True}]},
        {
            "linkId": "packs",
            "answer": [
                {
                    "valueDecimal": Decimal("1.5"),
                    "item": [{"linkId": "since", "answer": [{"valueDate": "2001"}]}],
                }
            ],
        },
        {"linkId": "drinks", "answer": [coding("tea"), coding("water")]},
        {"linkId": "colour", "answer": [coding("red", "urn:oid:1.2")]},
        {
            "linkId": "photo",
            "answer": [{"valueAttachment": {"contentType": "image/png", "size": 50}}],
        },
        {"linkId": "doctor", "answer": [{"valueReference": {"reference": "Practitioner/1"}}]},
        {
            "linkId": "weight",
            "answer": [
                {
                    "valueQuantity": {
                        "value": 70,
                        "system": "http://unitsofmeasure.org",
                        "code": "kg",
                    }
                }
            ],
        },
    ],
}


@pytest.fixture(scope="module")
def validator() -> Validator:
    packages = Packages()
    packages.add([QUESTIONNAIRE])
    return Validator(packages)


def told(validator: Validator, response: Json) -> list[tuple[str, str]]:
    """The errors of a response: path, and rule."""
    found = validator.validate(response)
    return [(i.path, i.rule) for i in found if i.severity == "error"]


def changed(place: list[Any], value: Any) -> Json:
    """The response with something else at a place; None: without what is there."""
    made = copy.deepcopy(RESPONSE)
    holder: Any = made
    for step in place[:-1]:
        holder = holder[step]
    if value is None:
        del holder[place[-1]]
    elif type(holder) is list and place[-1] == len(holder):
        holder.append(value)
    else:
        holder[place[-1]] = value
    return made


def test_answers_that_are_as_asked_are_right(validator: Validator) -> None:
    found = validator.validate(RESPONSE)
    assert right(found)
    assert not [i for i in found if "questionnaire" in i.text]


@pytest.mark.parametrize(
    ("place", "value", "path", "rule"),
    [
        (["item", 0, "item", 0, "linkId"], "nom", "item[0].item[0].linkId", "linkId"),
        (["item", 1, "linkId"], "mail", "item[1].linkId", "linkId"),
        (["item", 0, "item", 0, "answer"], None, "item[0].item[0].answer", "required"),
        (["item", 0, "item"], None, "item[0].item", "required"),
        (["item", 0], None, "item", "required"),
        (["item", 0, "answer"], [{"valueString": "x"}], "item[0].answer", "type"),
        (["item", 1, "item"], [{"linkId": "x"}], "item[1].item", "item"),
        (["item", 1, "answer", 1], {"valueBoolean": False}, "item[1].answer[1]", "repeats"),
        (
            ["item", 0, "item", 1],
            {"linkId": "name", "answer": [{"valueString": "x"}]},
            "item[0].item[1]",
            "repeats",
        ),
        (
            ["item", 0, "item", 0, "answer", 0],
            {"valueInteger": 1},
            "item[0].item[0].answer[0].value.ofType(integer)",
            "type",
        ),
        (
            ["item", 0, "item", 0, "answer", 0, "valueString"],
            "Dupont-Durand",
            "item[0].item[0].answer[0].value.ofType(string)",
            "maxLength",
        ),
        (
            ["item", 0, "item", 1],
            {"linkId": "mail", "answer": [{"valueString": "a@b@c"}]},
            "item[0].item[1].answer[0].value.ofType(string)",
            "extension:regex",
        ),
        (["item", 1, "answer", 0, "valueBoolean"], False, "item[2]", "enableWhen"),
        (["item", 2], None, "item", "required"),
        (
            ["item", 2, "answer", 0, "valueDecimal"],
            Decimal("0.4"),
            "item[2].answer[0].value.ofType(decimal)",
            "extension:minValue",
        ),
        (
            ["item", 2, "answer", 0, "valueDecimal"],
            Decimal("0.55"),
            "item[2].answer[0].value.ofType(decimal)",
            "extension:maxDecimalPlaces",
        ),
        (
            ["item", 2, "answer", 0, "item", 0, "answer", 0],
            {"valueString": "2001"},
            "item[2].answer[0].item[0].answer[0].value.ofType(string)",
            "type",
        ),
        (
            ["item", 3, "answer", 1],
            coding("wine"),
            "item[3].answer[1].value.ofType(Coding)",
            "answerOption",
        ),
        (
            ["item", 3, "answer", 1],
            coding("tea", "urn:oid:9.9"),
            "item[3].answer[1].value.ofType(Coding)",
            "answerOption",
        ),
        (
            ["item", 3, "answer", 1],
            coding("none"),
            "item[3].answer[1]",
            "answerOption.extension:optionExclusive",
        ),
        (
            ["item", 4, "answer", 0],
            coding("blue", "urn:oid:1.2"),
            "item[4].answer[0].value.ofType(Coding)",
            "answerValueSet",
        ),
        (
            ["item", 5, "answer", 0, "valueAttachment", "contentType"],
            "image/gif",
            "item[5].answer[0].value.ofType(Attachment)",
            "extension:mimeType",
        ),
        (
            ["item", 5, "answer", 0, "valueAttachment", "size"],
            51,
            "item[5].answer[0].value.ofType(Attachment)",
            "extension:maxSize",
        ),
        (
            ["item", 6, "answer", 0, "valueReference", "reference"],
            "Organization/1",
            "item[6].answer[0].value.ofType(Reference)",
            "extension:referenceResource",
        ),
        (
            ["item", 7, "answer", 0, "valueQuantity", "code"],
            "g",
            "item[7].answer[0].value.ofType(Quantity)",
            "extension:unitOption",
        ),
    ],
)
def test_what_is_not_as_asked_is_told_where_it_is(
    validator: Validator, place: list[Any], value: Any, path: str, rule: str
) -> None:
    assert (f"QuestionnaireResponse.{path}", ITEM + rule) in told(validator, changed(place, value))


def test_a_fault_is_told_alone(validator: Validator) -> None:
    broken = changed(["item", 3, "answer", 1], coding("wine"))
    assert len(told(validator, broken)) == 1


def test_items_come_in_the_order_of_the_questionnaire(validator: Validator) -> None:
    response = copy.deepcopy(RESPONSE)
    response["item"][3], response["item"][4] = response["item"][4], response["item"][3]
    assert told(validator, response) == [("QuestionnaireResponse.item[4]", ITEM + "linkId")]


def test_an_open_choice_takes_a_text(validator: Validator) -> None:
    assert not told(validator, changed(["item", 4, "answer", 0], {"valueString": "mauve"}))


@pytest.mark.parametrize("status", ["in-progress", "stopped", "entered-in-error"])
def test_what_is_not_finished_may_lack_what_is_required(validator: Validator, status: str) -> None:
    response = changed(["item", 0], None) | {"status": status}
    assert not told(validator, response)
    assert told(validator, response | {"status": "completed"})


def test_a_version_of_a_questionnaire_is_that_one_or_none(validator: Validator) -> None:
    broken = changed(["item", 0], None)
    assert told(validator, broken | {"questionnaire": FORM + "|2"})
    found = validator.validate(broken | {"questionnaire": FORM + "|1"})
    assert [(i.severity, i.code, i.path) for i in found if i.code == "not-found"] == [
        ("warning", "not-found", "QuestionnaireResponse.questionnaire")
    ]


def test_a_questionnaire_is_found_where_it_is_contained_or_beside() -> None:
    broken = changed(["item", 0], None)
    inside = copy.deepcopy({k: v for k, v in QUESTIONNAIRE.items() if k != "contained"})
    del inside["item"][5]
    inside["id"] = "form"
    contained = broken | {"contained": [inside], "questionnaire": "#form"}
    assert ("QuestionnaireResponse.item", ITEM + "required") in told(Validator(), contained)
    entries = [
        {"fullUrl": f"http://example.org/{one['resourceType']}/{id}", "resource": one | {"id": id}}
        for id, one in (("form", QUESTIONNAIRE), ("answers", broken))
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    path = "Bundle.entry[1].resource.item"
    assert (path, ITEM + "required") in told(Validator(), bundle)


@pytest.mark.parametrize(
    ("operator", "answer", "given", "asked"),
    [
        ("exists", {"answerBoolean": True}, [], False),
        ("exists", {"answerBoolean": False}, [], True),
        ("exists", {"answerBoolean": True}, [{"valueInteger": 1}], True),
        ("=", {"answerInteger": 2}, [{"valueInteger": 1}, {"valueInteger": 2}], True),
        ("=", {"answerInteger": 2}, [{"valueInteger": 1}], False),
        ("!=", {"answerInteger": 2}, [{"valueInteger": 1}], True),
        ("!=", {"answerInteger": 2}, [{"valueInteger": 2}], False),
        ("!=", {"answerInteger": 2}, [{"valueInteger": 1}, {"valueInteger": 2}], None),
        (">", {"answerInteger": 2}, [{"valueInteger": 3}], True),
        (">", {"answerInteger": 2}, [{"valueInteger": 2}], False),
        (">=", {"answerInteger": 2}, [{"valueInteger": 2}], True),
        ("<", {"answerInteger": 2}, [{"valueInteger": 2}], False),
        ("<=", {"answerInteger": 2}, [{"valueInteger": 2}], True),
    ],
)
def test_a_question_is_asked_when_its_condition_holds(
    operator: str, answer: Json, given: list[Json], asked: bool | None
) -> None:
    """asked None: R4's sentence leaves it open, and nothing is held against either."""
    condition = {"question": "n", "operator": operator} | answer
    form = {
        "resourceType": "Questionnaire",
        "url": FORM,
        "status": "active",
        "item": [
            {"linkId": "n", "type": "integer", "repeats": True},
            {"linkId": "more", "type": "string", "required": True, "enableWhen": [condition]},
        ],
    }
    packages = Packages()
    packages.add([form])
    first = [{"linkId": "n", "answer": given}] if given else []
    second = [{"linkId": "more", "answer": [{"valueString": "x"}]}]
    response = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    response |= {"questionnaire": FORM}
    with_it = told(Validator(packages), response | {"item": first + second})
    without = told(Validator(packages), response | ({"item": first} if first else {}))
    assert bool(with_it) is (asked is False)
    assert bool(without) is (asked is True)


@pytest.mark.parametrize("named", ["nothing", "packs", "since"])
def test_a_condition_names_another_question(named: str) -> None:
    form = copy.deepcopy(QUESTIONNAIRE)
    form["item"][3]["enableWhen"][0]["question"] = named
    assert told(Validator(), form) == [
        ("Questionnaire.item[3].enableWhen[0].question", ITEM + "enableWhen.question")
    ]
    assert not told(Validator(), QUESTIONNAIRE)


def test_extensions_that_say_nothing_and_wrong_questionnaires_stop_nothing() -> None:
    form = copy.deepcopy(QUESTIONNAIRE)
    for name in ("minValue", "regex", "maxSize", "mimeType", "questionnaire-minOccurs"):
        form["item"][2].setdefault("extension", []).append(ext(name, valueUri="x"))
    packages = Packages()
    packages.add([form])
    assert not told(Validator(packages), RESPONSE)
    packages = Packages()
    packages.add([{"resourceType": "Questionnaire", "url": FORM, "item": [{"type": 1}]}])
    assert [i.code for i in Validator(packages).validate(RESPONSE) if i.severity == "warning"]


def test_a_hostile_format_is_not_run() -> None:
    form = copy.deepcopy(QUESTIONNAIRE)
    form["item"][0]["item"][1]["extension"][0]["valueString"] = "(a+)+b"
    packages = Packages()
    packages.add([form])
    response = changed(
        ["item", 0, "item", 1], {"linkId": "mail", "answer": [{"valueString": "a" * 60}]}
    )
    found = Validator(packages).validate(response)
    assert [(i.severity, i.code) for i in found if i.rule == ITEM + "extension:regex"] == [
        ("information", "not-supported")
    ]
