# SPDX-License-Identifier: EUPL-1.2
"""A stolen practice account: how many people it saw before everything ended, by every door at once.

The limit is set low, so that the few people of a practice of the cast are many; two installations on one
database are two processes. What was seen is counted in the answers, never in the audit that limits.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from carnet.access import queries
from tests.oauth.place import client_key, pattern_of, place
from tests.space import Answer, Peopled, Space, build

__all__ = ["client_key", "place"]
pytestmark = pytest.mark.anyio
MOST = 5  # people an hour, of the sixteen that the nurse may read
PERSONA = "nurse"
ONE_BY_ONE = (
    "Patient/{0}",
    "Patient/{0}/$everything?_count=5",
    "Observation?patient={0}&_include=Observation:patient",
    "Patient?_id={0}&_revinclude=Observation:patient",
)


@dataclass
class Thief:
    """Who has the account, and what they saw."""

    doors: list[Space]
    people: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    statuses: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    async def ask(self, at: int, path: str) -> Answer:
        """One request, at one of the processes; who is in the answer."""
        space = self.doors[at % len(self.doors)]
        if not self.tokens:  # taken once: an account that is stopped gets no other
            self.tokens = [await each.token(PERSONA) for each in self.doors]
        bearer = f"Bearer {self.tokens[at % len(self.doors)]}"
        answer = await space.get(path, authorization=bearer)
        self.statuses.append(answer.status)
        if answer.status == 200:
            text = json.dumps(answer.json)
            self.seen |= {one for one in self.people if one in text}
        return answer


def limited(space: Space) -> Space:
    """With the low limit."""
    door = space.built.door
    object.__setattr__(door, "settings", replace(door.settings, patients_per_hour=MOST))
    return space


@pytest.fixture
async def thief(space: Space, peopled: Peopled) -> AsyncIterator[Thief]:
    """Two processes of one installation; the nurse has read nobody in the last hours."""
    found = await space.get("Patient?_count=50", as_=PERSONA)
    people = [each["id"] for each in found.entries]
    assert len(people) > 2 * MOST
    space.clock.advance(timedelta(hours=30))
    other = await build(pattern_of(space), peopled.folder, space.clock, seed=12)
    doors = [limited(space), limited(replace(space, built=other, _tokens={}))]
    try:
        yield Thief(doors, people)
    finally:
        await other.pool.close()


@pytest.mark.parametrize("way", ONE_BY_ONE)
async def test_one_after_the_other_no_more_are_seen_than_the_limit(thief: Thief, way: str) -> None:
    for at, one in enumerate(thief.people):
        await thief.ask(at, way.format(one))
    print(f"FIGURE {way}: {len(thief.seen)} people seen of a limit of {MOST}")
    assert len(thief.seen) <= MOST
    assert 429 in thief.statuses


async def test_all_at_once_by_two_processes_only_what_was_under_way_goes_beyond(
    thief: Thief,
) -> None:
    """A read under way is counted when it ends: the figure says by how many the limit is passed."""
    await thief.ask(0, f"Patient/{thief.people[0]}")
    asked = [
        thief.ask(at + way, path.format(one))
        for at, one in enumerate(thief.people)
        for way, path in enumerate(ONE_BY_ONE)
    ]
    await asyncio.gather(*asked)
    print(f"FIGURE at once by two processes: {len(thief.seen)} people seen of a limit of {MOST}")
    under_way = sum(each.built.pool.max_size for each in thief.doors)
    assert len(thief.seen) <= MOST + under_way
    seen = set(thief.seen)
    more = [await thief.ask(at, f"Patient/{one}") for at, one in enumerate(thief.people)]
    assert {each.status for each in more} <= {200, 401, 429}
    assert thief.seen == seen, "nobody more, once it is counted"


async def test_a_search_that_names_nobody_is_the_last_page_of_an_account(thief: Thief) -> None:
    """It is counted by whom it showed: one page may go beyond, and none after it."""
    for at in range(MOST - 1):
        await thief.ask(at, f"Patient/{thief.people[at]}")
    assert (await thief.ask(1, "Patient?_count=3")).status == 200
    print(f"FIGURE a page at the limit: {len(thief.seen)} people seen of a limit of {MOST}")
    assert len(thief.seen) <= MOST - 1 + 3
    seen = set(thief.seen)
    while len(thief.seen) < MOST:  # a page of whom was seen already counts nobody
        await thief.ask(0, f"Patient/{next(one for one in thief.people if one not in seen)}")
        seen = set(thief.seen)
    for at, path in enumerate(("Patient?_count=50", "Observation?_include=Observation:patient")):
        assert (await thief.ask(at, path)).status == 429
    assert thief.seen == seen


async def test_another_application_and_another_log_in_give_nothing_more(thief: Thief) -> None:
    """The account is what is counted, whatever it asks with."""
    for at in range(MOST):
        await thief.ask(at, f"Patient/{thief.people[at]}")
    for space in thief.doors:
        for client in ("an-app", "another-app"):
            token = await space.token(PERSONA, client=client)
            answer = await space.get(f"Patient/{thief.people[-1]}", authorization=f"Bearer {token}")
            assert answer.status == 429


async def test_a_door_that_does_not_count_shows_everybody(
    thief: Thief, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault."""

    async def none(*given: Any) -> int:
        return 0

    monkeypatch.setattr(queries, "patients_read_since", none)
    for at, one in enumerate(thief.people):
        await thief.ask(at, f"Patient/{one}")
    assert thief.seen == set(thief.people)
