# SPDX-License-Identifier: EUPL-1.2
"""Readers of what others wrote, fuzzed: guided by coverage where atheris is, and blindly from a seed.

CARNET_FUZZ_SECONDS says how long for each reader (20), CARNET_FUZZ_INPUTS how many blind inputs (20,000),
CARNET_SEED repeats the blind ones. What breaks a reader is kept in CARNET_FUZZ_FOLDER (a new one in /tmp)
and printed.
"""

from __future__ import annotations

import importlib.util
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench._told import tell
from tests.hostile.fuzz.readers import READERS

DONE = re.compile(r"number_of_executed_units:\s*([0-9]+)")
INPUTS = re.compile(r": ([0-9,]+) inputs")


def run() -> None:
    """Every reader, both ways."""
    seed = int(os.environ.get("CARNET_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    seconds = int(os.environ.get("CARNET_FUZZ_SECONDS", "20"))
    count = int(os.environ.get("CARNET_FUZZ_INPUTS", "20000"))
    folder = Path(
        os.environ.get("CARNET_FUZZ_FOLDER") or tempfile.mkdtemp(prefix="carnet-fuzz-", dir="/tmp")
    )
    folder.mkdir(parents=True, exist_ok=True)
    print(f"  seed {seed}, in {folder}")
    guided = importlib.util.find_spec("atheris") is not None
    inputs, broken = 0, 0
    for reader in READERS:
        done, status = started("blind", reader, str(seed), str(count), str(folder))
        found = INPUTS.search(done)
        inputs += int(found[1].replace(",", "")) if found else 0
        broken += told(reader, "blind", done, status)
        if guided:
            here = folder / reader
            done, status = started("guided", reader, str(seconds), str(here), str(seed))
            found = DONE.search(done)
            inputs += int(found[1]) if found else 0
            broken += told(reader, "guided", done, status)
            for crash in sorted(here.glob("[cot]*-*")):
                print(f"    {crash.name}: {crash.read_bytes()[:200]!r}")
    tell(f"{len(READERS)} readers fuzzed", f"{inputs:,} inputs, {broken} faults")


def started(module: str, *arguments: str) -> tuple[str, int]:
    """All it said, and how it ended."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.hostile.fuzz.{module}", *arguments],
        capture_output=True,
        text=True,
        errors="replace",
    )
    return done.stdout + done.stderr, done.returncode


def told(reader: str, how: str, said: str, status: int) -> int:
    """1 for a fault, which is printed."""
    if status == 0:
        print(f"    {reader}, {how}: {_short(said)}", flush=True)
        return 0
    print(f"    {reader}, {how}: FAULT\n{said[-3000:]}", flush=True)
    return 1


def _short(said: str) -> str:
    found = DONE.search(said)
    return f"{int(found[1]):,} inputs" if found else said.strip().splitlines()[-1]
