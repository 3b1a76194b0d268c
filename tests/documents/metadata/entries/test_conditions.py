# SPDX-License-Identifier: EUPL-1.2
"""Problems: what is denied, unknown, planned or of somebody else is never the patient's illness."""

from __future__ import annotations

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    ICD,
    LOINC,
    PCC,
    SNOMED,
    coded,
    concern,
    observation,
    problem,
    read_in,
    related,
    why,
)

Json = dict[str, Any]
ABSENT = "2.16.840.1.113883.5.1150.1"
NOBODY = "_observation_"


def conditions(source: bytes, *entries: str, **more: Any) -> list[Json]:
    return [r for r in read_in(source, *entries, **more) if r["resourceType"] == "Condition"]


def state(found: Json) -> tuple[str, str | None]:
    """Clinical and verification status."""
    verified = found.get("verificationStatus", {"coding": [{"code": None}]})
    return found["clinicalStatus"]["coding"][0]["code"], verified["coding"][0]["code"]


def test_a_problem_is_a_condition_with_its_code_and_its_dates(laboratory: bytes) -> None:
    (found,) = conditions(laboratory, concern(problem()))
    assert found["code"]["coding"][0]["code"] == "J45"
    assert found["code"]["coding"][0]["display"] == "Asthme"
    assert found["onsetDateTime"] == "2020-01-01"
    assert state(found) == ("active", None)
    assert found["subject"] == {"reference": "Patient/leonie"}


def test_one_that_is_denied_is_refuted_and_inactive(laboratory: bytes) -> None:
    (found,) = conditions(laboratory, concern(problem(attributes='negationInd="true"')))
    assert state(found) == ("inactive", "refuted")


def test_no_known_problem_is_said_once_by_its_code(laboratory: bytes) -> None:
    none = coded("value", "no-known-problems", ABSENT, "Aucun problème connu", "CD")
    for attributes in ("", 'negationInd="true"'):
        (found,) = conditions(laboratory, problem(value=none, attributes=attributes))
        assert found["code"]["coding"][0]["code"] == "no-known-problems"
        assert state(found)[1] != "refuted"


@pytest.mark.parametrize("mood", ["INT", "GOL", "RQO", "PRP", "EVN.CRT"])
def test_what_is_meant_feared_or_sought_is_no_problem(laboratory: bytes, mood: str) -> None:
    assert conditions(laboratory, concern(problem(mood=mood))) == []
    assert ("observation 1.2.250.1.213.1.1.3.37", "not-done") in why(
        laboratory, concern(problem(mood=mood))
    )


def test_one_that_is_masked_is_kept_and_one_without_a_code_is_its_words(laboratory: bytes) -> None:
    masked = problem(attributes='nullFlavor="MSK"')
    assert conditions(laboratory, masked) == []
    words = problem(value='<value xsi:type="CD" nullFlavor="UNK"/><text>Fatigue</text>')
    told = conditions(laboratory, words)
    assert [each["code"] for each in told] in ([{"text": "Fatigue"}], [])
    assert conditions(laboratory, problem(value='<value xsi:type="CD" nullFlavor="UNK"/>')) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [("55561003", "active"), ("73425007", "inactive"), ("413322009", "resolved")],
)
def test_its_status_is_as_said(laboratory: bytes, status: str, expected: str) -> None:
    said = observation(coded("value", status, SNOMED, "statut", "CE"), PCC + "1.1", FRENCH + "30")
    (found,) = conditions(laboratory, problem(more=related("REFR", said)))
    assert state(found)[0] == expected
    # A status that is denied says nothing.
    denied = said.replace('moodCode="EVN"', 'moodCode="EVN" negationInd="true"')
    (found,) = conditions(laboratory, problem(more=related("REFR", denied)))
    assert state(found)[0] == "active"


def test_one_that_ended_is_resolved_and_one_of_a_closed_concern_inactive(laboratory: bytes) -> None:
    ended = '<effectiveTime><low value="2010"/><high value="2012"/></effectiveTime>'
    (found,) = conditions(laboratory, problem(when=ended))
    assert state(found)[0] == "resolved"
    assert (found["onsetDateTime"], found["abatementDateTime"]) == ("2010", "2012")
    (found,) = conditions(laboratory, concern(problem(), status="completed"))
    assert state(found)[0] == "inactive"


def test_what_stands_inside_is_its_evidence_and_data_of_its_own(laboratory: bytes) -> None:
    stage = observation(
        coded("value", "IIb", "2.999.1", "Stade IIb", "CD"),
        FRENCH + "48",
        code=coded("code", "21908-9", LOINC, "Stade"),
    )
    found = read_in(laboratory, concern(problem(more=related("SUBJ", stage))))
    (of,) = [each for each in found if each["resourceType"] == "Condition"]
    (seen,) = [each for each in found if each["resourceType"] == "Observation"]
    assert seen["valueCodeableConcept"]["coding"][0]["code"] == "IIb"
    assert len(of["evidence"]) == 1
    # Inside what is kept, nothing is taken out of its place.
    masked = problem(more=related("SUBJ", stage), attributes='nullFlavor="MSK"')
    assert read_in(laboratory, masked) == []


def test_two_templates_the_precise_one_says_what_it_is(laboratory: bytes) -> None:
    """IHE's allergy declares that it is a problem too, whatever the order of the two."""
    agent = (
        '<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">'
        f"{coded('code', 'Z88.0', ICD, 'Pénicilline')}</playingEntity></participantRole></participant>"
    )
    for oids in ((PCC + "6", PCC + "5"), (PCC + "5", PCC + "6")):
        entry = observation(agent, *oids, code=coded("code", "ALG", "2.16.840.1.113883.5.4", "ALG"))
        kinds = {each["resourceType"] for each in read_in(laboratory, entry)}
        assert kinds == {"AllergyIntolerance"}


def test_a_template_nobody_knows_goes_by_those_above_it_by_ihe_s_then_by_its_shape(
    laboratory: bytes,
) -> None:
    said = coded("value", "J45", ICD, "Asthme", "CD")
    code = coded("code", "55607006", SNOMED, "problème")
    for oids in ((FRENCH + "37.99.2",), (PCC + "5",), ("2.999.8", PCC + "5")):
        assert len(conditions(laboratory, observation(said, *oids, code=code))) == 1, oids
    (found,) = read_in(laboratory, observation(said, "2.999.8", code=code))
    assert found["resourceType"] == "Observation", "by its shape, which says no illness"
