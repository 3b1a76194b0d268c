# SPDX-License-Identifier: EUPL-1.2
"""No regular expression of Carnet can be made to work for long by what is written for it."""

import json
import re
import subprocess
import sys

import pytest

from tests.hostile.fuzz.regexes import tried


@pytest.mark.slow
def test_every_expression_ends_soon_on_texts_made_against_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.fuzz.regexes"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) > 40
    assert [each for each in found if not each["ends"]] == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(?:[a-z]*)*!",
        r"(x|xx)*y",
        r"^(\w+\s?)*\.$",
        r"(?:a|a)*b",
        r"(?://[^\n]*\n?\s*)*[a-z]",
    ],
)
@pytest.mark.slow
def test_an_expression_that_does_not_end_is_seen(pattern: str) -> None:
    """The control."""
    assert not tried(pattern, 0, 0.5)
    assert tried(re.escape(pattern), 0)
