# SPDX-License-Identifier: EUPL-1.2
"""Who is worth comparing: typing faults are, other people are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.identity.matching import UNKNOWN, Known, near, near_date, neighbours, reasons

HELENE = Known("DELAUNAY", "HELENE", date(1980, 5, 4), "female", "75056", "1")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (replace(HELENE, number=None), {"same-traits"}),
        (replace(HELENE, birth_name="X", first_given="Y", sex="male"), {"same-number"}),
        (
            replace(HELENE, birth_name="HELENE", first_given="DELAUNAY", number="2"),
            {"inverted-names"},
        ),
        (replace(HELENE, birth_name="DELAUNEY", number="2"), {"near-name"}),
        (replace(HELENE, birth_name="DELANUAY", number="2"), {"near-name"}),
        (replace(HELENE, first_given="HELEN", number="2"), {"near-name"}),
        (replace(HELENE, birth_date=date(1980, 4, 5), number="2"), {"near-date"}),
        (replace(HELENE, birth_date=date(1908, 5, 4), number="2"), {"near-date"}),
        (replace(HELENE, birth_date=date(1981, 5, 4), number="2"), {"near-date"}),
        (replace(HELENE, birth_place=None, sex="unknown", number="2"), {"same-traits"}),
        (replace(HELENE, sex="male", number="2"), set()),
        (replace(HELENE, birth_place="13055", number="2"), set()),
        (replace(HELENE, birth_name="MARTIN", number="2"), set()),
        (replace(HELENE, birth_name="DELAUNEY", birth_date=date(1980, 4, 5), number="2"), set()),
        (replace(HELENE, birth_date=UNKNOWN, number="2"), set()),
    ],
)
def test_why_two_identities_are_compared(other: Known, why: set[str]) -> None:
    assert reasons(HELENE, other) == reasons(other, HELENE) == why


def test_short_names_one_letter_apart_are_others() -> None:
    assert not near("LEA", "LIA")
    assert not near("MARTIN", "MARTIN")
    assert not near("MARTIN", "MARTINEZ")


@given(st.dates(min_value=date(1850, 1, 1), max_value=date(2100, 1, 1)))
def test_every_near_date_is_looked_for(born: date) -> None:
    found = neighbours(born)
    assert born not in found
    assert all(near_date(born, each) and near_date(each, born) for each in found)
