# SPDX-License-Identifier: EUPL-1.2
"""What was entered in error, or broken off, is no fact, whatever its subject."""

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    ICD,
    PCC,
    coded,
    concern,
    made_of,
    observation,
    problem,
    read_in,
    why,
)
from tests.documents.metadata.entries.test_immunizations import VACCINES, vaccine


def test_a_problem_of_a_concern_that_is_withdrawn_is_entered_in_error(laboratory: bytes) -> None:
    found = read_in(
        laboratory, concern(problem(), status="nullified"), concern(problem(code="J46"))
    )
    first, second = (each for each in found if each["resourceType"] == "Condition")
    assert first["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in first, "con-5 of R4"
    assert second["clinicalStatus"]["coding"][0]["code"] == "active"


@pytest.mark.parametrize(
    ("status", "told"),
    [("nullified", "entered-in-error"), ("aborted", "not-done"), ("completed", "completed")],
)
def test_a_vaccine_that_is_withdrawn_or_broken_off_was_not_given(
    laboratory: bytes, status: str, told: str
) -> None:
    given = vaccine().replace('<statusCode code="completed"/>', f'<statusCode code="{status}"/>')
    assert f'"{status}"' in given
    (found,) = (
        each
        for each in read_in(laboratory, given, code=VACCINES)
        if each["resourceType"] == "Immunization"
    )
    assert found["status"] == told


@pytest.mark.parametrize("status", ["nullified", "aborted", "cancelled"])
def test_a_vaccine_is_no_more_advised_once_that_is_withdrawn(
    laboratory: bytes, status: str
) -> None:
    """R4 has no status for it: nothing is written, and the report says why."""
    advised = vaccine(mood="INT").replace(FRENCH + "45", FRENCH + "47")
    kinds = {each["resourceType"] for each in read_in(laboratory, advised, code=VACCINES)}
    assert "ImmunizationRecommendation" in kinds
    gone = advised.replace('<statusCode code="completed"/>', f'<statusCode code="{status}"/>')
    kinds = {each["resourceType"] for each in read_in(laboratory, gone, code=VACCINES)}
    assert "ImmunizationRecommendation" not in kinds
    kept = why(laboratory, gone, code=VACCINES)
    assert ("substanceAdministration 1.2.250.1.213.1.1.3.47", "not-done") in kept


@pytest.mark.parametrize(
    ("status", "told"), [("aborted", "unconfirmed"), ("completed", "confirmed")]
)
def test_an_allergy_whose_search_was_broken_off_is_not_confirmed(
    laboratory: bytes, status: str, told: str
) -> None:
    value = coded("value", "Z88.0", ICD, "Pénicilline", "CD")
    entry = observation(value, PCC + "6", FRENCH + "41", status=status)
    (found,) = (
        each
        for each in read_in(laboratory, entry, code="48765-2")
        if each["resourceType"] == "AllergyIntolerance"
    )
    assert found["verificationStatus"]["coding"][0]["code"] == told
    assert found["clinicalStatus"]["coding"][0]["code"] == "active"


@pytest.mark.parametrize(
    ("status", "told"), [("aborted", "partial"), ("nullified", "entered-in-error")]
)
def test_a_family_history_that_was_broken_off_is_partial(
    laboratory: bytes, status: str, told: str
) -> None:
    entry = observation(
        coded("value", "D66", ICD, "Hémophilie", "CD"), FRENCH + "51", status=status
    )
    (found,) = (
        each
        for each in read_in(laboratory, entry, code="10157-6")
        if each["resourceType"] == "FamilyMemberHistory"
    )
    assert found["status"] == told


def test_one_request_that_is_withdrawn_does_not_withdraw_the_plan(laboratory: bytes) -> None:
    code = coded("code", "29463-7", "2.16.840.1.113883.6.1", "Poids")
    entries = [
        observation("", FRENCH + "27", mood="INT", code=code, status=status)
        for status in ("nullified", "active")
    ]
    found = read_in(laboratory, *entries, code="18776-5")
    (plan,) = (each for each in found if each["resourceType"] == "CarePlan")
    assert (plan["status"], len(plan["activity"])) == ("active", 1)
    alone = read_in(laboratory, entries[0], code="18776-5")
    assert "CarePlan" not in {each["resourceType"] for each in alone}


def test_results_of_an_act_that_is_withdrawn_are_and_so_is_their_report(laboratory: bytes) -> None:
    """The status of the act is above theirs, which still says completed."""
    start = laboratory.index(b"<entry")
    at = laboratory.index(b"<act ", start)
    status = laboratory.index(b'<statusCode code="completed"', at)
    gone = laboratory[:status] + laboratory[status:].replace(b"completed", b"nullified", 1)

    def said(source: bytes) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for each in made_of(source):
            if "status" in each.resource:
                found.setdefault(each.resource["resourceType"], set()).add(each.resource["status"])
        return found

    before, after = said(laboratory), said(gone)
    assert "entered-in-error" not in before["Observation"] | before["DiagnosticReport"]
    assert "entered-in-error" in after["Observation"]
    only = after["Observation"] == {"entered-in-error"}
    assert (after["DiagnosticReport"] == {"entered-in-error"}) == only
