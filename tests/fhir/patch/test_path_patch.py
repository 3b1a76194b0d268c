# SPDX-License-Identifier: EUPL-1.2
"""FHIRPath Patch: what HL7's tests ask of it, and what must not go through."""

from __future__ import annotations

from typing import Any

import pytest

from carnet.fhir import json
from carnet.fhir.patch import NotApplied, WrongPatch, apply, path_patch

Json = dict[str, Any]
LOINC = "http://loinc.org"


def operation(kind: str, path: str, **more: Any) -> Json:
    """One operation; `value` is the part itself but for its name."""
    parts: list[Json] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    for name, given in more.items():
        if name == "value":
            parts.append({"name": "value", **given})
        elif name == "name":
            parts.append({"name": name, "valueString": given})
        else:
            parts.append({"name": name, "valueInteger": given})
    return {"name": "operation", "part": parts}


def parameters(*operations: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(operations)}


def patched(resource: Json, *operations: Json) -> Json:
    return apply(path_patch.read(parameters(*operations)), resource)


def patient(**more: Any) -> Json:
    return {"resourceType": "Patient", "id": "a", **more}


def identifiers(*values: str) -> list[Json]:
    return [{"value": each} for each in values]


CODE = {"valueCode": "male"}
CONTACT = {"name": {"text": "a name"}, "gender": "female"}
NAME = {"name": "name", "valueHumanName": {"text": "a name"}}
STATUS = {"valueCodeableConcept": {"text": "married"}}
UNKNOWN = {"url": "urn:reason", "valueCode": "unknown"}

# before, operations, after: the resource without its type and id.
CASES: dict[str, tuple[Json, list[Json], Json]] = {
    "replace a primitive": (
        {"birthDate": "1920-01-01"},
        [operation("replace", "Patient.birthDate", value={"valueDate": "1930-01-01"})],
        {"birthDate": "1930-01-01"},
    ),
    "delete a primitive": (
        {"birthDate": "1920-01-01"}, [operation("delete", "Patient.birthDate")], {},
    ),
    "delete what is not there": ({}, [operation("delete", "Patient.birthDate")], {}),
    "add a primitive": (
        {}, [operation("add", "Patient", name="birthDate", value={"valueDate": "1930"})],
        {"birthDate": "1930"},
    ),
    "replace below, by index": (
        {"contact": [{"gender": "female"}, {"gender": "other"}]},
        [operation("replace", "Patient.contact[0].gender", value=CODE)],
        {"contact": [{"gender": "male"}, {"gender": "other"}]},
    ),
    "replace below, by a condition": (
        {"contact": [{"gender": "female"}, {"gender": "other"}]},
        [operation("replace", "Patient.contact.where(gender = 'other').gender", value=CODE)],
        {"contact": [{"gender": "female"}, {"gender": "male"}]},
    ),
    "delete below": (
        {"contact": [{"name": {"text": "x"}, "gender": "male"}]},
        [operation("delete", "Patient.contact[0].gender")],
        {"contact": [{"name": {"text": "x"}}]},
    ),
    "delete all that an element holds": (
        {"contact": [{"name": {"text": "a"}, "gender": "male"}, {"name": {"text": "b"}}]},
        [operation("delete", "Patient.contact[0].name.text"),
         operation("delete", "Patient.contact[1].name.text")],
        {"contact": [{"gender": "male"}]},
    ),
    "an element with the name of an operator": (
        {"text": {"status": "generated", "div": "<div>a</div>"}},
        [operation("replace", "Patient.text.div", value={"valueString": "<div>b</div>"})],
        {"text": {"status": "generated", "div": "<div>b</div>"}},
    ),
    "nothing at all": ({"birthDate": "1920"}, [], {"birthDate": "1920"}),
    "add below": (
        {"contact": [{"name": {"text": "x"}}]},
        [operation("add", "Patient.contact[0]", name="gender", value=CODE)],
        {"contact": [{"name": {"text": "x"}, "gender": "male"}]},
    ),
    "add a complex one": (
        {}, [operation("add", "Patient", name="maritalStatus", value=STATUS)],
        {"maritalStatus": {"text": "married"}},
    ),
    "replace a complex one": (
        {"maritalStatus": {"text": "not married", "coding": [{"code": "U"}]}},
        [operation("replace", "Patient.maritalStatus", value=STATUS)],
        {"maritalStatus": {"text": "married"}},
    ),
    "an id alone is changed, by another path": (
        {"maritalStatus": {"id": "1", "text": "x"}},
        [operation("replace", "Patient.maritalStatus.id", value={"valueString": "2"})],
        {"maritalStatus": {"id": "2", "text": "x"}},
    ),
    "add a part, from parts": (
        {"contact": [CONTACT]},
        [operation("add", "Patient", name="contact",
                   value={"part": [NAME, {"name": "gender", "valueCode": "male"}]})],
        {"contact": [CONTACT, {"name": {"text": "a name"}, "gender": "male"}]},
    ),
    "parts in parts, and one that repeats": (
        {},
        [operation("add", "Patient", name="contact", value={"part": [
            {"name": "relationship", "valueCodeableConcept": {"text": "one"}},
            {"name": "relationship", "part": [{"name": "text", "valueString": "two"}]},
        ]})],
        {"contact": [{"relationship": [{"text": "one"}, {"text": "two"}]}]},
    ),
    "delete a part": (
        {"contact": [CONTACT], "active": True}, [operation("delete", "Patient.contact[0]")],
        {"active": True},
    ),
    "insert at the beginning": (
        {"identifier": identifiers("1", "2", "3")},
        [operation("insert", "Patient.identifier", index=0, value={"valueIdentifier": {"value": "0"}})],
        {"identifier": identifiers("0", "1", "2", "3")},
    ),
    "insert at the end": (
        {"identifier": identifiers("1")},
        [operation("insert", "Patient.identifier", index=1, value={"valueIdentifier": {"value": "2"}})],
        {"identifier": identifiers("1", "2")},
    ),
    "insert where nothing is": (
        {},
        [operation("insert", "Patient.identifier", index=0, value={"valueIdentifier": {"value": "2"}})],
        {"identifier": identifiers("2")},
    ),
    "delete from a list": (
        {"identifier": identifiers("1", "2", "3")}, [operation("delete", "Patient.identifier[1]")],
        {"identifier": identifiers("1", "3")},
    ),
    "move to the end": (
        {"identifier": identifiers("1", "2", "3", "4")},
        [operation("move", "Patient.identifier", source=0, destination=3)],
        {"identifier": identifiers("2", "3", "4", "1")},
    ),
    "move to the beginning": (
        {"identifier": identifiers("1", "2", "3", "4")},
        [operation("move", "Patient.identifier", source=3, destination=0)],
        {"identifier": identifiers("4", "1", "2", "3")},
    ),
    "given names stay beside their extensions": (
        {"name": [{"given": ["A", "B", "C"], "_given": [None, {"id": "b"}, None]}]},
        [operation("move", "Patient.name[0].given", source=1, destination=0),
         operation("delete", "Patient.name[0].given[2]"),
         operation("insert", "Patient.name[0].given", index=1, value={"valueString": "D"})],
        {"name": [{"given": ["B", "D", "A"], "_given": [{"id": "b"}, None, None]}]},
    ),
    "an extension of a primitive": (
        {"birthDate": "1920"},
        [operation("add", "Patient.birthDate", name="extension", value={"part": [
            {"name": "url", "valueUri": "urn:reason"}, {"name": "value", "valueCode": "unknown"}]})],
        {"birthDate": "1920", "_birthDate": {"extension": [UNKNOWN]}},
    ),
    "an extension by its url": (
        {"extension": [{"url": "urn:a", "valueString": "x"}, {"url": "urn:b", "valueString": "y"}]},
        [operation("replace", "Patient.extension('urn:b').value", value={"valueInteger": 3})],
        {"extension": [{"url": "urn:a", "valueString": "x"}, {"url": "urn:b", "valueInteger": 3}]},
    ),
    "a value takes another of its types": (
        {"deceasedBoolean": True},
        [operation("replace", "Patient.deceased", value={"valueDateTime": "2020"})],
        {"deceasedDateTime": "2020"},
    ),
    "an element that may be of several types is named as it is, or with its x": (
        {}, [operation("add", "Patient", name="deceased[x]", value={"valueBoolean": False})],
        {"deceasedBoolean": False},
    ),
    "one after the other": (
        {"name": [{"text": "A"}]},
        [operation("add", "Patient", name="name", value={"valueHumanName": {"text": "B"}}),
         operation("delete", "Patient.name.where(text = 'A')"),
         operation("replace", "Patient.name.first().text", value={"valueString": "C"})],
        {"name": [{"text": "C"}]},
    ),
    "a path that begins without the type": (
        {"active": True}, [operation("replace", "active", value={"valueBoolean": False})],
        {"active": False},
    ),
    "the last, and the one that is contained": (
        {"contained": [{"resourceType": "Organization", "id": "o", "name": "x"}],
         "name": [{"text": "A"}, {"text": "B"}]},
        [operation("replace", "Patient.contained.where(id = 'o').name", value={"valueString": "y"}),
         operation("delete", "Patient.name.last()")],
        {"contained": [{"resourceType": "Organization", "id": "o", "name": "y"}],
         "name": [{"text": "A"}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_operation_does_what_it_says(case: str) -> None:
    before, operations, after = CASES[case]
    given = patient(**before)
    kept = json.dump(given)
    made = patched(given, *operations)
    assert made == patient(**after)
    assert json.dump(given) == kept


# Well formed, and not to be applied.
REFUSED: dict[str, list[Json]] = {
    "replace what is not there": [operation("replace", "Patient.gender", value=CODE)],
    "several where one is meant": [operation("delete", "Patient.name")],
    "add below several": [operation("add", "Patient.name", name="text", value={"valueString": "x"})],
    "add what is there": [operation("add", "Patient", name="birthDate", value={"valueDate": "1930"})],
    "add another type of what is there": [
        operation("add", "Patient", name="deceased", value={"valueDateTime": "1930"})],
    "an element the type has not": [operation("add", "Patient", name="status", value=CODE)],
    "a type the element has not": [
        operation("replace", "Patient.deceased", value={"valueString": "x"})],
    "insert beyond the end": [
        operation("insert", "Patient.name", index=3, value={"valueHumanName": {"text": "x"}})],
    "move from beyond the end": [operation("move", "Patient.name", source=2, destination=0)],
    "insert in what does not repeat": [
        operation("insert", "Patient.birthDate", index=0, value={"valueDate": "1930"})],
    "the whole resource": [operation("delete", "Patient")],
    "another type": [operation("delete", "Observation.status"), operation("add", "Observation",
                     name="status", value=CODE)],
    "its id": [operation("replace", "Patient.id", value={"valueString": "b"})],
    "no place": [operation("delete", "Patient.name.count()")],
    "a made value": [operation("delete", "Patient.name.text.upper()")],
    "a literal": [operation("delete", "'x'")],
    "a choice that fails": [operation("delete", "Patient.name.where(text + 1 = 'x')")],
    "parts of a primitive": [operation("replace", "Patient.birthDate", value={"part": [
        {"name": "value", "valueDate": "1930"}]})],
    "no value": [operation("replace", "Patient.birthDate", value={})],
    "a resource for a text": [operation("replace", "Patient.birthDate", value={
        "resource": {"resourceType": "Patient"}})],
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_applied_is_refused_with_its_place(case: str) -> None:
    given = patient(name=[{"text": "A"}, {"text": "B"}], birthDate="1920", deceasedBoolean=True)
    with pytest.raises(NotApplied) as told:
        patched(given, *REFUSED[case])
    assert told.value.path is None or told.value.path.startswith("Parameters.parameter[")


@pytest.mark.parametrize(
    "given",
    [
        {"resourceType": "Patient", "parameter": [operation("delete", "Patient.name")]},
        parameters({"name": "operation"}),
        parameters({**operation("delete", "Patient.name"), "name": "other"}),
        parameters(operation("remove", "Patient.name")),
        parameters(operation("replace", "Patient.name")),
        parameters(operation("move", "Patient.name", source=0)),
        parameters(operation("move", "Patient.name", source=0, destination=-1)),
        parameters(operation("delete", "Patient.name[")),
        parameters(operation("delete", "")),
        parameters(*[operation("delete", "Patient.name")] * 1001),
        parameters({"name": "operation", "part": operation("delete", "a")["part"] * 2}),
    ],
)
def test_what_is_no_patch_is_refused_before_anything_is_done(given: Json) -> None:
    with pytest.raises(WrongPatch):
        path_patch.read(given)


def test_decimals_keep_their_digits() -> None:
    resource = json.parse(
        b'{"resourceType":"Observation","id":"a","valueQuantity":{"value":1.10,"unit":"g"},'
        b'"component":[{"valueQuantity":{"value":2.0}}]}'
    )
    given = json.parse(
        b'{"resourceType":"Parameters","parameter":[{"name":"operation","part":['
        b'{"name":"type","valueCode":"replace"},'
        b'{"name":"path","valueString":"Observation.component[0].value.value"},'
        b'{"name":"value","valueDecimal":3.500}]}]}'
    )
    made = json.dump(apply(path_patch.read(given), resource))
    assert b'"value":1.10' in made
    assert b'"value":3.500' in made


def test_a_refusal_names_the_operation_and_no_value() -> None:
    secret = "184017512345612"
    with pytest.raises(NotApplied, match=r"Operation 2 \(replace\)") as told:
        patched(
            patient(active=True),
            operation("delete", "Patient.gender"),
            operation("replace", f"Patient.name.where(text = '{secret}').text",
                      value={"valueString": secret}),
        )  # fmt: skip
    assert secret not in str(told.value)
    assert told.value.path == "Parameters.parameter[1]"


def test_a_patch_is_the_same_when_it_is_applied_again() -> None:
    """A transaction that meets another one is done anew, with the same patch."""
    patch = path_patch.read(
        parameters(
            operation("add", "Patient", name="name", value={"valueHumanName": {"text": "A"}}),
            operation("replace", "Patient.name.text", value={"valueString": "B"}),
            operation("add", "Patient.name", name="given", value={"valueString": "C"}),
        )
    )
    first = apply(patch, patient())
    assert apply(patch, patient()) == first == patient(name=[{"text": "B", "given": ["C"]}])


def test_what_all_the_operations_may_look_at_has_an_end() -> None:
    """Each looks at everything: together they stop where one alone would."""
    given = patient(name=[{"text": "x"}] * 300)
    heavy = operation("delete", "Patient.name.where(%resource.descendants().count() = 0)")
    with pytest.raises(NotApplied, match="more items"):
        patched(given, *[heavy] * 20)
