# SPDX-License-Identifier: EUPL-1.2
"""FINESS numbers, and the IDNST that carries them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.identity.organisations import Finess, WrongFiness, finess, numbered

ROOTS = st.text("0123456789", min_size=8, max_size=8)


def test_the_number_of_a_known_hospital_is_right() -> None:
    """Assistance publique – Hôpitaux de Paris."""
    assert Finess("750712184").idnst == "1750712184"


@given(ROOTS)
def test_a_number_made_is_a_number_accepted(root: str) -> None:
    """And its IDNST gives it back."""
    made = numbered(root)
    assert finess(made.idnst) == made.value


@given(ROOTS, st.integers(0, 8), st.integers(1, 9))
def test_one_digit_mistaken_is_seen(root: str, place: int, by: int) -> None:
    """What Luhn's key is for."""
    value = numbered(root).value
    wrong = value[:place] + str((int(value[place]) + by) % 10) + value[place + 1 :]
    with pytest.raises(WrongFiness):
        Finess(wrong)


@pytest.mark.parametrize("value", ["2A0000014", "2B0000020"])
def test_corsica_is_judged_on_its_shape(value: str) -> None:
    """How the letter enters the key is unverified: nobody is refused for it."""
    assert Finess(value).value == value


@pytest.mark.parametrize(
    "value", ["", "75071218", "7507121840", "2C0000014", "７50712184", "750712184\n"]
)
def test_another_shape_is_refused(value: str) -> None:
    """Nine characters, ASCII digits but for Corsica's letter."""
    with pytest.raises(WrongFiness):
        Finess(value)


@pytest.mark.parametrize(
    ("idnst", "number"),
    [
        ("1750712184", "750712184"),
        ("1120459876", "120459876"),  # wrong key: read all the same
        ("2801234567", None),  # SIREN
        ("378435954900010", None),  # SIRET
        ("00B105729400", None),  # private practice
        ("", None),
    ],
)
def test_an_idnst_says_its_type(idnst: str, number: str | None) -> None:
    """1, then the FINESS number."""
    assert finess(idnst) == number
