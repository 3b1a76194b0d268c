# SPDX-License-Identifier: EUPL-1.2
"""Key results are looked for as far back as they are; a walk that is stopped says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from carnet.summary import health, observations
from carnet.summary.pages import Health, Value
from tests.space import Space
from tests.summary.facts import result

pytestmark = pytest.mark.anyio

POTASSIUM, INR = "2823-3", "34714-6"
NEW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of the walk holds three results."""
    monkeypatch.setattr(observations, "VALUES", 3)


async def send(space: Space, code: str, value: float, days: int, **more: Any) -> None:
    at = (NEW - timedelta(days=days)).isoformat()
    body = result(code, value, at, **more) | {
        "subject": {"reference": f"Patient/{space.patient_id()}"}
    }
    answer = await space.post("Observation", body, as_="hospital-doctor")
    assert answer.status == 201, answer.body


async def page_of(space: Space) -> Health:
    return await health(await space.visit("patient"), "")


def of(page: Health, code: str) -> Value:
    return next(each for each in page.results if each.code == code)


def numbers(*each: int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, each))


@pytest.mark.usefixtures("short")
async def test_a_rare_result_is_found_behind_many_of_a_frequent_one(space: Space) -> None:
    for day in range(9):
        await send(space, POTASSIUM, 4, day)
    await send(space, INR, 14, 3000)
    await send(space, INR, 13, 3100)
    page = await page_of(space)
    assert (of(page, INR).number, of(page, INR).previous) == numbers(14, 13)
    assert not page.unread


@pytest.mark.usefixtures("short")
async def test_results_entered_in_error_do_not_hide_the_one_before_them(space: Space) -> None:
    for day in range(8):
        await send(space, INR, 90 + day, day, status="entered-in-error")
    await send(space, INR, 2, 400)
    found = of(await page_of(space), INR)
    assert found.number == Decimal(2)
    assert not found.conflicts


@pytest.mark.usefixtures("short")
async def test_two_values_of_one_instant_or_in_another_unit_do_not_hide_the_trend(
    space: Space,
) -> None:
    for _ in range(3):
        await send(space, INR, 3, 1)
    for day in range(2, 6):
        await send(space, INR, 300, day, unit="pmol/L")
    await send(space, INR, 2, 9)
    found = of(await page_of(space), INR)
    assert (found.number, found.previous) == numbers(3, 2)


@pytest.mark.usefixtures("short")
async def test_a_walk_that_is_stopped_says_so(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observations, "PAGES", 2)
    for day in range(8):
        await send(space, INR, 90 + day, day, status="entered-in-error")
    await send(space, INR, 2, 9000)
    assert (await page_of(space)).unread
    answer = await space.get(f"Patient/{space.patient_id()}/$summary", as_="patient")
    assert "n’ont pas été lus" in answer.body.decode()


async def test_a_result_of_a_day_to_come_is_told_and_stands_before_nothing(space: Space) -> None:
    await send(space, INR, 2, 9)
    await send(space, INR, 3, 1)
    await send(space, INR, 30, -900)
    found = of(await page_of(space), INR)
    assert (found.number, found.previous) == numbers(3, 2)
    assert found.conflicts == ("future",)
    assert [each.said for each in found.sources] == ["", "30 mmol/L"]


def test_a_code_is_settled_by_a_value_and_one_before_it() -> None:
    walk = observations.Walk(frozenset({INR}), NEW)
    for days, unit in ((1, "mU/L"), (1, "mU/L"), (2, "pmol/L")):
        walk.met(result(INR, 1, "2026-11-19", unit), NEW - timedelta(days=days))
        assert walk.left == {INR}
    walk.met({**result(INR, 1, ""), "valueQuantity": {"unit": "mU/L"}}, NEW - timedelta(days=3))
    assert walk.left == {INR}, "it says no value"
    walk.met(result(INR, 1.5, "2026-11-17", "mU/L"), NEW - timedelta(days=4))
    assert walk.left == set()
