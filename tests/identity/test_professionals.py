# SPDX-License-Identifier: EUPL-1.2
"""RPPS numbers, and the IDNPS that carries them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.identity.professionals import Rpps, WrongRpps, numbered, rpps

ROOTS = st.text("0123456789", min_size=10, max_size=10)


@pytest.mark.parametrize("value", ["99700218896", "79927398713"])
def test_known_numbers_are_right(value: str) -> None:
    """A test card of the ANS, and the number by which Luhn's key is taught."""
    assert Rpps(value).value == value


@given(ROOTS)
def test_a_number_made_is_a_number_accepted(root: str) -> None:
    """And its IDNPS gives it back."""
    made = numbered(root)
    assert rpps(made.idnps) == made.value


@given(ROOTS, st.integers(0, 10), st.integers(1, 9))
def test_one_digit_mistaken_is_seen(root: str, place: int, by: int) -> None:
    """What Luhn's key is for."""
    value = numbered(root).value
    wrong = value[:place] + str((int(value[place]) + by) % 10) + value[place + 1 :]
    with pytest.raises(WrongRpps):
        Rpps(wrong)


@given(ROOTS, st.integers(0, 10), st.sampled_from("٠۰०𝟎０²"))
def test_a_digit_of_another_alphabet_is_no_digit(root: str, place: int, zero: str) -> None:
    """Python would read it as a number."""
    value = numbered(root).value
    with pytest.raises(WrongRpps):
        Rpps(value[:place] + zero + value[place + 1 :])


@pytest.mark.parametrize(
    "value", ["", "9970021889", "997002188960", "99700218896\n", "9970021889A"]
)
def test_another_shape_is_refused(value: str) -> None:
    """Eleven digits, no more, no less."""
    with pytest.raises(WrongRpps):
        Rpps(value)


@pytest.mark.parametrize(
    ("idnps", "number"),
    [
        ("899700218896", "99700218896"),
        ("801234534765", "01234534765"),  # wrong key: read all the same, as an author's number is
        ("00B1057294", None),  # ADELI
        ("318003502400041", None),  # internal number of a structure
        ("8", None),
        ("", None),
    ],
)
def test_an_idnps_says_its_type(idnps: str, number: str | None) -> None:
    """8, then the RPPS number."""
    assert rpps(idnps) == number
