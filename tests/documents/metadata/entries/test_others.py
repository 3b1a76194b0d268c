# SPDX-License-Identifier: EUPL-1.2
"""What is said of somebody else: in their history, and never among what is the patient's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    ICD,
    LOINC,
    PCC,
    coded,
    concern,
    observation,
    own_id,
    problem,
    read_in,
    related,
    templates,
    why,
)

Json = dict[str, Any]


def person(code: str = "MTH", name: str = "Mère") -> str:
    return (
        '<subject typeCode="SBJ"><relatedSubject classCode="PRS">'
        f"{coded('code', code, '2.16.840.1.113883.5.111', name)}"
        "<subject><name>Marie</name></subject></relatedSubject></subject>"
    )


def weight(more: str = "", attributes: str = "") -> str:
    return observation(
        '<value xsi:type="PQ" value="58" unit="kg"/>' + more,
        FRENCH + "53",
        code=coded("code", "29463-7", LOINC, "Poids"),
        attributes=attributes,
    )


def of_mother(statement: str) -> str:
    """The same, said of the mother."""
    start, end = statement.split(">", 1)
    at = end.index("<statusCode")
    return f"{start}>{end[:at]}{end[at:].replace('/>', '/>' + person(), 1)}"


def test_the_weight_of_a_mother_is_not_her_child_s(laboratory: bytes) -> None:
    (found,) = read_in(laboratory, of_mother(weight()))
    assert found["resourceType"] == "FamilyMemberHistory"
    assert found["relationship"]["coding"][0]["code"] == "MTH"
    assert found["name"] == "Marie"
    (seen,) = found["contained"]
    assert seen["valueQuantity"]["value"] == 58
    assert "subject" not in seen


def test_a_mother_s_illness_is_a_condition_of_hers(laboratory: bytes) -> None:
    found = read_in(laboratory, of_mother(problem("O24", "Diabète gestationnel")))
    assert [each["resourceType"] for each in found] == ["FamilyMemberHistory"]
    assert found[0]["condition"][0]["code"]["coding"][0]["code"] == "O24"


def test_what_is_inside_a_statement_of_another_is_of_that_other(laboratory: bytes) -> None:
    inside = weight(more=related("REFR", problem("O24", "Diabète gestationnel")))
    found = read_in(laboratory, of_mother(inside))
    assert [each["resourceType"] for each in found] == ["FamilyMemberHistory"]
    assert (len(found[0]["contained"]), len(found[0]["condition"])) == (1, 1)
    held = concern(of_mother(problem("O24", "Diabète gestationnel")), problem("J45"))
    kinds = {each["resourceType"]: each for each in read_in(laboratory, held)}
    assert kinds["Condition"]["code"]["coding"][0]["code"] == "J45"
    assert kinds["FamilyMemberHistory"]["condition"][0]["code"]["coding"][0]["code"] == "O24"


def test_two_persons_are_two_histories_and_one_is_one(laboratory: bytes) -> None:
    father = of_mother(weight()).replace("MTH", "FTH").replace("Mère", "Père")
    found = read_in(laboratory, of_mother(weight()), father, of_mother(weight()))
    assert [len(each["contained"]) for each in found] == [2, 1]
    assert [each["relationship"]["coding"][0]["code"] for each in found] == ["MTH", "FTH"]


def test_a_whole_section_of_another_is_none_of_the_patient_s(laboratory: bytes) -> None:
    """A foetus: the section says of whom it speaks, its entries do not."""
    foetus = (
        '<subject><relatedSubject classCode="PRS"><code nullFlavor="OTH">'
        "<originalText>Fœtus</originalText></code></relatedSubject></subject>"
    )
    found = read_in(laboratory, weight(), problem("Q42.3", "Atrésie"), more=foetus)
    assert [each["resourceType"] for each in found] == ["FamilyMemberHistory"]
    assert "Fœtus" in found[0]["relationship"]["text"]
    assert len(found[0]["contained"]) == len(found[0]["condition"]) == 1


@pytest.mark.parametrize("attributes", ['negationInd="true"', 'nullFlavor="MSK"'])
def test_what_is_denied_or_masked_of_another_is_kept(laboratory: bytes, attributes: str) -> None:
    denied = of_mother(weight(attributes=attributes))
    assert read_in(laboratory, denied) == []
    assert {why for _, why in why(laboratory, denied)} == {"not-done"}
    group = (
        f'<organizer classCode="CLUSTER" moodCode="EVN" {attributes}>{templates(FRENCH + "56")}'
        f'{own_id()}<statusCode code="completed"/>{person("CHILD", "Enfant")}'
        f"<component>{weight()}</component></organizer>"
    )
    assert read_in(laboratory, group) == [], "nor what a denied group holds"


def test_a_treatment_or_an_act_of_another_stays_in_the_source(laboratory: bytes) -> None:
    entry = (
        f'<procedure classCode="PROC" moodCode="EVN">{templates(FRENCH + "62")}{own_id()}'
        f"{coded('code', 'JQGD010', '1.2.250.1.213.2.5', 'Accouchement')}"
        f'<statusCode code="completed"/>{person()}</procedure>'
    )
    assert read_in(laboratory, entry) == []
    assert {why for _, why in why(laboratory, entry)} == {"of-another"}


def relative_history(inside: str) -> str:
    return (
        f'<organizer classCode="CLUSTER" moodCode="EVN">{templates(PCC + "15", FRENCH + "59")}'
        f'{own_id()}<statusCode code="completed"/>{person("FTH", "Père")}'
        f"<component>{inside}</component></organizer>"
    )


def test_family_history_is_of_the_relative_and_a_denied_illness_is_not_theirs(
    laboratory: bytes,
) -> None:
    ill = observation(
        coded("value", "I21", ICD, "Infarctus", "CD"),
        PCC + "13.3",
        FRENCH + "51",
        code=coded("code", "55607006", "2.16.840.1.113883.6.96", "problème"),
    )
    (found,) = read_in(laboratory, relative_history(ill))
    assert found["resourceType"] == "FamilyMemberHistory"
    assert found["relationship"]["coding"][0]["code"] == "FTH"
    assert found["condition"][0]["code"]["coding"][0]["code"] == "I21"
    denied = ill.replace('moodCode="EVN"', 'moodCode="EVN" negationInd="true"')
    (absent,) = read_in(laboratory, relative_history(denied))
    assert "condition" not in absent
    assert absent["note"] == [{"text": "Absent : Infarctus"}]
