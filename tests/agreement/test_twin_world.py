# SPDX-License-Identifier: EUPL-1.2
"""Two databases alike but for what the caller may not see answer alike, whatever is asked."""

import asyncio

from tests.agreement import seeds, twin
from tests.space import Peopled

PROBES = 4_000  # of a quick run; the campaign makes a hundred thousand


def test_twin_worlds_answer_alike(peopled: Peopled) -> None:
    report = asyncio.run(twin.several(peopled, PROBES, seeds.chosen()))
    print(report)
    assert not report.leaks, "\n".join(report.leaks[:5])
    assert not report.missed
    assert report.probes >= PROBES
