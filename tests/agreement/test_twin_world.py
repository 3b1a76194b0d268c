# SPDX-License-Identifier: EUPL-1.2
"""Two databases alike but for what the caller may not see answer alike, whatever is asked."""

import asyncio
import random

from tests.agreement import seeds, twin
from tests.space import Peopled

PERSONAS = 6  # of a quick run; the campaign asks as all of them, a million times
PROBES = 2_400


def test_twin_worlds_answer_alike(peopled: Peopled) -> None:
    seed = seeds.chosen()
    personas = tuple(random.Random(seed).sample(twin.PERSONAS, PERSONAS))
    report = asyncio.run(twin.several(peopled, PROBES, seed, personas=personas))
    print(report)
    assert not report.leaks, "\n".join(report.leaks[:5])
    assert not report.missed
    assert report.probes >= PROBES
