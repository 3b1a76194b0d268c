# SPDX-License-Identifier: EUPL-1.2
"""JSON Patch on resources: RFC 6902's own examples, and what must not go through."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from carnet import errors
from carnet.fhir import json
from carnet.fhir.patch import NotApplied, TestFailed, WrongPatch, apply, json_patch
from tests.fhir.generate import resource as generated

Op = dict[str, Any]
PATIENT = {
    "resourceType": "Patient",
    "id": "a",
    "active": True,
    "name": [{"family": "Garnier", "given": ["Alice", "Anne"]}, {"text": "A"}],
}


def patched(document: Any, *operations: Op) -> Any:
    return json_patch.read(list(operations)).applied(json.parse(json.dump({"d": document}))["d"])


# RFC 6902, appendix A; the last column is what comes out, or the refusal.
EXAMPLES: list[tuple[Any, list[Op], Any]] = [
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
    ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}],
     {"foo": ["bar", "qux", "baz"]}),
    ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
    ({"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
     [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
     {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}}),
    ({"foo": ["all", "grass", "cows", "eat"]}, [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
     {"foo": ["all", "cows", "eat", "grass"]}),
    ({"baz": "qux", "foo": ["a", 2, "c"]},
     [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
     {"baz": "qux", "foo": ["a", 2, "c"]}),
    ({"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], TestFailed),
    ({"foo": "bar"}, [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
     {"foo": "bar", "child": {"grandchild": {}}}),
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}],
     {"foo": "bar", "baz": "qux"}),
    ({"foo": "bar"}, [{"op": "add", "path": "/baz/bat", "value": "qux"}], NotApplied),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": "10"}], TestFailed),
    ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}],
     {"foo": ["bar", ["abc", "def"]]}),
    # Not in the appendix, but in the text.
    ({"a": 1}, [], {"a": 1}),
    ({"a": [1]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2]}),
    ({"a": [1]}, [{"op": "add", "path": "/a/2", "value": 2}], NotApplied),
    ({"a": [1]}, [{"op": "remove", "path": "/a/-"}], NotApplied),
    ({"a": [1]}, [{"op": "remove", "path": "/a/00"}], NotApplied),
    ({"a": [1]}, [{"op": "remove", "path": "/a/-1"}], NotApplied),
    ({"a": [1]}, [{"op": "remove", "path": ""}], NotApplied),
    ({"a": {"b": 1}}, [{"op": "move", "from": "/a", "path": "/a/b"}], NotApplied),
    ({"a": 1}, [{"op": "move", "from": "/a", "path": "/a"}], {"a": 1}),
    ({"a": 1}, [{"op": "copy", "from": "/b", "path": "/c"}], NotApplied),
    ({"a": {"b": 1}},
     [{"op": "copy", "from": "/a", "path": "/c"}, {"op": "replace", "path": "/c/b", "value": 2}],
     {"a": {"b": 1}, "c": {"b": 2}}),
    ({"": 1}, [{"op": "replace", "path": "/", "value": 2}], {"": 2}),
    ({"a": True}, [{"op": "test", "path": "/a", "value": 1}], TestFailed),
    ({"a": [0]}, [{"op": "test", "path": "/a", "value": [False]}], TestFailed),
    ({"a": None}, [{"op": "test", "path": "/a", "value": None}], {"a": None}),
    ({"a": {"x": 1, "y": [2]}}, [{"op": "test", "path": "/a", "value": {"y": [2], "x": 1}}],
     {"a": {"x": 1, "y": [2]}}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "operations", "expected"), EXAMPLES)
def test_the_examples_of_the_standard(document: Any, operations: list[Op], expected: Any) -> None:
    if isinstance(expected, type):
        with pytest.raises(expected):
            patched(document, *operations)
    else:
        assert patched(document, *operations) == expected


@pytest.mark.parametrize(
    "operations",
    [
        {}, ["add"], [{}], [{"op": "spam", "path": "/a", "value": 1}], [{"op": ["add"]}],
        [{"op": "add", "path": "/a"}], [{"op": "add", "value": 1}], [{"op": "test", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}], [{"op": "add", "path": "/~2", "value": 1}],
        [{"op": "add", "path": 3, "value": 1}], [{"op": "move", "path": "/a"}],
        [{"op": "copy", "path": "/a", "from": "a"}],
        [{"op": "test", "path": "/a", "value": 1}] * 1001,
    ],
)  # fmt: skip
def test_what_is_no_patch_is_refused_before_anything_is_done(operations: Any) -> None:
    with pytest.raises(WrongPatch):
        json_patch.read(operations)


def test_decimals_keep_their_digits_and_are_compared_by_their_worth() -> None:
    resource = json.parse(b'{"resourceType":"Observation","id":"a","v":{"value":1.10,"low":7.0}}')
    operations = json.parse_list(
        b'[{"op":"test","path":"/v/value","value":1.1},{"op":"test","path":"/v/low","value":7},'
        b'{"op":"copy","from":"/v/value","path":"/v/copy"},'
        b'{"op":"add","path":"/v/new","value":0.500}]'
    )
    made = json.dump(apply(json_patch.read(operations), resource))
    assert b'"value":1.10,"low":7.0,"copy":1.10,"new":0.500' in made


def test_the_resource_that_was_given_is_left_as_it_is() -> None:
    before = json.dump(PATIENT)
    apply(json_patch.read([{"op": "remove", "path": "/name/0/given/0"}]), PATIENT)
    assert json.dump(PATIENT) == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/id", "value": "b"},
        {"op": "remove", "path": "/id"},
        {"op": "replace", "path": "/resourceType", "value": "Person"},
        {"op": "replace", "path": "", "value": {"resourceType": "Patient", "id": "b"}},
        {"op": "replace", "path": "", "value": [1]},
        {"op": "replace", "path": "", "value": None},
    ],
)
def test_a_patch_never_makes_another_resource(operation: Op) -> None:
    with pytest.raises(NotApplied, match="type or the id"):
        apply(json_patch.read([operation]), PATIENT)


def test_copies_of_copies_have_an_end() -> None:
    """Thirty copies of what was copied would be a billion values."""
    begin = [{"op": "add", "path": "/a", "value": [0]}]
    doubled = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 30
    with pytest.raises(NotApplied, match=r"deeply|more than"):
        patched({}, *begin, *doubled)
    wide: list[Op] = [{"op": "add", "path": "/a", "value": [0] * 100}]
    for n in range(60):
        wide.append({"op": "copy", "from": "/a", "path": f"/b{n}"})
        wide.append({"op": "copy", "from": f"/b{n}", "path": "/a/-"})
        wide.append({"op": "move", "from": "/a", "path": "/a2"})
        wide.append({"op": "move", "from": "/a2", "path": "/a"})
    with pytest.raises(NotApplied, match=r"deeply|more than"):
        patched({}, *wide)


def test_a_refusal_names_the_operation_and_no_value() -> None:
    secret = "184017512345612"
    for operation in (
        {"op": "replace", "path": f"/{secret}", "value": secret},
        {"op": "test", "path": "/active", "value": secret},
    ):
        with pytest.raises(errors.CarnetError, match="Operation 2") as told:
            apply(
                json_patch.read([{"op": "test", "path": "", "value": PATIENT}, operation]), PATIENT
            )
        assert secret not in str(told.value)


@pytest.mark.parametrize("rtype", ["Patient", "Observation", "Bundle", "Questionnaire"])
def test_a_patch_that_leads_from_one_resource_to_another_makes_the_other(rtype: str) -> None:
    """The plain reference: elements that differ are replaced, removed or added, and compared."""
    for seed in range(20):
        one, other = (generated(Random(2 * seed + n), rtype, depth=2) for n in (0, 1))
        one["id"] = other["id"] = "a"
        operations: list[Op] = [
            {"op": "remove", "path": f"/{key}"} for key in one if key not in other
        ]
        operations += [
            {"op": "replace" if key in one else "add", "path": f"/{key}", "value": value}
            for key, value in other.items()
            if key not in ("resourceType", "id")
        ]
        operations.append({"op": "test", "path": "", "value": other})
        made = apply(json_patch.read(operations), one)
        assert json_patch.same(made, other)
        assert {key: json.dump(made[key]) for key in made} == {
            key: json.dump(other[key]) for key in other
        }


def test_equality_knows_what_a_number_is() -> None:
    assert json_patch.same(1, Decimal("1.0"))
    assert not json_patch.same(1, True)
    assert not json_patch.same("1", 1)
    assert not json_patch.same({"a": 1}, {"a": 1, "b": 1})
    assert not json_patch.same([1], [1, 1])
    assert not json_patch.same(None, False)
