# SPDX-License-Identifier: EUPL-1.2
"""kill -9 of what imports and of what lists, two at once, again and again: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from carnet.access.door import Visit
from carnet.app import parts
from carnet.bulk import export
from carnet.bulk.asked import Asked
from carnet.cli import common
from tests.durability.installation import SOFTWARE, Installation
from tests.rest.samples import observation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="processes are ended by number"
    ),
]

SEED = int(os.environ.get("CARNET_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
PERSONS, ENCOUNTERS, OBSERVATIONS = 20, 60, 240
PATIENCE = 120.0  # seconds of a machine that many share


def written(folder: Path) -> None:
    """What refers to something comes before it, in other files."""
    persons = [
        {"resourceType": "Patient", "id": f"p{n}", "birthDate": "1970-01-01", "gender": "female",
         "name": [{"use": "official", "family": f"NEE{n}", "given": ["ALIX"]}]}
        for n in range(PERSONS)
    ]  # fmt: skip
    encounters = [
        {"resourceType": "Encounter", "id": f"e{n}", "status": "finished", "class": {"code": "AMB"},
         "subject": {"reference": f"Patient/p{n % PERSONS}"}}
        for n in range(ENCOUNTERS)
    ]  # fmt: skip
    observations = [
        observation(f"Patient/p{n % PERSONS}", date="2020", id=f"o{n}",
                    encounter={"reference": f"Encounter/e{n % ENCOUNTERS}"})
        for n in range(OBSERVATIONS)
    ]  # fmt: skip
    for name, rows in (("a", observations), ("b", encounters), ("c", persons)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.ndjson").write_text(text)


def killed(
    begin: Callable[[], subprocess.Popen[bytes]], moved: Callable[[], int], times: int
) -> int:
    """Two at once, both ended with SIGKILL once something has moved; how many times."""
    chance, count = random.Random(SEED), 0
    for _ in range(times):
        before, both = moved(), [begin(), begin()]
        far, end = before + chance.randint(1, 4), time.monotonic() + PATIENCE
        while moved() < far and any(each.poll() is None for each in both):
            assert time.monotonic() < end
            time.sleep(0.005)
        for each in both:
            count += each.poll() is None
            each.send_signal(signal.SIGKILL)
            each.wait()
    return count


def finished(begin: Callable[[], subprocess.Popen[bytes]]) -> None:
    """Two at once to the end, and once more for what one left to the other."""
    codes = [each.wait(PATIENCE) for each in [begin(), begin()]]
    assert codes == [0, 0] or begin().wait(PATIENCE) == 0


async def asked(installation: Installation) -> str:
    """An export of all that the software deposited."""
    settings = installation.settings()
    with common.server_of(settings) as server:
        built = await parts.build(settings, server, name="tests")
        try:
            who = await parts.actor(built, SOFTWARE, client="tests")
            return await export.start(Visit(built.door, who, "t"), Asked("system", "here"))
        finally:
            await built.pool.close()


def test_nothing_is_lost_or_doubled_by_kills_of_two_at_once(short_path: Path) -> None:
    print("seed", SEED)
    installation = Installation.make(short_path / "data")
    leave = installation.hold()
    folder = short_path / "files"
    folder.mkdir()
    written(folder)

    def process(*words: str) -> Callable[[], subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "tests.bulk.killed", words[0], str(installation.data)]
        return lambda: subprocess.Popen(
            [*command, *words[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    try:
        with installation.database() as conn:

            def number(text: str) -> int:
                row = conn.execute(text.encode()).fetchone()
                assert row is not None
                return int(row[0] or 0)

            before = number("SELECT count(*) FROM record.resource")
            importing = process("import", str(folder))
            chunks = "SELECT count(*) FROM bulk.chunk"
            assert killed(importing, lambda: number(chunks), 2) > 1
            finished(importing)
            all_of = PERSONS + ENCOUNTERS + OBSERVATIONS
            assert number("SELECT count(*) FROM record.resource") == before + all_of
            here = "documents.imported i JOIN record.resource r USING (cid, rid)"
            assert number(f"SELECT count(*) FROM {here}") == all_of
            assert number(f"SELECT count(DISTINCT (i.cid, i.rid)) FROM {here}") == all_of
            assert number("SELECT sum(refused) FROM bulk.chunk") == 0
            asyncio.run(asked(installation))
            listing = process("list")
            steps = "SELECT coalesce(sum(cardinality(rids)), 0) / 25 FROM bulk.file"
            assert killed(listing, lambda: number(steps), 1)
            finished(listing)
            assert number("SELECT count(*) FROM bulk.export WHERE state = 'ready'") == 1
            assert number("SELECT sum(cardinality(rids)) FROM bulk.file") >= all_of
            rows = "bulk.file f, unnest(f.cids, f.rids) AS u (cid, rid)"
            assert number(f"SELECT count(*) - count(DISTINCT (cid, rid)) FROM {rows}") == 0
            missing = (
                f"SELECT count(*) FROM {here} WHERE NOT EXISTS"
                f" (SELECT 1 FROM {rows} WHERE (u.cid, u.rid) = (i.cid, i.rid))"
            )
            assert number(missing) == 0
    finally:
        leave()
