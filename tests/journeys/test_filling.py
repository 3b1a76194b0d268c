# SPDX-License-Identifier: EUPL-1.2
"""A demonstration that is killed while it loads, then started again: nothing twice, nothing missing.

Killed once in a quick run, twice with CARNET_WHOLE=1.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from carnet.app.filling import FILE
from carnet.population import EDITION, Population, documents, make, measures
from carnet.postgres.cluster import ADMIN, DATABASE, PORT, Cluster, read_path
from tests.durability.installation import descendants
from tests.journeys.conftest import PATIENCE, free_port, wait

pytestmark = [pytest.mark.db, pytest.mark.slow]

SEED, PEOPLE = 2026, 12


class Demo:
    """One data folder, and `carnet demo` on it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.log = data.parent / "demo.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Until its pages answer."""
        port = free_port()
        command = [sys.executable, "-m", "carnet", "demo", "--data", str(self.data)]
        clean = {name: each for name, each in os.environ.items() if not name.startswith("CARNET_")}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [*command, "--port", str(port), *options], stdout=out, stderr=out, env=clean
            )
        wait(f"http://127.0.0.1:{port}/", self.process, self.log)

    def done(self) -> list[str]:
        """Keys of those who are loaded."""
        path = self.data / FILE
        return path.read_text().split() if path.exists() else []

    def until(self, people: int, population: Population | None = None) -> None:
        """So many are loaded, and all of a population."""
        keys = {each.key for each in population.people} if population else set()
        limit = time.monotonic() + PATIENCE
        while len(self.done()) < people or keys - set(self.done()):
            assert time.monotonic() < limit, self.log.read_text("utf-8", "replace")[-3000:]
            time.sleep(0.02)

    def kill(self) -> None:
        """Every process of it at once, PostgreSQL included."""
        assert self.process is not None
        postmaster = Cluster(self.data).pid()
        victims = [self.process.pid, *descendants(self.process.pid)]
        if postmaster is not None:
            victims += [postmaster, *descendants(postmaster)]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(20)

    def stop(self) -> None:
        """As a person stops it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(40)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database holds."""
        sockets = read_path(self.data / "postgres" / "socket.path")
        url = make_conninfo(host=str(sockets), port=PORT, user=ADMIN, dbname=DATABASE)
        with psycopg.connect(url) as conn:
            return conn.execute(query.encode()).fetchall()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path / "data")
    yield made
    made.stop()


def expected(population: Population) -> Counter[str]:
    """How many documents each person has."""
    return Counter(
        {each.key: sum(1 for _ in documents(population, each)) for each in population.people}
    )


DOCUMENTS = """
    SELECT s.sub, count(*) FROM documents.unique_id u JOIN access.subject s ON s.patient = u.cid
     GROUP BY s.sub
"""
REFERENCES = """
    SELECT s.sub, count(*) FROM record.resource r JOIN access.subject s ON s.patient = r.cid
     WHERE r.rid IN (SELECT rid FROM documents.unique_id) GROUP BY s.sub
"""
PEOPLE_TWICE = "SELECT ins FROM access.identity GROUP BY ins HAVING count(*) > 1"
TEAMS = "SELECT count(*), count(DISTINCT cid) FROM access.team"
MEASURES = """
    SELECT s.sub, count(*) FROM record.resource r JOIN access.subject s ON s.patient = r.cid
     WHERE r.origin IS NULL AND r.rid <> r.cid
       AND r.rid NOT IN (SELECT rid FROM documents.unique_id) GROUP BY s.sub
"""


def held(demo: Demo, query: str) -> Counter[str]:
    return Counter({sub.removeprefix("patient:"): count for sub, count in demo.rows(query)})


def test_killed_again_and_again_it_holds_everything_once(demo: Demo) -> None:
    demo.start("--people", str(PEOPLE))
    demo.until(5)
    demo.kill()
    if os.environ.get("CARNET_WHOLE") == "1":
        demo.start()
        demo.until(7)
        demo.kill()
    with (demo.data / FILE).open("a") as file:
        file.write("h0")  # a line that the kill cut
    demo.start()
    population = make(SEED, PEOPLE)
    demo.until(PEOPLE, population)
    wanted = expected(population)
    assert wanted.total() > 100
    assert held(demo, DOCUMENTS) == wanted
    assert held(demo, REFERENCES) == wanted
    assert not demo.rows(PEOPLE_TWICE)
    assert demo.rows(TEAMS) == [(len(population.teams), len({t.patient for t in population.teams}))]
    measured = Counter(
        {each.key: sum(1 for _ in measures(population, each)) for each in population.people}
    )
    assert measured.total() > 100
    assert held(demo, MEASURES) == +measured

    demo.stop()  # more people are added to a folder that has some
    demo.start("--people", str(PEOPLE + 3))
    larger = make(SEED, PEOPLE + 3)
    demo.until(PEOPLE, larger)
    wanted = expected(larger) | expected(population)
    assert held(demo, DOCUMENTS) == wanted


def test_a_folder_of_another_edition_or_seed_is_refused_with_a_sentence(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    mark = data / "instance.json"
    where = '"instance": "demonstration", "base_url": "http://localhost:8000", "people": 20'
    for said, sentence in (
        (f'{{{where}, "seed": 2026, "loaded": []}}', "another version of Carnet"),
        (f'{{{where}, "seed": 4, "edition": {EDITION}}}', "the people of another seed"),
        ('{"instance": "production", "base_url": "http://localhost:8000"}', "not a demonstration"),
    ):
        mark.write_text(said)
        answer = subprocess.run(
            [sys.executable, "-m", "carnet", "demo", "--data", str(data), "--seed", "2026"],
            capture_output=True,
            text=True,
        )
        assert answer.returncode == 1
        assert sentence in " ".join(answer.stderr.split())
        assert mark.read_text() == said
        assert not (data / "postgres").exists()
