# SPDX-License-Identifier: EUPL-1.2
"""What is contained and what refers to it: the rules written in Python say what R4's expressions say."""

from typing import Any

import pytest

from carnet.fhir.definitions import load
from carnet.fhir.fhirpath import Frame, Items, functions, model
from carnet.fhir.fhirpath.functions.fhir import by_id
from carnet.fhir.validation.contained import referred, there
from carnet.fhir.validation.invariants import compiled
from carnet.fhir.validation.validator import Validator

Json = dict[str, Any]
ORGANIZATION: Json = {"resourceType": "Organization", "id": "o", "name": "x"}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="#o">x</a></div>'


def patient(**more: Any) -> Json:
    return {"resourceType": "Patient", "id": "p", "contained": [ORGANIZATION]} | more


@pytest.mark.parametrize(
    ("resource", "fine"),
    [
        (patient(managingOrganization={"reference": "#o"}), True),
        (patient(), False),
        (patient(managingOrganization={"reference": "#other"}), False),
        (patient(implicitRules="#o"), True),
        (patient(text={"status": "generated", "div": DIV}), True),
        (patient(contained=[ORGANIZATION | {"partOf": {"reference": "#"}}]), True),
    ],
)
def test_what_is_contained_is_referred_to(resource: Json, fine: bool) -> None:
    item = model().item(resource)
    assert referred([item], Frame(model(), item))[0][1] is fine
    broken = [i.rule for i in Validator().validate(resource) if i.severity == "error"]
    assert ("dom-3" not in broken) is fine


@pytest.mark.parametrize("reference", ["#o", "#other", "Organization/1", "urn:uuid:1"])
def test_a_reference_inside_names_what_is_there_as_r4_has_it(reference: str) -> None:
    top = model().item(patient())
    one: Items = [("Reference", {"reference": reference}, None)]
    rules = {i.key: i.expression for i in load().shapes["Reference"].invariants}
    theirs = compiled(rules["ref-1"])(one, Frame(model(), top))
    assert there(one, Frame(model(), top))[0][1] is theirs[0][1]


def test_much_that_is_contained_is_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """References look what they name up; they do not go through all there is."""
    many = [ORGANIZATION | {"id": f"o{at}"} for at in range(50)]
    practitioners = [{"reference": f"#o{at}"} for at in range(50)]
    made: list[int] = []

    def counted(frame: Frame) -> Json:
        made.append(frame.held is None)
        return by_id(frame)

    monkeypatch.setattr(functions.fhir, "by_id", counted)
    resource = patient(contained=many, generalPractitioner=practitioners)
    assert not [i for i in Validator().validate(resource) if i.severity == "error"]
    assert len(made) >= 50
    assert sum(made) <= 51  # once by each of the resources that are validated
