# SPDX-License-Identifier: EUPL-1.2
"""Faults planted in what is indexed and compared: the plain search of tests/agreement must disagree.

A quick run plants two of a seed; CARNET_WHOLE=1 all of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from carnet.fhir.search import composites, missing, near, numbers, ordered, tokens
from carnet.postgres.cluster import DATABASE, Cluster
from tests.agreement import seeds
from tests.agreement.test_parameters import Json, asked_all, generated
from tests.space import clone

Plant = Callable[[pytest.MonkeyPatch], None]
SEED, EACH = "faults", 24  # worlds always the same: each holds what its fault would show
QUICK = 2


def end_of_range(patch: pytest.MonkeyPatch) -> None:
    """Of a range, only where it begins is kept."""
    patch.setattr(composites, "_ends", lambda low, high: (ordered.order(low), None))


def token_composites(patch: pytest.MonkeyPatch) -> None:
    """A component of a composite is kept in one form alone: the last."""
    plain = composites._forms
    patch.setattr(composites, "_forms", lambda part: plain(part)[-1:])


def digits(patch: pytest.MonkeyPatch) -> None:
    """A number asked for stands for hundreds around it, whatever its digits."""
    plain = numbers.Asked.sql

    def sql(self: numbers.Asked, *given: Any) -> str:
        wide = numbers.Asked(self.prefix, self.value, self.value - 200, self.value + 200)
        return plain(wide, *given)

    patch.setattr(numbers.Asked, "sql", sql)


def units(patch: pytest.MonkeyPatch) -> None:
    """Amounts are compared whatever their units."""
    patch.setattr(numbers.Amount, "unit", lambda self, hasher, rtype: (self.asked, None, False))


def kinds_of_identifiers(patch: pytest.MonkeyPatch) -> None:
    """`:of-type` looks at the value alone."""
    plain = tokens.of_type
    patch.setattr(
        tokens, "of_type",
        lambda h, rtype, param, system, code, value: plain(h, rtype, param, "", "", value),
    )  # fmt: skip


def negations(patch: pytest.MonkeyPatch) -> None:
    """`:not` is what it denies."""
    plain = tokens.TokenFilter.sql

    def sql(self: tokens.TokenFilter, *given: Any) -> str:
        return plain(tokens.TokenFilter(self.number, self.values), *given)

    patch.setattr(tokens.TokenFilter, "sql", sql)


def absences(patch: pytest.MonkeyPatch) -> None:
    """`:missing` says what is there."""
    plain = missing.Missing.sql

    def sql(self: missing.Missing, *given: Any) -> str:
        return plain(missing.Missing(self.param, self.number, self.kind, False), *given)

    patch.setattr(missing.Missing, "sql", sql)


def distances(patch: pytest.MonkeyPatch) -> None:
    """Only the very place is near."""
    plain = near.read

    def read(text: str) -> near.Around:
        found = plain(text)
        return near.Around(found.latitude, found.longitude, 0.0)

    patch.setattr(near, "read", read)


FAULTS: tuple[tuple[Plant, str], ...] = (
    (end_of_range, "RiskAssessment"),
    (token_composites, "Observation"),
    (digits, "Observation"),
    (units, "Observation"),
    (kinds_of_identifiers, "Patient"),
    (negations, "RiskAssessment"),
    (absences, "RiskAssessment"),
    (distances, "Location"),
)


def chosen() -> list[tuple[Plant, str]]:
    """Those of this run."""
    if os.environ.get("CARNET_WHOLE") == "1":
        return list(FAULTS)
    return Random(seeds.chosen()).sample(FAULTS, QUICK)


async def differs(url: str, made: list[Json]) -> bool:
    """Whether the two searches answer otherwise."""
    try:
        await asked_all(url, made, SEED)
    except AssertionError as found:
        assert "in all" in str(found)
        return True
    return False


@pytest.mark.slow
def test_a_fault_of_the_search_is_seen_by_the_plain_search(cluster: Cluster) -> None:
    missed = []
    for plant, rtype in chosen():
        made = generated(SEED, EACH, [rtype])
        for planted in (False, True):
            composites._quantity.cache_clear()
            with pytest.MonkeyPatch.context() as patch, clone(cluster, DATABASE) as name:
                if planted:
                    plant(patch)
                if asyncio.run(differs(cluster.url(database=name), made)) != planted:
                    missed.append((getattr(plant, "__name__", ""), planted))
    composites._quantity.cache_clear()
    assert not missed
