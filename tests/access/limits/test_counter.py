# SPDX-License-Identifier: EUPL-1.2
"""Counting, over several processes."""

from __future__ import annotations

import pytest

from carnet.access.limits.counter import Counter
from carnet.access.limits.refusals import TooFast
from carnet.access.limits.table import HOUR, Of, Rate, lines, load
from carnet.postgres.pool import Pool

pytestmark = pytest.mark.anyio
RATES = {
    "often": Rate("often", Of.ADDRESS, 10, 60, exact=False),
    "rare": Rate("rare", Of.PAIR, 3, 600, exact=True),
}
KEY = b"k" * 32


class At:
    """A clock."""

    def __init__(self) -> None:
        self.now = 6000.0

    def __call__(self) -> float:
        return self.now


def counters(pool: Pool, clock: At) -> tuple[Counter, Counter]:
    """Two processes."""
    return Counter(pool, RATES, KEY, clock), Counter(pool, RATES, KEY, clock)


def taken(counter: Counter, times: int, who: str = "203.0.113.7") -> int:
    """How many pass."""
    passed = 0
    for _ in range(times):
        try:
            counter.take("often", who)
        except TooFast:
            continue
        passed += 1
    return passed


async def test_a_window_lets_so_many_pass_and_says_how_long_to_wait(pool: Pool) -> None:
    clock = At()
    one, _ = counters(pool, clock)
    assert taken(one, 15) == 10
    clock.now += 20
    with pytest.raises(TooFast) as refused:
        one.take("often", "203.0.113.7")
    assert refused.value.wait == 41
    assert taken(one, 1, "203.0.113.8") == 1
    clock.now += 41
    assert taken(one, 15) == 10


async def test_processes_know_of_each_other_after_they_told(pool: Pool) -> None:
    one, two = counters(pool, At())
    assert taken(one, 6) == 6
    await one.tell()
    assert taken(two, 1) == 1
    await two.tell()
    assert taken(two, 10) == 3  # 6 there, 1 + 3 here


async def test_what_could_not_be_told_is_told_later(pool: Pool) -> None:
    one, two = counters(pool, At())
    taken(one, 6)
    kept, one.pool = one.pool, None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        await one.tell()
    one.pool = kept
    await one.tell()
    taken(two, 1)
    await two.tell()
    assert taken(two, 10) == 3


async def test_what_is_rare_is_counted_at_once_everywhere(pool: Pool) -> None:
    one, two = counters(pool, At())
    for each in (one, two, one):
        await each.exactly("rare", "rpps:1 203.0.113.7")
    for each in (one, two):
        with pytest.raises(TooFast):
            await each.exactly("rare", "rpps:1 203.0.113.7")
    assert await two.exactly("rare", "rpps:1 203.0.113.8") == 1
    await one.give_back("rare", "rpps:1 203.0.113.8")
    assert await two.exactly("rare", "rpps:1 203.0.113.8") == 1


async def test_no_address_rests_and_nothing_stays_after_its_window(pool: Pool) -> None:
    clock = At()
    one, _ = counters(pool, clock)
    one.take("often", "203.0.113.7")
    await one.tell()
    await one.exactly("rare", "rpps:10000000001 203.0.113.7")
    async with pool.connection() as conn:
        rows = await (await conn.execute("SELECT r::text, who FROM access.rate r")).fetchall()
    assert len(rows) == 2
    for text, who in rows:
        assert len(who) == 16
        assert not any(each in text for each in ("203.0", "rpps", b"203.0.113.7".hex()))
    clock.now += HOUR
    await one.tell()
    async with pool.connection() as conn:
        assert await (await conn.execute("SELECT 1 FROM access.rate")).fetchone() is None


def test_every_rate_is_said_and_none_keeps_an_address_over_an_hour() -> None:
    for demonstration in (False, True):
        rates = load(demonstration=demonstration)
        assert len(lines(rates)) == len(rates)
    with pytest.raises(AssertionError):
        Rate("x", Of.ADDRESS, 1, HOUR + 1, exact=True)
    strict, loose = load(demonstration=False), load(demonstration=True)
    assert all(strict[name].most <= loose[name].most for name in strict)
