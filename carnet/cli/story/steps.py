# SPDX-License-Identifier: EUPL-1.2
"""What a story is made of: chapters, and steps that may be taken twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from carnet.cli.story.stage import Stage


@dataclass(frozen=True, slots=True)
class Step:
    """One thing somebody does.

    key: its name for ever, in the file of what was done. who: a persona, or words. said: what happens,
    in French. act: does it; taken again after a crash, it changes nothing more, for what it sends carries
    identifiers that never change. look: where it can be seen, as (persona, path with {patient}).
    """

    key: str
    who: str
    said: str
    act: Callable[[Stage], None]
    look: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """Some steps under one title, in French."""

    title: str
    steps: Sequence[Step]
