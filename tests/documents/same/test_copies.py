# SPDX-License-Identifier: EUPL-1.2
"""Documents shown once, and those that only look alike."""

import pytest

from carnet.documents.same.copies import Paper, Same, told_once

BYTES, UNIQUE, ACT = 1, 2, 3
A, B, C = (1, 10), (1, 11), (1, 12)
SEEN = Paper(A, frozenset((BYTES,)), frozenset((UNIQUE, ACT)), results=54, narrative=7)


@pytest.mark.parametrize(
    "copy",
    [
        Paper(B, exact=frozenset((BYTES,))),
        Paper(B, keys=frozenset((UNIQUE,))),  # printed: it was not read
        Paper(B, frozenset((9,)), frozenset((ACT, 8))),  # the PDF of the same report
        Paper(B, frozenset((9,)), frozenset((ACT,)), results=54),
        Paper(B, frozenset((9,)), frozenset((ACT,)), results=54, narrative=7),
    ],
)
def test_a_copy_is_shown_once_with_its_sources(copy: Paper) -> None:
    assert told_once([SEEN, copy]) == [Same((SEEN, copy))]


def test_what_shares_nothing_stays_another_document() -> None:
    other = Paper(B, frozenset((9,)), frozenset((8,)), results=54, narrative=7)
    assert told_once([SEEN, other]) == [Same((SEEN,)), Same((other,))]


@pytest.mark.parametrize(
    "other",
    [
        Paper(B, keys=frozenset((ACT,)), results=99),
        Paper(B, keys=frozenset((UNIQUE,)), results=54, narrative=8),  # another conclusion
        Paper(B, keys=frozenset((ACT,)), narrative=8),
    ],
)
def test_what_says_something_else_is_never_merged_and_is_told(other: Paper) -> None:
    assert told_once([SEEN, other]) == [Same((SEEN,), (B,)), Same((other,), (A,))]


def test_two_that_nobody_read_and_whose_bytes_differ_may_differ() -> None:
    one = Paper(A, frozenset((1,)), frozenset((ACT,)))
    two = Paper(B, frozenset((9,)), frozenset((ACT,)))
    assert told_once([one, two]) == [Same((one,), (B,)), Same((two,), (A,))]


def test_a_copy_that_says_nothing_never_joins_two_that_differ() -> None:
    other = Paper(B, keys=frozenset((ACT,)), results=99)
    silent = Paper(C, frozenset((9,)), frozenset((ACT,)))
    for order in ([SEEN, other, silent], [SEEN, silent, other]):
        assert [each.places for each in told_once(order)] == [(A, C), (B,)]
        assert told_once(order)[0].conflicts == (B,)
