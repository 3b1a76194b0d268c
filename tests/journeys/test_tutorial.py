# SPDX-License-Identifier: EUPL-1.2
"""The tutorial, followed to the letter: each of its commands is run, each answer it shows is seen."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.journeys.conftest import Demonstration

pytestmark = [pytest.mark.db, pytest.mark.slow]

ROOT: Final = Path(__file__).parents[2]
TUTORIAL: Final = ROOT / "docs" / "tutorial" / "first-document.md"
BLOCK: Final = re.compile(r"^```(sh|text)( demo)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
ADDRESS: Final = "CARNET=http://localhost:8000\n"
END: Final = "---- end of step ----"


def steps() -> list[tuple[str, str | None]]:
    """Commands in order, each with the answer shown after it; None where none is shown."""
    found: list[tuple[str, str | None]] = []
    for kind, starts, text in BLOCK.findall(TUTORIAL.read_text("utf-8")):
        if starts:  # the demonstration itself: the fixture started it
            continue
        if kind == "sh":
            found.append((text, None))
        else:
            found[-1] = (found[-1][0], text)
    return found


def test_every_command_of_the_tutorial_answers_what_it_says(demonstration: Demonstration) -> None:
    # given the steps, in one shell as a reader's, against this demonstration
    told = steps()
    assert len(told) >= 6
    assert told[0][0].startswith(ADDRESS)
    script = "".join(f"{command}\necho '{END}'\n" for command, _ in told)
    script = script.replace(ADDRESS, f"CARNET={demonstration.address}\n", 1)
    # when they are run
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=ROOT,
        env={**os.environ, "CARNET_DATA": str(demonstration.data)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    # then each answers what the page shows
    answers = done.stdout.split(f"{END}\n")
    for (command, shown), answer in zip(told, answers, strict=False):
        if shown is not None:
            assert answer == shown, command
