# SPDX-License-Identifier: EUPL-1.2
"""Each fault of tests/faults/planted.py turns the twin worlds red; a quick run plants a twelfth of them.

CARNET_WHOLE=1 plants all. With the service's own role a fault of a statement must show nothing: the
second wall stands by itself.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from carnet.access.actor import ActorKind
from tests.agreement import reading, seeds
from tests.agreement.test_visibility import by_rls, by_sql
from tests.agreement.worlds import judge
from tests.faults.planted import FAULTS, SERVICE, SUPERUSER, Fault, Pairs, found, pairing
from tests.space import Peopled

STATEMENTS = [fault for fault in FAULTS if fault.role == SUPERUSER]
FEW, FEWER = 250, 40  # probes of a run that must find nothing; of one that looks in one place


@pytest.fixture(scope="module")
def pairs(peopled: Peopled) -> Iterator[Pairs]:
    """Worlds for all the faults."""
    with pairing(peopled) as made:
        yield made


def few(faults: Sequence[Fault]) -> list[Fault]:
    """Those of this run, in the order of the list."""
    if os.environ.get("CARNET_WHOLE") == "1":
        return list(faults)
    chosen = random.Random(seeds.chosen()).sample(faults, -(-len(faults) // 12))
    return sorted(chosen, key=FAULTS.index)


def test_there_are_thirty_faults_and_every_way_to_look_is_one_of_the_grammar() -> None:
    from tests.agreement.twin import GRAMMAR

    assert len(FAULTS) >= 30
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert {kind for fault in FAULTS for kind in fault.kinds} <= set(GRAMMAR)


def test_planted_faults_are_found(pairs: Pairs) -> None:
    by = {fault.name: found(pairs, fault, hinted=True) for fault in few(FAULTS)}
    for name, path in by.items():
        print(f"FIGURE {name}: found by {path or 'nothing'}")
    assert all(by.values()), [name for name, path in by.items() if not path]


def test_row_level_security_alone_stops_the_faults_of_the_statements(pairs: Pairs) -> None:
    for fault in few(STATEMENTS):
        pairs.ready(fault.persona)
        with pytest.MonkeyPatch.context() as patch:
            fault.plant(patch)
            leaks = pairs.differences(fault.persona, SERVICE, probes=FEWER, kinds=fault.kinds)
        assert leaks == [], fault.name


def test_without_a_fault_nothing_is_found(pairs: Pairs) -> None:
    for persona in sorted({fault.persona for fault in few(STATEMENTS)}):
        assert pairs.differences(persona, SUPERUSER, probes=FEW) == [], persona


def test_a_swapped_cell_of_the_matrix_breaks_the_agreement(pairs: Pairs) -> None:
    world = pairs.of.world
    swapped = dict(world.built.door.matrix.rows)
    swapped["60"] = (*(row for row in swapped["60"] if row != 12), 11)
    door = replace(world.built.door, matrix=replace(world.built.door.matrix, rows=swapped))

    async def agree(asked: Any) -> bool:
        actor = await world.actor("nurse")
        assert actor.kind is ActorKind.PROFESSIONAL
        seen, _, _ = judge(world.admin_url, reading.viewer(actor), world.source.now)
        async with await psycopg.AsyncConnection.connect(world.admin_url) as conn:
            decision = await asked.decide(conn, actor, None)
            found = await by_sql(conn, decision.scope), await by_rls(conn, asked, decision.scope)
        return found == ({rid for _, rid in seen},) * 2

    assert pairs.runner.run(agree(world.built.door))
    assert not pairs.runner.run(agree(door))
