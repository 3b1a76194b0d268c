# SPDX-License-Identifier: EUPL-1.2
"""A Patient sent with a number that is known here: the same person, or nobody."""

from typing import Any

import pytest

from carnet.app import demonstration
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio


def sent(**changes: Any) -> dict[str, Any]:
    return demonstration.patient(people.PATIENT) | changes


async def test_a_number_with_the_traits_of_its_person_is_that_person(space: Space) -> None:
    for resource in (
        sent(), sent(gender="unknown"), sent(birthDate="1967"),
        sent(name=[{"use": "official", "family": "DELAUNAY", "given": ["HELENE MARIE"]}]),
    ):  # fmt: skip
        answer = await space.post("Patient", resource, as_="hospital-software")
        assert answer.status == 200, answer.body
        assert space.patient_id() in answer.headers["location"]


@pytest.mark.parametrize("changes", [
    {"birthDate": "1967-03-10"}, {"gender": "male"},
    {"name": [{"use": "official", "family": "GARNIER", "given": ["HELENE"]}]},
    {"name": [{"use": "official", "family": "DELAUNAY", "given": ["ODETTE"]}]},
])  # fmt: skip
async def test_a_number_with_the_traits_of_another_is_refused(
    space: Space, changes: dict[str, Any]
) -> None:
    """Else its sender would put what is one person's in the record of the other."""
    answer = await space.post("Patient", sent(**changes), as_="hospital-software")
    assert answer.status == 422
    assert "somebody's here whose strict traits are not those" in answer.said
    assert space.patient_id() not in answer.body.decode()
