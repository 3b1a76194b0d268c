# SPDX-License-Identifier: EUPL-1.2
"""Halving what is hidden gains nothing; with a fault planted, the same attacker names every secret."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator

import pytest
import structlog

from carnet.access.door import seeing
from carnet.fhir.search import sql as search_sql
from tests.agreement import bisect, seeds
from tests.agreement.bisect import DOCTOR, LAB, ORACLES, Attacked, Oracle
from tests.faults import planted, planting
from tests.space import Peopled

Plant = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def pair(peopled: Peopled) -> Iterator[tuple[asyncio.Runner, Attacked]]:
    """Two worlds, for all the attacks."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with asyncio.Runner() as runner:
        made = bisect.attacked(peopled, seeds.chosen())
        yield runner, runner.run(made.__aenter__())
        runner.run(made.__aexit__(None, None, None))


def test_the_attacker_gains_nothing(pair: tuple[asyncio.Runner, Attacked]) -> None:
    """A quarter of the oracles here, each secret asked for; the campaign has them all."""
    runner, worlds = pair
    chance = random.Random(seeds.chosen())
    some = [
        oracle
        for secret in bisect.SECRETS
        for oracle in chance.sample([each for each in ORACLES if each.secret == secret], 3)
    ]
    gained = runner.run(bisect.attack(worlds, some, create=False))
    print(gained)
    assert gained.told == []
    assert gained.differ == []


def without(owner: object, name: str) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        planting.without_scope(patch, owner, name)

    return plant


HAS = Oracle("date", DOCTOR, "Patient", "_has:Observation:subject:", (("_id", "{elder}"),))
CHAIN = Oracle("code", DOCTOR, "DiagnosticReport", "result.", (("_id", "{i1}"),))
NAMED = Oracle("family", LAB, "Observation", "subject:Patient.", (("_id", "{i5}"),))
COUNT = Oracle("birth", LAB, "Patient", "", (("_id", "{new}"), ("_summary", "count")))
TITLE = Oracle("title", DOCTOR, "DocumentReference", "", (("_id", "{i2}"),))


@pytest.mark.parametrize(
    ("plant", "oracle"),
    [
        (without(search_sql, "pointing"), HAS),
        (without(search_sql, "naming"), CHAIN),
        (without(search_sql, "naming"), NAMED),
        (without(search_sql, "counting"), COUNT),
        (without(search_sql, "matches"), TITLE),
    ],
    ids=["_has", "chain", "chain to a name", "count", "search"],
)
def test_with_a_fault_the_secret_of_each_world_is_named(
    pair: tuple[asyncio.Runner, Attacked],
    monkeypatch: pytest.MonkeyPatch,
    plant: Plant,
    oracle: Oracle,
) -> None:
    runner, worlds = pair
    plant(monkeypatch)
    gained = runner.run(bisect.attack(worlds, [oracle], role=planted.SUPERUSER, create=False))
    assert gained.right == 2
    assert gained.differ


def test_a_conditional_create_tells_nothing_but_with_a_fault(
    pair: tuple[asyncio.Runner, Attacked], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, worlds = pair
    plain = search_sql.matches

    def everywhere(*given: object) -> object:
        with planting.unguarded():
            return plain(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        planting.every_condition(patch, planting.open_condition)
        patch.setattr(seeing, "matches", everywhere)
        gained = runner.run(bisect.attack(worlds, [], role=planted.SUPERUSER))
        assert gained.right == 2
