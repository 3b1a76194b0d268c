# SPDX-License-Identifier: EUPL-1.2
"""The stage of a cancer stands with the cancer, in the words of its qualifiers."""

from typing import Any

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    LOINC,
    coded,
    concern,
    observation,
    problem,
    read_in,
    related,
)

Json = dict[str, Any]

TNM = "1.3.6.1.4.1.19376.1.7.3.1.4.14.2"
VALUE = (
    '<value xsi:type="CD"><qualifier>'
    f"{coded('name', '21909-7', LOINC, 'Stade clinique')}{coded('value', 'IB', '2.999.1', 'None')}"
    "</qualifier></value>"
)


def stage(attributes: str = "", code: str = "75620-5", template: str = TNM) -> str:
    part = observation(
        coded("value", "T1b", "2.999.1", "Sous-muqueuse", "CD"),
        FRENCH + "48",
        code=coded("code", "21905-5", LOINC, "T"),
    )
    return observation(
        VALUE + related("COMP", part),
        template,
        code=coded("code", code, LOINC, "Stade TNM"),
        attributes=attributes,
    )


def condition(source: bytes, more: str) -> Json:
    found = read_in(source, concern(problem("C50.2", "Tumeur du sein", more=more)))
    (one,) = [each for each in found if each["resourceType"] == "Condition"]
    return one


def test_a_stage_is_said_of_its_cancer(laboratory: bytes) -> None:
    (said,) = condition(laboratory, related("SUBJ", stage()))["stage"]
    assert said["summary"]["text"] == "Stade clinique : IB"
    assert said["type"]["coding"][0]["code"] == "75620-5"
    assert said["assessment"][0]["reference"]


def test_a_stage_that_is_denied_is_not_said(laboratory: bytes) -> None:
    denied = stage('negationInd="true"')
    assert "stage" not in condition(laboratory, related("SUBJ", denied))


def test_another_observation_is_no_stage(laboratory: bytes) -> None:
    other = stage(code="8310-5", template=FRENCH + "48")
    assert "stage" not in condition(laboratory, related("SUBJ", other))
