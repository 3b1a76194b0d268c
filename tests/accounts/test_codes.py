# SPDX-License-Identifier: EUPL-1.2
"""An activation code: enough bits, read aloud and copied by hand, no slip of the pen goes unnoticed."""

from __future__ import annotations

import secrets

from hypothesis import given
from hypothesis import strategies as st

from carnet.accounts import codes

drawn = st.binary(min_size=9, max_size=9).map(lambda random: codes.made(lambda _: random))


def test_a_code_has_sixty_bits_at_least_and_no_two_are_alike() -> None:
    assert codes.BITS >= 60
    assert len({codes.made(secrets.token_bytes) for _ in range(2000)}) == 2000
    edges = (
        b"\x00" * 9,
        b"\x00" * 8 + b"\x80",
        b"\x80" + b"\x00" * 8,
    )  # the last bit that counts, the first
    assert len({codes.made(lambda _, each=each: each) for each in edges}) == 3  # type: ignore[misc]


@given(drawn)
def test_a_code_is_taken_however_it_is_copied(code: str) -> None:
    kept = codes.plain(code)
    assert kept == code.replace("-", "")
    for typed in (code.lower(), code.replace("-", " "), code.replace("-", ""), f" {code} "):
        assert codes.plain(typed) == kept
    assert codes.plain(code.replace("0", "O").replace("1", "l")) == kept


@given(drawn, st.integers(0, 14), st.sampled_from(codes.ALPHABET))
def test_one_wrong_character_is_noticed(code: str, at: int, other: str) -> None:
    kept = code.replace("-", "")
    wrong = kept[:at] + other + kept[at + 1 :]
    assert codes.plain(wrong) == (kept if wrong == kept else None)


@given(drawn, st.integers(0, 13))
def test_two_neighbours_that_changed_places_are_noticed(code: str, at: int) -> None:
    kept = code.replace("-", "")
    wrong = kept[:at] + kept[at + 1] + kept[at] + kept[at + 2 :]
    assert codes.plain(wrong) == (kept if wrong == kept else None)


@given(st.text(max_size=40))
def test_anything_else_is_no_code(typed: str) -> None:
    kept = codes.plain(typed)
    assert kept is None or len(kept) == codes.LENGTH
