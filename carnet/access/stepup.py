# SPDX-License-Identifier: EUPL-1.2
"""Acts that need somebody to have proved who they are a short while ago (stepup.toml).

A session left open, a token that lasts: who finds it cannot break the glass, take a record away, give a
mandate or close a record with it. Source: RFC 9470.
"""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from carnet import errors
from carnet.access.actor import Actor, ActorKind


class StepUp(errors.Unauthenticated):
    """Prove who you are again: this needs a log-in of a few minutes ago at most."""


@cache
def table() -> dict[str, Any]:
    """The file."""
    return tomllib.loads(files(__package__).joinpath("stepup.toml").read_text("utf-8"))


def longest() -> int:
    """Seconds."""
    return int(table()["seconds"])


def fresh(actor: Actor, now: datetime) -> None:
    """StepUp when they did not prove who they are lately, or nobody says when; software always does."""
    if actor.kind is ActorKind.SOFTWARE:
        return
    when = actor.authenticated
    if when is None or now - when > timedelta(seconds=longest()):
        raise StepUp
