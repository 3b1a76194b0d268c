# SPDX-License-Identifier: EUPL-1.2
"""Amounts add up, call-backs are harmless again and in any order, a card's token serves one act once."""

import asyncio
import base64
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet import errors
from carnet.care.tele import card, payment
from carnet.care.tele.payment import Call, Payment, Simulator, State, moved
from carnet.care.tele.shares import WrongAmount, share

KEY, NOW = b"k" * 32, 1_795_000_000
ASKED = Payment("p-1", "act-1", 750)
PER_MILLE = st.integers(0, 1000)


@given(st.integers(0, 10**7), PER_MILLE, PER_MILLE, st.integers(0, 10**4))
def test_the_shares_always_add_up_and_none_is_below_zero(
    total: int, insurer: int, complementary: int, flat: int
) -> None:
    made = share(total, insurer=insurer, complementary=complementary, flat=flat)
    assert made.total == total
    assert min(made.insurer, made.complementary, made.patient) >= 0


def test_a_consultation_of_25_euros_is_shared_as_its_rates_say() -> None:
    made = share(2500, insurer=700, complementary=1000, flat=200)
    assert (made.insurer, made.complementary, made.patient) == (1550, 750, 200)


@pytest.mark.parametrize("wrong", [{"insurer": 1001}, {"complementary": -1}, {"flat": -1}])
def test_a_rate_or_an_amount_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(WrongAmount):
        share(2500, **{"insurer": 700, "complementary": 0, **wrong})


@given(st.lists(st.sampled_from(State), max_size=6), st.randoms())
def test_call_backs_that_come_again_or_in_another_order_end_the_same(
    states: list[State], chance: object
) -> None:
    calls = [Call("p-1", 750, state, NOW) for state in states]
    others = [*calls, *calls]
    chance.shuffle(others)  # type: ignore[attr-defined]
    assert reduce(moved, calls, ASKED) == reduce(moved, others, ASKED)


def test_believing_the_last_call_back_would_fail_the_order() -> None:
    """The planted fault: the state as the last one said it."""
    calls = [Call("p-1", 750, state, NOW) for state in (State.PAID, State.AUTHORISED)]

    def last(now: Payment, call: Call) -> Payment:
        return replace(now, state=call.state)

    assert reduce(last, calls, ASKED) != reduce(last, calls[::-1], ASKED)
    assert reduce(moved, calls, ASKED).state is State.PAID


@pytest.mark.parametrize(
    "call", [Call("p-2", 750, State.PAID, NOW), Call("p-1", 1, State.PAID, NOW)]
)
def test_a_call_back_of_another_payment_or_amount_changes_nothing(call: Call) -> None:
    with pytest.raises(payment.OtherPayment):
        moved(ASKED, call)


def test_a_call_back_is_believed_signed_fresh_and_whole_alone() -> None:
    body, seal = Simulator(KEY).call(ASKED, State.PAID, NOW)
    assert payment.read(KEY, body, seal, NOW + 300).state is State.PAID
    for other, mark, at in (
        (body.replace(b"750", b"751"), seal, NOW),
        (body, "", NOW),
        (body, "é", NOW),
        (body, seal, NOW + 301),
        (body + b" " * 2000, seal, NOW),
    ):
        with pytest.raises(payment.WrongCall):
            payment.read(KEY, other, mark, at)
    for said in (
        b"[]",
        b"{}",
        b"\xff",
        b'{"payment": "p", "cents": 1.5, "state": "paid", "at": 1}',
    ):
        with pytest.raises(errors.Structure):
            payment.read(KEY, said, payment.signed(KEY, said), NOW)


def test_the_simulators_say_that_they_are() -> None:
    assert Simulator(KEY).label == card.LABEL == "simulateur"


class Used:
    """What was used, of one test."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()

    async def once(self, digest: bytes, until: int) -> bool:
        fresh = digest not in self.seen
        self.seen.add(digest)
        return fresh


def test_a_card_is_read_for_one_act_in_its_time_and_once() -> None:
    used, token = Used(), card.made(KEY, "act-1", NOW, b"n" * 16)
    for act, at in (("act-2", NOW), ("act-1", NOW + 300), ("act-1", NOW - 1)):
        with pytest.raises(card.WrongToken):
            asyncio.run(card.take(KEY, token, act, at, used.once))
    assert not used.seen  # a reading that is refused uses nothing up
    asyncio.run(card.take(KEY, token, "act-1", NOW + 299, used.once))
    with pytest.raises(card.WrongToken):
        asyncio.run(card.take(KEY, token, "act-1", NOW + 299, used.once))


@pytest.mark.parametrize("at", range(0, 90, 7))
def test_a_token_changed_in_any_place_is_refused(at: int) -> None:
    bare = bytearray(base64.urlsafe_b64decode(card.made(KEY, "act-1", NOW, b"n" * 16)))
    bare[at % len(bare)] ^= 1
    with pytest.raises(card.WrongToken):
        changed = base64.urlsafe_b64encode(bare).decode()
        asyncio.run(card.take(KEY, changed, "act-1", NOW, Used().once))


@pytest.mark.parametrize("junk", ["", "é", "====", "a" * 501, "AAAA" * 20])
def test_junk_is_no_token(junk: str) -> None:
    with pytest.raises(card.WrongToken):
        asyncio.run(card.take(KEY, junk, "act-1", NOW, Used().once))
