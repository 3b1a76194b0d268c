# SPDX-License-Identifier: EUPL-1.2
"""Scopes are read as SMART App Launch 2.2 writes them; one covers another when it allows all of it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.access import scopes
from carnet.access.actor import Actor, ActorKind
from carnet.access.scopes import DataScope, WrongScope, parse

TYPES = ("*", "Observation", "DocumentReference", "Patient")
LETTERS = ["".join(each) for n in range(1, 6) for each in itertools.combinations("cruds", n)]
TESTS = st.lists(
    st.tuples(
        st.sampled_from(["category", "code", "status"]),
        st.lists(st.sampled_from(["a", "http://x.y|b", "c"]), min_size=1, max_size=2, unique=True),
    ),
    max_size=2,
    unique_by=lambda each: each[0],
).map(lambda tests: tuple(sorted((name, tuple(sorted(values))) for name, values in tests)))
SCOPES = st.builds(
    lambda level, rtype, letters, tests: DataScope(
        level, rtype, letters, () if rtype == "*" else tests
    ),
    st.sampled_from(scopes.LEVELS),
    st.sampled_from(TYPES),
    st.sampled_from(LETTERS),
    TESTS,
)


@given(SCOPES)
def test_a_scope_is_read_as_it_was_written(one: DataScope) -> None:
    assert parse(str(one)) == one


@given(SCOPES, SCOPES, SCOPES)
def test_what_covers_a_scope_covers_what_it_covers(
    one: DataScope, two: DataScope, three: DataScope
) -> None:
    assert one.covers(one)
    if one.covers(two) and two.covers(three):
        assert one.covers(three)


@pytest.mark.parametrize(
    "word",
    [
        "", "patient", "patient/", "patient/Observation", "patient/Observation.", "patient/observation.r",
        "patient/Observation.sr", "patient/Observation.rr", "patient/Observation.x", "Patient/Observation.r",
        "patient/Observation.r ", " patient/Observation.r", "patient/Observation.r\n", "patient/*.r?code=a",
        "patient/Observation.r?", "patient/Observation.r?code", "patient/Observation.r?code=",
        "patient/Observation.r?code=a&code=b", "patient/Observation.r?subject=a", "patient/Öbservation.r",
        "patient/Observation.r?code=" + "a" * 600, "*", "all/Observation.r", "patient/Observation.r?code=|",
    ],
)  # fmt: skip
def test_what_is_no_scope_is_refused(word: str) -> None:
    with pytest.raises(WrongScope):
        parse(word)
    assert not scopes.covered(word, {"patient/*.cruds", "openid"})


def test_a_scope_of_version_one_is_the_letters_it_stood_for() -> None:
    for old, letters in (("read", "rs"), ("write", "cud"), ("*", "cruds")):
        assert parse(f"user/Patient.{old}") == parse(f"user/Patient.{letters}")


def test_the_whole_of_our_own_acts_cannot_be_asked_for() -> None:
    for scope in ("*", "openid *", "patient/*.r *"):
        with pytest.raises(WrongScope):
            scopes.judged(scope)


@pytest.mark.parametrize("scope", ["openid openid", " openid", "openid  fhirUser", "a " * 200])
def test_a_request_says_each_word_once(scope: str) -> None:
    with pytest.raises(WrongScope):
        scopes.judged(scope)


@pytest.mark.parametrize(
    ("asked", "held", "within"),
    [
        ("patient/Observation.r", "patient/*.rs", True),
        ("patient/Observation.rs", "patient/Observation.r", False),
        ("user/Observation.r", "patient/*.cruds", False),
        ("patient/*.r", "patient/Observation.r", False),
        ("patient/Observation.r", "patient/Observation.r?code=a", False),
        ("patient/Observation.r?code=a", "patient/Observation.r", True),
        ("patient/Observation.r?code=a", "patient/Observation.r?code=a,b", True),
        ("patient/Observation.r?code=a,b", "patient/Observation.r?code=a", False),
        ("offline_access", "openid", False),
    ],
)
def test_one_scope_is_within_others(asked: str, held: str, within: bool) -> None:
    assert scopes.covered(asked, held.split()) is within


def test_nothing_is_written_by_a_scope_that_is_narrowed_by_a_test() -> None:
    held = frozenset({"user/Observation.cruds?category=laboratory"})
    actor = Actor(ActorKind.PATIENT, "patient:x", "X", "tests", scopes=held)
    assert [letter for letter in "cruds" if scopes.allows(actor, "Observation", letter)] == [
        "r",
        "s",
    ]
