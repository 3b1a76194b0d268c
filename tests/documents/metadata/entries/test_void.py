# SPDX-License-Identifier: EUPL-1.2
"""What was entered in error, or broken off, is no fact, whatever its subject."""

import pytest

from tests.documents.metadata.entries.fragments import concern, problem, read_in
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
