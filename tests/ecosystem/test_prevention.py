# SPDX-License-Identifier: EUPL-1.2
"""What a calendar proposes: ages by the day, vaccines of the record, and never a lack told as a fact."""

import copy
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.ecosystem.prevention import Advice, Given, age, calendar, later, plan, read
from carnet.words import BadTable, table

TODAY = date(2026, 11, 24)
BORN = date(1941, 5, 14)


def found(born: date, sex: str, *doses: Given, today: date = TODAY) -> dict[str, Advice]:
    return {each.reason.key: each for each in plan(born, sex, doses, today)}


def test_at_85_a_vaccine_of_last_autumn_is_due_and_one_of_this_autumn_is_done() -> None:
    old = Given(("INCONNU", "J07BB02"), date(2025, 11, 3))
    assert found(BORN, "female")["flu"].state == "now"
    assert found(BORN, "female", old)["flu"].state == "now"
    assert found(BORN, "female", old)["flu"].done == old.on
    new = found(BORN, "female", old, Given(("J07BB02",), date(2026, 10, 20)))["flu"]
    assert (new.state, new.again) == ("done", date(2027, 10, 20))


def test_a_dose_before_the_age_of_a_reason_does_not_count_for_it() -> None:
    early, right = Given(("J07BK02",), date(2004, 1, 1)), Given(("J07BK02",), date(2020, 1, 1))
    assert found(BORN, "female", early)["shingles"].state == "now"
    assert found(BORN, "female", right)["shingles"].state == "done"


def test_a_dose_of_tomorrow_was_not_given() -> None:
    tomorrow = Given(("J07BB02",), TODAY + timedelta(1))
    assert found(BORN, "female", tomorrow)["flu"].state == "now"


@pytest.mark.parametrize(("day", "there"), [(13, False), (14, True)])
def test_a_reason_begins_on_the_birthday(day: int, there: bool) -> None:
    assert ("bowel" in found(date(1976, 5, 14), "male", today=date(2026, 5, day))) is there


@pytest.mark.parametrize(("day", "there"), [(13, True), (14, False)])
def test_a_reason_ends_on_the_birthday_after_its_last_age(day: int, there: bool) -> None:
    assert ("bowel" in found(date(1951, 5, 14), "male", today=date(2026, 5, day))) is there


def test_a_reason_of_one_sex_is_for_it_and_for_whose_is_not_known() -> None:
    born = date(1970, 1, 1)
    assert "breast" not in found(born, "male")
    assert all("breast" in found(born, sex) for sex in ("female", "unknown", "other"))


def test_what_a_record_cannot_tell_is_never_said_to_be_missing() -> None:
    for each in found(date(1970, 1, 1), "female").values():
        assert each.state == "unknown" or each.reason.atc


def test_every_line_says_that_it_was_not_verified_while_it_was_not() -> None:
    assert all(each.source.unverified or each.source.text for each in calendar()[1])


@given(
    st.dates(date(1900, 1, 1), date(2020, 1, 1)),
    st.integers(0, 110),
)
def test_a_birthday_is_when_the_age_changes(born: date, years: int) -> None:
    day = later(born, years)
    assert age(born, day) == years
    if years:
        assert age(born, day - timedelta(1)) == years - 1


@pytest.mark.parametrize("change", [{"from": 60, "to": 50}, {"every": 0}, {"from": -1}])
def test_ages_that_do_not_follow_one_another_are_refused(change: dict[str, int]) -> None:
    given_ = copy.deepcopy(table("carnet.ecosystem", "prevention.toml"))
    given_["reason"][0] |= change
    with pytest.raises(BadTable):
        read(given_)
