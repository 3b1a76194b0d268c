# SPDX-License-Identifier: EUPL-1.2
"""Regular expressions of others: what a hostile text could make run for ever is not run."""

import re

import pytest

from carnet import errors
from carnet.fhir.fhirpath import evaluate
from carnet.fhir.fhirpath.functions.patterns import bearable, checked


@pytest.mark.parametrize(
    "written",
    ["(a+)+b", "(a|a)*b", "(a|ab)*c", "(aa|aaa)*c", "(a?){40}a{40}", "(x{1,30}){1,30}y", "(a*)*"],
)
def test_ways_of_cutting_a_text_that_double_are_refused(written: str) -> None:
    with pytest.raises(re.error):
        checked(written)


@pytest.mark.parametrize(
    "written",
    [
        r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+",
        r"[A-Z]([A-Za-z0-9_]){0,254}",
        r"[^@\s]+@[^@\s]+\.[^@\s]+",
        r"([^ ]+ )*end",
    ],
)
def test_patterns_of_profiles_are_run(written: str) -> None:
    checked(written)
    assert bearable(written, 100)


def test_repetitions_side_by_side_are_run_on_short_texts_alone() -> None:
    assert bearable("a*a*a*b", 50)
    assert not bearable("a*a*a*a*a*a*b", 300)
    assert bearable("abc", 10_000_000)
    resource = {"resourceType": "Basic", "id": "a" * 300}
    with pytest.raises(errors.CarnetError):
        evaluate("id.matches('a*a*a*a*a*a*b')", resource)
