# SPDX-License-Identifier: EUPL-1.2
"""Plays the story: each step once, told on the terminal, with where to look; killed, it goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import requests
from rich.console import Console

from carnet import errors
from carnet.cli.story.stage import Stage
from carnet.cli.story.steps import Chapter, Step

WAITING: Final = 120.0  # seconds for the demonstration to answer


class NoAnswer(errors.CarnetError):
    """The demonstration did not answer: the story cannot be told."""


def play(stage: Stage, story: Sequence[Chapter], console: Console, pace: float) -> None:
    """Every step that was not taken yet, in order; pace: seconds between two, for who watches."""
    answers(stage.base)
    stage.recall()
    for number, chapter in enumerate(story, 1):
        waiting = [step for step in chapter.steps if step.key not in stage.done]
        if not waiting:
            continue
        console.print(f"\n[bold]{number}. {chapter.title}[/bold]")
        for step in waiting:
            tell(stage, step, console)
            try:
                step.act(stage)
            except (requests.RequestException, OSError):
                raise NoAnswer from None
            stage.remember(step.key)
            time.sleep(pace)
    console.print("\n[bold]Fin de l’histoire.[/bold] Tout ce qui s’est passé est dans les pages.")


def tell(stage: Stage, step: Step, console: Console) -> None:
    """Who does what, and where it can be seen."""
    console.print(f"  {step.said}", highlight=False)
    for persona, path in step.look:
        if "{patient}" in path:
            path = path.format(patient=stage.patient("elder"))
        console.print(f"     [dim]{stage.base}{path} ({persona})[/dim]", highlight=False)


def answers(base: str) -> None:
    """Wait until the demonstration serves."""
    limit = time.monotonic() + WAITING
    while time.monotonic() < limit:
        try:
            if requests.get(f"{base}/health", timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.3)
    raise NoAnswer
