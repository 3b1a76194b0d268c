# SPDX-License-Identifier: EUPL-1.2
"""Server ids: they route, tell nothing, and are refused in any other form."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.fhir.store.ids import EPOCH, SHAPE, Ids

NOW = datetime(2026, 11, 22, tzinfo=UTC)
numbers = st.integers(0, 2**63 - 1)


def made(clock: Callable[[], datetime] = lambda: NOW, seed: int = 1) -> Ids:
    return Ids(b"k" * 16, clock, random.Random(seed).getrandbits)


IDS = made()


@given(numbers, numbers)
def test_an_id_gives_back_its_place(cid: int, rid: int) -> None:
    text = IDS.encode(cid, rid)
    assert SHAPE.fullmatch(text)
    assert IDS.decode(text) == (cid, rid)


@given(st.text(max_size=40))
def test_any_text_is_an_id_of_ours_or_none(text: str) -> None:
    found = IDS.decode(text)
    assert found is None or IDS.encode(*found) == text


@pytest.mark.parametrize("last", "bcdfgh")
def test_one_place_has_one_id(last: str) -> None:
    """Base32 leaves two bits over: only the form with zeros is ours."""
    text = IDS.encode(1, 2)
    other = text[:-1] + last
    assert other == text or IDS.decode(other) is None or IDS.decode(other) != (1, 2)


def test_ids_show_no_order() -> None:
    texts = [IDS.encode(5, rid) for rid in range(1000)]
    assert texts != sorted(texts)
    assert len({text[:4] for text in texts}) > 950


def test_another_installations_id_leads_nowhere_of_ours() -> None:
    other = Ids(b"x" * 16, lambda: NOW, random.Random(1).getrandbits)
    assert other.decode(IDS.encode(1, 2)) != (1, 2)


def test_numbers_rise_even_when_the_clock_goes_back() -> None:
    times = iter([NOW, NOW, NOW - timedelta(hours=1), NOW + timedelta(seconds=1)] * 5)
    ids = made(lambda: next(times))
    found = [ids.new() for _ in range(20)]
    assert found == sorted(set(found))
    assert found[0] >> 22 == int((NOW - EPOCH).total_seconds() * 1000)
    assert all(0 < number < 2**63 for number in found)
