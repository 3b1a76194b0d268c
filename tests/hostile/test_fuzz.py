# SPDX-License-Identifier: EUPL-1.2
"""A seeded part of the fuzzing: every reader on some thousands of mutated inputs, and the API on wrong JSON.

`./run bench fuzz` does it for minutes, guided by coverage. CARNET_SEED repeats a run.
"""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.hostile.fuzz.mutate import inputs
from tests.hostile.fuzz.readers import READERS
from tests.hostile.share import SEED
from tests.hostile.test_entries import LAB, inert, serves
from tests.rest.samples import chosen
from tests.space import Space

# A process for each group: readers, and inputs for each.
GROUPS = {
    "cda": 400,
    "xml,narrative": 600,
    "json,resource,bundle": 800,
    "search,path,unit": 1500,
    "pdf,image": 150,
    "rtf,text": 300,
    "fhir-date,hl7-date,identifiers,cursor,bearer,base64": 1500,
}
REQUESTS = 250


def test_every_reader_is_fuzzed() -> None:
    assert sorted(",".join(GROUPS).split(",")) == sorted(READERS)


@pytest.mark.slow
@pytest.mark.parametrize("readers", GROUPS)
def test_nothing_but_a_refusal_comes_out_of_a_reader(readers: str, tmp_path: Path) -> None:
    count = GROUPS[readers]
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.fuzz.blind",
         readers, str(SEED), str(count), str(tmp_path)],
        capture_output=True,
        text=True,
    )  # fmt: skip
    if done.returncode:
        kept = next(tmp_path.iterdir(), None)
        content = kept.read_bytes() if kept else b""
        pytest.fail(f"seed {SEED}: {content[:500]!r}\n{done.stderr[-2000:]}")
    assert done.stdout.count(f" {count:,} inputs") == readers.count(",") + 1


def test_the_same_seed_gives_the_same_inputs() -> None:
    for reader in ("cda", "resource", "search"):
        first, second = (list(islice(inputs(reader, 5), 400)) for _ in range(2))
        assert first == second


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_api_answers_wrong_json_with_a_refusal(space: Space) -> None:
    """Resources and transactions with a few places changed: no request is a fault of the server."""
    chance = random.Random(SEED)
    for reader in ("resource", "bundle"):
        for content in islice(inputs(reader, SEED), 400, 400 + REQUESTS):
            kind = "Patient" if b'"Patient"' in content[:100] else "Observation"
            method, path = chance.choice(
                [("POST", kind), ("PUT", f"{kind}/{chosen()}"), ("POST", "")]
            )
            who = chance.choice([LAB, "patient", "gp"])
            answer = await space.call(method, path, as_=who, body=content)
            inert(f"seed {SEED}: {content[:300]!r}", answer)
    await serves(space)


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_api_answers_wrong_searches_with_a_refusal(space: Space) -> None:
    for content in islice(inputs("search", SEED), REQUESTS):
        word, _, query = content.partition(b" ")
        kind = word.decode() if word.isalpha() and word.isascii() else "Observation"
        address = f"{kind}?{query.decode('latin-1').encode('ascii', 'replace').decode()}"
        inert(f"seed {SEED}: {address[:300]!r}", await space.get(address, as_="patient"))
    await serves(space)


def test_a_broken_reader_is_seen(tmp_path: Path) -> None:
    """The control: a fault planted in a reader ends the process, and its input is kept."""
    planted = (
        "from tests.hostile.fuzz import blind, readers;"
        "from pathlib import Path;"
        "readers.READERS['unit'] = lambda content: 1 // (len(content) % 7);"
        f"blind.main('unit', {SEED}, 2000, Path({str(tmp_path)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", planted], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert len(next(tmp_path.iterdir()).read_bytes()) % 7 == 0
