# SPDX-License-Identifier: EUPL-1.2
"""kill -9 of the server and of PostgreSQL in mid-load; `./run bench campaign` does it twenty times."""

import os
import random
import sys
from pathlib import Path

import pytest

from tests.durability import harness
from tests.durability.writers import Outcome

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc"),
]

SEED = int(os.environ.get("CARNET_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)


def test_what_was_acknowledged_survives_kills_and_nothing_is_doubled(short_path: Path) -> None:
    """Two kills here; the seed is printed, CARNET_KILL_SEED repeats its draws."""
    figures = harness.run(short_path / "data", kills=2, seed=SEED)
    print(figures)
    assert figures.report.violations == []
    assert figures.writes[Outcome.OK] > 50, "too little was written to say anything"


def test_the_same_harness_sees_losses_when_answers_come_before_the_flush(short_path: Path) -> None:
    """The control: without it, no loss above could mean that nobody looked."""
    figures = harness.run(
        short_path / "data",
        kills=5,
        seed=SEED,
        until_lost=True,
        postgres={"synchronous_commit": "off"},
    )
    print(figures)
    assert figures.report.lost
