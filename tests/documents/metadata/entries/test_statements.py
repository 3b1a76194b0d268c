# SPDX-License-Identifier: EUPL-1.2
"""Measures, groups, references; and documents made to be read badly."""

from __future__ import annotations

from typing import Any

import pytest

from carnet import errors
from carnet.documents import cda, metadata
from tests.documents.metadata.entries.fragments import (
    FRENCH,
    LOINC,
    coded,
    made_of,
    observation,
    own_id,
    problem,
    read_in,
    related,
    templates,
    why,
    with_entries,
)

Json = dict[str, Any]


def measure(
    value: str = '<value xsi:type="PQ" value="37.20" unit="Cel"/>',
    *,
    code: str = "8310-5",
    more: str = "",
    template: str = "50",
    **attributes: Any,
) -> str:
    return observation(
        value + more, FRENCH + template, code=coded("code", code, LOINC, "Mesure"), **attributes
    )


def act(
    template: str, inside: str = "", code: str = '<code nullFlavor="NA"/>', id: str = ""
) -> str:
    return (
        f'<act classCode="ACT" moodCode="EVN">{templates(FRENCH + template)}{id or own_id()}'
        f"{code}{inside}</act>"
    )


@pytest.mark.parametrize(
    ("value", "element", "said"),
    [
        ('<value xsi:type="INT" value="0"/>', "valueInteger", 0),
        ('<value xsi:type="BL" value="false"/>', "valueBoolean", False),
        ('<value xsi:type="ST">texte</value>', "valueString", "texte"),
        ('<value xsi:type="TS" value="20240102"/>', "valueDateTime", "2024-01-02"),
    ],
)
def test_a_value_of_each_type_is_as_written(
    laboratory: bytes, value: str, element: str, said: Any
) -> None:
    (found,) = read_in(laboratory, measure(value))
    assert found[element] == said
    assert type(found[element]) is type(said)


def test_digits_stay_as_written(laboratory: bytes) -> None:
    (found,) = read_in(laboratory, measure())
    assert str(found["valueQuantity"]["value"]) == "37.20"
    assert found["valueQuantity"]["code"] == "Cel"


@pytest.mark.parametrize(
    "more", [{"attributes": 'negationInd="true"'}, {"attributes": 'nullFlavor="MSK"'}]
)
def test_a_measure_that_is_denied_or_masked_is_none(laboratory: bytes, more: Json) -> None:
    assert read_in(laboratory, measure(**more)) == []
    assert {why for _, why in why(laboratory, measure(**more))} == {"not-done"}


@pytest.mark.parametrize("mood", ["INT", "GOL", "RQO", "PRMS", "DEF", "EVN.CRT", "xyz"])
def test_a_measure_that_is_meant_is_never_one_that_was_made(laboratory: bytes, mood: str) -> None:
    assert "Observation" not in {r["resourceType"] for r in read_in(laboratory, measure(mood=mood))}


def test_a_value_that_is_missing_says_why(laboratory: bytes) -> None:
    (found,) = read_in(laboratory, measure('<value xsi:type="PQ" nullFlavor="ASKU"/>'))
    assert found["dataAbsentReason"]["coding"][0]["code"] == "asked-unknown"
    assert "valueQuantity" not in found


def group(*inside: str, attributes: str = "", code: bool = True) -> str:
    named = coded("code", "85353-1", LOINC, "Signes vitaux") if code else ""
    held = "".join(f"<component>{each}</component>" for each in inside)
    return (
        f'<organizer classCode="CLUSTER" moodCode="EVN" {attributes}>{templates(FRENCH + "49")}'
        f'{own_id()}{named}<statusCode code="completed"/>{held}</organizer>'
    )


def test_a_named_group_has_its_members_and_one_without_a_name_is_nothing(laboratory: bytes) -> None:
    found = read_in(laboratory, group(measure(), measure(code="8867-4")))
    panels = [each for each in found if "hasMember" in each]
    assert len(found) == 3
    assert [len(each["hasMember"]) for each in panels] == [2]
    assert len(read_in(laboratory, group(measure(), code=False))) == 1


def test_a_score_has_its_items(laboratory: bytes) -> None:
    item = measure('<value xsi:type="INT" value="1"/>', code="70184-7", template="8")
    found = read_in(laboratory, measure(code="72089-6", template="6", more=related("COMP", item)))
    assert len(found) == 2
    (total,) = [each for each in found if "hasMember" in each]
    assert total["code"]["coding"][0]["code"] == "72089-6"
    assert len(total["hasMember"]) == 1


def test_an_internal_reference_leads_to_what_it_names_wherever_it_stands(laboratory: bytes) -> None:
    number = '<id root="2.999.9" extension="refraction"/>'
    named = measure(code="79894-2").replace("<code ", f"{number}<code ", 1)
    holder = measure(code="98499-7", more=related("REFR", act("36", id=number)))
    for entries in ((named, holder), (holder, named)):
        found = {r["code"]["coding"][0]["code"]: r for r in read_in(laboratory, *entries)}
        assert len(found["98499-7"]["derivedFrom"]) == 2
    assert why(laboratory, named, holder) == set()
    assert {why for _, why in why(laboratory, holder)} == {"no-target"}


def test_an_external_reference_names_its_document(laboratory: bytes) -> None:
    pointing = (
        '<reference typeCode="REFR"><externalDocument classCode="DOC" moodCode="EVN">'
        '<id root="1.2.3" extension="D7"/></externalDocument></reference>'
    )
    source = with_entries(laboratory, act("35", pointing))
    related_ = made_of(source)[0].resource["context"]["related"]
    assert {"system": "urn:oid:1.2.3", "value": "D7"}.items() <= related_[-1]["identifier"].items()
    assert why(laboratory, act("35", pointing)) == set()


def test_nothing_is_told_twice_and_every_statement_is_told(laboratory: bytes) -> None:
    entries = (group(measure()), problem(more=related("SUBJ", measure())), act("36"))
    document = cda.read(with_entries(laboratory, *entries))
    bare = cda.read(laboratory)
    count = sum(1 for each in document.entries for _ in each.statement.walk())
    count -= sum(1 for each in bare.entries for _ in each.statement.walk())
    told = sum(each.count for each in metadata.told(document))
    assert told - sum(each.count for each in metadata.told(bare)) == count == 5


def test_statements_in_one_another_are_read_as_deep_as_xml_goes(laboratory: bytes) -> None:
    deep = measure()
    for _ in range(100):
        deep = act("39", related("SUBJ", deep))
    (found,) = read_in(laboratory, deep)
    assert found["resourceType"] == "Observation"
    for _ in range(900):
        deep = act("39", related("SUBJ", deep))
    with pytest.raises(errors.Invalid):
        cda.read(with_entries(laboratory, deep))
