# SPDX-License-Identifier: EUPL-1.2
"""The story of a demonstration, killed in its middle and begun again: everything once, seen by who should."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from carnet.cli import common
from carnet.cli.story import call, letter, stay
from carnet.cli.story.player import NoAnswer, answers, play
from carnet.cli.story.stage import FILE, NothingCame, Stage, tokens
from carnet.cli.story.steps import Chapter, Step
from carnet.cli.story.story import STORY
from carnet.config import Settings
from carnet.population import make
from tests.journeys.conftest import PATIENCE
from tests.journeys.test_filling import Demo

KEYS = [step.key for chapter in STORY for step in chapter.steps]
HALF = KEYS.index("call-books")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path / "data")
    yield made
    made.stop()


def taken(demo: Demo) -> list[str]:
    path = demo.data / FILE
    return list(json.loads(path.read_text())["done"]) if path.exists() else []


def until(demo: Demo, count: int) -> None:
    limit = time.monotonic() + PATIENCE
    while len(taken(demo)) < count:
        assert time.monotonic() < limit, demo.log.read_text("utf-8", "replace")[-3000:]
        time.sleep(0.05)


@pytest.mark.db
@pytest.mark.slow
def test_killed_in_its_middle_it_ends_the_same(demo: Demo) -> None:
    told = ("--people", "7", "--story", "--pace", "0")
    demo.start(*told)
    until(demo, HALF)
    demo.kill()
    demo.start(*told)
    until(demo, len(KEYS))
    assert taken(demo) == KEYS, "each step is written once, in order"
    address = json.loads((demo.data / "instance.json").read_text())["base_url"]
    settings = common.settings_of(demo.data)
    with common.server_of(settings) as server:
        held = tokens(settings, server, make(2026, 0))
    patient = json.loads((demo.data / FILE).read_text())["kept"]["elder"]

    def all_of(persona: str, path: str) -> list[dict[str, Any]]:
        answer = requests.get(
            f"{address}/fhir/{path}",
            headers={"Authorization": f"Bearer {held[persona]}"},
            timeout=60,
        )
        if answer.status_code >= 400:
            return []
        return [each["resource"] for each in answer.json().get("entry", [])]

    # The letter: once though it was perhaps sent twice, for its reader, and for nobody else.
    written = f"DocumentReference?patient={patient}&identifier={letter.IDENTIFIER}"
    assert len(all_of("elder", written)) == 1
    for nobody in ("outsider", "lab-software", "patient", "operator"):
        assert all_of(nobody, written) == [], nobody
    # The appointment: once, for whom it concerns, and for nobody else.
    mine = f"Appointment?patient={patient}&identifier={call.NAMED}|rdv"
    booked = {each: all_of(each, mine) for each in ("elder", "carer", "hospital-software")}
    assert {len(found) for found in booked.values()} == {1}, booked
    for nobody in ("outsider", "lab-software", "patient", "operator"):
        assert all_of(nobody, mine) == [], nobody
    # Its slot is taken, the others are not, and none was made twice.
    free = all_of("gp", f"Slot?identifier={call.NAMED}|creneau-9&status=busy")
    assert len(free) == 1
    offered = all_of("gp", "Slot?status=free,busy&_count=50")
    assert len(offered) == len(call.HOURS)
    # One stay, over; one picture, which a doctor without a link does not have.
    stays = all_of("gp", f"Encounter?patient={patient}&status=finished&_count=50")
    assert sum(stay.STAY in json.dumps(each.get("identifier", "")) for each in stays) == 1
    drawn = (
        f"/dicom-web/studies/{stay.STUDY}/series/{stay.STUDY}.1/instances/{stay.STUDY}.1.1/rendered"
    )
    for persona, wanted in (("gp", 200), ("outsider", 404), ("operator", 404)):
        answer = requests.get(
            f"{address}{drawn}", headers={"Authorization": f"Bearer {held[persona]}"}, timeout=60
        )
        assert answer.status_code == wanted, (persona, answer.text[:300])
    # The trace tells who opened her record, and why.
    lines = all_of("elder", "AuditEvent?_count=200")
    purposes = json.dumps([each.get("purposeOfEvent") for each in lines])
    assert "ETREAT" in purposes
    assert any("Colin" in json.dumps(each.get("agent")) for each in lines)


def test_a_step_that_cannot_be_taken_is_taken_by_the_next_run(tmp_path: Path) -> None:
    """What was done is kept after each step; what failed is not."""
    done: list[str] = []

    def fails(stage: Stage) -> None:
        if len(done) == 1:
            done.append("tried")
            raise NothingCame("Nothing came.")
        done.append("second")

    story = (
        Chapter("Un", (Step("a", "x", "a", lambda stage: done.append("first")),)),
        Chapter("Deux", (Step("b", "x", "b", fails),)),
    )
    stage = Stage("", Settings(data=tmp_path), make(2026, 0), {})
    quiet = Console(quiet=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("carnet.cli.story.player.answers", lambda base: None)
        with pytest.raises(NothingCame):
            play(stage, story, quiet, 0)
        again = Stage("", Settings(data=tmp_path), make(2026, 0), {})
        play(again, story, quiet, 0)
    assert done == ["first", "tried", "second"]


def test_without_a_demonstration_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carnet.cli.story.player.WAITING", 0.1)
    with pytest.raises(NoAnswer):
        answers("http://127.0.0.1:9")
