# SPDX-License-Identifier: EUPL-1.2
"""What an operator is told of: watched records, emergencies, the clock, the keys."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from carnet.access.limits.alarms import reasons
from carnet.app.watching import JUMP, Watch
from tests.export.test_take import seal
from tests.space import Space

pytestmark = pytest.mark.anyio


async def told(space: Space) -> set[tuple[str, str, str]]:
    """Alarms: reason, account, what was done."""
    rows = await space.rows("SELECT reason, sub, done FROM access.alarm")
    return {tuple(row) for row in rows}


async def test_a_watched_record_that_is_opened_is_an_alarm_that_names_no_record(
    space: Space,
) -> None:
    cid = space.where.people["patient"]
    await seal(space)  # what loaded it
    await space.rows("INSERT INTO access.canary VALUES (%s, now(), 'operator:x')", cid)
    await space.rows("DELETE FROM access.alarm")
    await space.get(f"Patient/{space.patient_id()}", as_="gp")
    await space.get(f"Observation?patient={space.patient_id()}", as_="gp")
    await seal(space)
    sub = (await space.actor("gp")).sub
    assert ("canary", sub, "nothing") in await told(space)
    rows = await space.rows("SELECT client, times, row_to_json(a)::text FROM access.alarm a")
    assert [row[:2] for row in rows] == [("tests", 2)]
    assert "cid" not in rows[0][2]
    assert space.patient_id() not in rows[0][2]


async def test_the_clock_and_the_keys_are_watched(space: Space) -> None:
    wall = SimpleNamespace(now=1000.0)
    watch = Watch(space.built, lambda: wall.now, lambda: 0.0)
    wall.now += JUMP - 1
    await watch.look()
    assert await told(space) == set()
    wall.now -= JUMP + 1
    await watch.look()
    assert await told(space) == {("clock", "", "nothing")}
    watch._keys = frozenset({"another"})
    await watch.look()
    assert ("keys", "", "nothing") in await told(space)


def test_every_reason_is_told_in_two_languages_and_somewhere() -> None:
    for name, reason in reasons().items():
        assert set(reason.what) == set(reason.todo) == {"fr", "en"}, name
