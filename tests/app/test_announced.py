# SPDX-License-Identifier: EUPL-1.2
"""Somebody of the demonstration whose record is announced: her letter, six weeks, then it opens."""

from datetime import timedelta

import pytest

from carnet.app import demonstration
from carnet.notices import letters
from carnet.rights import clock as clocks
from carnet.rights import life
from tests.people import POPULATION
from tests.space import Space


@pytest.mark.anyio
async def test_the_announced_person_gets_a_letter_then_her_record_opens(space: Space) -> None:
    door = space.built.door
    found = await demonstration.load_announced(space.built, space.admin_url, POPULATION)
    again = await demonstration.load_announced(space.built, space.admin_url, POPULATION)
    assert found == again and set(found) == {"announced"}
    assert (await life.of(await space.visit("announced"))).life.state == "notice"
    assert (await clocks.due(door)).announced == 1
    (letter,) = [each for each in await letters.tray(door) if each.channel == "letter"]
    assert (await letters.letter(door, letter.id)).to[0] == "Odette Rivière"
    space.clock.advance(timedelta(days=50))  # a letter that stays in the tray announces nothing
    assert (await clocks.due(door)).opened == 0
    await letters.posted(door, letter.id)
    assert (await clocks.due(door)).started == 1
    space.clock.advance(timedelta(days=41))
    assert (await clocks.due(door)).opened == 0
    space.clock.advance(timedelta(days=2))
    assert (await clocks.due(door)).opened == 1
    assert (await life.of(await space.visit("announced"))).life.state == "open"
