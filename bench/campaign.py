# SPDX-License-Identifier: EUPL-1.2
"""Long runs that look for faults rather than speed: kills, tamperings, traces, fuzzing, twin worlds.

CARNET_KILLS, CARNET_TAMPERINGS, CARNET_REQUESTS and CARNET_PROBES say how many, CARNET_SEED repeats a run;
bench/fuzz.py has its own. The hostile corpus is run whole.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench import fuzz
from bench._told import tell
from tests.access import mixed
from tests.access.log import tampering
from tests.durability import harness

TWIN = "tests.agreement.twin"


def run() -> None:
    """The kills, their control, the probes."""
    seed = int(os.environ.get("CARNET_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    kills = int(os.environ.get("CARNET_KILLS", "20"))
    print(f"  seed {seed}")
    figures = killed(kills, seed)
    control = killed(5, seed, until_lost=True, postgres={"synchronous_commit": "off"})
    tell(
        "kill -9 of server and PostgreSQL in mid-load",
        str(figures),
        f"synchronous_commit=off, the control: {len(control.report.lost)} lost"
        f" after {control.kills} kill{'s' * (control.kills > 1)}",
    )
    for violation in figures.report.violations[:20]:
        print("   ", violation)
    count = int(os.environ.get("CARNET_TAMPERINGS", "1000"))
    tried, missed = tampering.run(count, seed)
    tell("tamperings of the audit found", f"{sum(tried.values()) - len(missed):,} of {count:,}")
    for each in missed[:20]:
        print("   ", each)
    audited = mixed.run(int(os.environ.get("CARNET_REQUESTS", "100000")), seed)
    tell("ids released and ids audited", str(audited))
    for each in audited.differ[:20]:
        print("   ", each)
    fuzz.run()
    hostile(seed)
    if importlib.util.find_spec(TWIN) is None:
        print("  the twin world is not here")
        return
    probes = int(os.environ.get("CARNET_PROBES", "10000"))
    said = importlib.import_module(TWIN).run(probes, seed)
    tell("twin world", str(said))


def hostile(seed: int) -> None:
    """The whole hostile corpus through every entry and page; `./run test` has a part of it."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--timeout=0",
            "tests/hostile",
        ],
        env={**os.environ, "CARNET_HOSTILE": "all", "CARNET_SEED": str(seed)},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode:
        print("\n".join(lines[-60:]))
    tell("the hostile corpus, all of it", lines[-1].strip("= ") if lines else "nothing was run")


def killed(
    kills: int, seed: int, *, until_lost: bool = False, postgres: Mapping[str, str] | None = None
) -> harness.Figures:
    """One run of the harness in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="carnet-kill-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        return harness.run(
            Path(folder) / "data",
            kills=kills,
            seed=seed,
            until_lost=until_lost,
            tell=lambda said: print("   ", said, flush=True),
            postgres=postgres,
        )
