# SPDX-License-Identifier: EUPL-1.2
"""No channel gives anything once the act that ends a right has answered; a token, a second later."""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from tests.agreement import revocation, seeds

pytestmark = [pytest.mark.slow, pytest.mark.db]


def test_a_right_ends_at_once_on_every_channel(short_path: Path) -> None:
    """What counts is when a request was sent, not how long a busy machine took to answer.

    Three of them here, all thirteen with CARNET_WHOLE=1.
    """
    some = revocation.EVERY
    if os.environ.get("CARNET_WHOLE") != "1":
        chosen = random.Random(seeds.chosen()).sample(some, 3)
        some = tuple(sorted(chosen, key=some.index))
    ended = asyncio.run(revocation.ended(short_path / "data", some))
    for one in ended:
        print(f"FIGURE {one}")
    for one in ended:
        assert one.open == [], f"{one.what}: these gave nothing before"
        assert one.channels >= 7
        if one.what in (
            "connections",
            "account stopped",
            "key leaked",
        ):  # tokens are believed a while
            assert not any(name.startswith("page ") for name in one.late), one.late
            assert all(late < revocation.BELIEVED for late in one.late.values()), one.late
        else:
            assert one.late == {}, one.what


def test_a_channel_that_goes_on_giving_is_seen() -> None:
    """The harness itself: an act after which a channel still gives something, five times."""
    acted = False

    class Channel(revocation.Channel):
        async def watch(self, stop: asyncio.Event) -> None:
            given = 0
            while not stop.is_set():
                at = time.monotonic()
                await asyncio.sleep(0.001)
                given += acted
                self.answers.append((at, time.monotonic(), given < 5))

    async def act() -> None:
        nonlocal acted
        acted = True

    async def run() -> revocation.Ended:
        made = Channel("read", None, "", {}, revocation.given)  # type: ignore[arg-type]
        return await revocation.watched("nothing", [made], act)

    assert asyncio.run(run()).late
