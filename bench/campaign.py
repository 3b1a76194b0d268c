# SPDX-License-Identifier: EUPL-1.2
"""Long runs that look for faults rather than speed: twin worlds, votes, kills, tamperings, crashes, fuzzing.

CARNET_PARTS names some of PARTS, between commas (all); CARNET_SEED repeats a run; CARNET_CAMPAIGN is a
folder where what has ended is kept, so that the same seed goes on from there. How many of each:
CARNET_PROBES (1,000,000), CARNET_REQUESTS (100,000), CARNET_TRIPLES (200,000), CARNET_KILLS (200),
CARNET_TAMPERINGS (1,000), CARNET_SECRETS (12 pairs of worlds to bisect), CARNET_CALLS (200,000 of the
API's fuzzing); bench/fuzz.py has its own.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench import fuzz
from bench._shares import shared
from bench._told import tell
from tests.access import mixed
from tests.access.log import tampering
from tests.agreement import bisect, test_visibility, twin
from tests.durability import harness
from tests.faults import planted
from tests.hostile.fuzz import runs

SHARES = (
    8  # of the twin worlds and of the mixed requests: more of them, less to do again after a stop
)


def run() -> None:
    """Each part asked for, one line a part."""
    seed = int(os.environ.get("CARNET_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    asked = os.environ.get("CARNET_PARTS", "")
    names = [name.strip() for name in asked.split(",") if name.strip()] or list(PARTS)
    if unknown := [name for name in names if name not in PARTS]:
        print(f"  no such part: {', '.join(unknown)}; there are: {', '.join(PARTS)}")
        return
    print(f"  seed {seed}; parts: {', '.join(names)}", flush=True)
    for name in names:
        started = time.perf_counter()
        PARTS[name](seed)
        print(f"    {name}: {(time.perf_counter() - started) / 60:.1f} min", flush=True)


def many(name: str, default: int) -> int:
    """How many, as the environment says."""
    return int(os.environ.get(name, "").replace("_", "") or default)


def kept() -> Path | None:
    """Where what has ended is kept, if anywhere."""
    given = os.environ.get("CARNET_CAMPAIGN")
    if not given:
        return None
    folder = Path(given)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _shared(name: str, run: Callable[[int, int], Any], amount: int, seed: int, size: int) -> Any:
    """The figures of all the shares as one, and the minutes it took."""
    return functools.reduce(operator.add, shared(name, run, amount, seed, size, kept()))


# ------------------------------------------------------------------------------------- the parts


def twins(seed: int) -> None:
    """Twin worlds."""
    probes = many("CARNET_PROBES", 1_000_000)
    report = _shared("twin worlds", twin.run, probes, seed, -(-probes // SHARES))
    tell("twin worlds", str(report))
    for each in report.leaks[:20]:
        print("   ", each)
    for missed in sorted(report.missed)[:20]:
        print("    not covered:", missed)


def votes(seed: int) -> None:
    """Server = reference = row-level security alone."""
    triples = many("CARNET_TRIPLES", 200_000)
    said = _shared("votes", test_visibility.run, triples, seed, -(-triples // 2))
    tell("server, reference and row-level security alone", str(said))


def trace(seed: int) -> None:
    """Ids released = ids audited."""
    requests = many("CARNET_REQUESTS", 100_000)
    audited = _shared("mixed requests", mixed.run, requests, seed, -(-requests // SHARES))
    tell("ids released and ids audited", str(audited))
    for each in audited.differ[:20]:
        print("   ", each)


def tamperings(seed: int) -> None:
    """Every tampering found offline."""
    count = many("CARNET_TAMPERINGS", 1000)
    tried, missed = tampering.run(count, seed)
    found = sum(tried.values()) - len(missed)
    tell("tamperings of the audit found", f"seed {seed}: {found:,} of {count:,}")
    for each in missed[:20]:
        print("   ", each)


def kills(seed: int) -> None:
    """kill -9 under load, and the control that must lose something."""
    figures = killed(many("CARNET_KILLS", 200), seed)
    control = killed(5, seed, until_lost=True, postgres={"synchronous_commit": "off"})
    tell(
        "kill -9 of server and PostgreSQL in mid-load",
        str(figures),
        f"synchronous_commit=off, the control: {len(control.report.lost)} lost"
        f" after {control.kills} kill{'s' * (control.kills > 1)}",
    )
    for violation in figures.report.violations[:20]:
        print("   ", violation)


def faults(seed: int) -> None:
    """Every planted fault found by the twin worlds, and by which path."""
    caught = _shared("faults", planted.run, len(planted.FAULTS), seed, len(planted.FAULTS))
    tell("planted faults", str(caught))
    for name, by in caught.by.items():
        print(f"    {name}: {by or 'NOT FOUND'}")


def bisection(seed: int) -> None:
    """An attacker who halves gains nothing."""
    gained = _shared("bisection", bisect.run, many("CARNET_SECRETS", 12), seed, 6)
    tell("a bisection attacker", str(gained))
    for each in gained.told[:20] + gained.differ[:20]:
        print("   ", each)


def fuzzing(seed: int) -> None:
    """Readers of what others wrote."""
    with _seeded(seed):
        fuzz.run()


def calls(seed: int) -> None:
    """The API on requests of every kind, wrong in a place or two."""
    count = many("CARNET_CALLS", 200_000)
    fuzzed = _shared("requests of the API", runs.run, count, seed, -(-count // SHARES))
    tell("the API, fuzzed", str(fuzzed))
    for each in fuzzed.faults[:20] + fuzzed.slow[:5]:
        print("   ", each[:2000])


def tested(name: str, *paths: str, **more: str) -> Callable[[int], None]:
    """A part that is tests, all of them: `./run test` has some of their examples."""

    def part(seed: int) -> None:
        lines, failed = tests(seed, paths, more)
        if failed:
            print("\n".join(lines[-60:]))
        said = [line for line in lines if line.startswith("FIGURE ")]
        tell(name, f"seed {seed}: {_last(lines)}" + "".join(f"; {each[7:]}" for each in said))

    part.__doc__ = name
    return part


def tests(seed: int, paths: tuple[str, ...], more: Mapping[str, str]) -> tuple[list[str], bool]:
    """What pytest says of some folders, and whether something failed."""
    asked = [sys.executable, "-m", "pytest", "-q", "-rP", "-p", "no:cacheprovider", "--timeout=0"]
    done = subprocess.run(
        [*asked, "-p", "no:randomly", *paths],
        env={**os.environ, "CARNET_WHOLE": "1", "CARNET_SEED": str(seed), **more},
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().splitlines(), done.returncode != 0


def _last(lines: list[str]) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", lines[-1]).strip("= ") if lines else "nothing was run"


@contextlib.contextmanager
def _seeded(seed: int) -> Any:
    """The seed of what reads its own."""
    before = os.environ.get("CARNET_SEED")
    os.environ["CARNET_SEED"] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ["CARNET_SEED"]
        else:
            os.environ["CARNET_SEED"] = before


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


PARTS: dict[str, Callable[[int], None]] = {
    "twin": twins,
    "votes": votes,
    "trace": trace,
    "faults": faults,
    "bisection": bisection,
    "walls": tested("row-level security alone stops each fault", "tests/faults/test_planted.py"),
    "search": tested(
        "SQL search and a plain search through FHIRPath",
        "tests/agreement/test_parameters.py",
        "tests/agreement/test_examples.py",
        "tests/faults/test_search.py",
    ),
    "revocation": tested("rights ended on every channel", "tests/agreement/test_revocation.py"),
    "tokens": tested("mutated tokens and requests, none accepted", "tests/hostile/test_tokens.py"),
    "races": tested("64 who refresh with one token", "tests/oauth/test_refresh.py"),
    "processes": tested(
        "what one process ends or used, the others refuse", "tests/oauth/test_processes.py"
    ),
    "scopes": tested(
        "a scope is a filter of what is seen without it", "tests/agreement/test_scopes.py"
    ),
    "composing": tested(
        "what composing shows of what one may not see", "tests/agreement/test_composing_twins.py"
    ),
    "crashes": tested("every write crashed at every point", "tests/faults/test_failpoints.py"),
    "tamperings": tamperings,
    "fuzz": fuzzing,
    "requests": calls,
    "hostile": tested("the hostile corpus, all of it", "tests/hostile", CARNET_HOSTILE="all"),
    "kills": kills,
    "filling": tested("a demonstration killed twice as it loads", "tests/journeys/test_filling.py"),
    "pages": tested(
        "every page under axe, in each language and width", "tests/portal/test_looks.py"
    ),
}
