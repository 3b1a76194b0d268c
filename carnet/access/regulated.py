# SPDX-License-Identifier: EUPL-1.2
"""Functions that may be a medical device: off, except where nobody is real, until an operator signs each.

What is signed is the intended purpose as `regulated.toml` says it; when that text changes its version does,
and the signature no longer holds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from carnet.config import Instance, Settings, WrongSetting


@dataclass(frozen=True, slots=True)
class Function:
    """One of them. name, purpose: by language, fr and en."""

    key: str
    version: int
    name: Mapping[str, str]
    purpose: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """A function here. since: the day from which it was signed; None: not signed."""

    function: Function
    on: bool
    since: date | None


@cache
def functions() -> Mapping[str, Function]:
    """Those of this version, by key."""
    text = files(__package__).joinpath("regulated.toml").read_text("utf-8")
    return {
        each["key"]: Function(each["key"], each["version"], each["name"], each["purpose"])
        for each in tomllib.loads(text)["function"]
    }


@cache
def signed(path: str) -> Mapping[str, date]:
    """What an operator's file puts into service, by key; WrongSetting says what is wrong with it.

    path: "" or a TOML file, one table a function: version, by (who answers for it), on (a day).
    """
    if not path:
        return {}
    try:
        given = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise WrongSetting("CARNET_REGULATED cannot be read as a TOML file.") from None
    return {key: _signature(key, each) for key, each in given.items()}


def _signature(key: str, given: Any) -> date:
    function = functions().get(key)
    if function is None:
        known = ", ".join(functions())
        raise WrongSetting(f"CARNET_REGULATED signs {key}, which is none of: {known}.")
    told = given if isinstance(given, dict) else {}
    if told.get("version") != function.version:
        raise WrongSetting(
            f"CARNET_REGULATED signs another version of {key} than this one ({function.version}): "
            "its purpose has changed, read it and sign it again."
        )
    if not isinstance(told.get("by"), str) or not told["by"].strip():
        raise WrongSetting(f"CARNET_REGULATED does not say by whom {key} is signed.")
    if type(told.get("on")) is not date:
        raise WrongSetting(f"CARNET_REGULATED does not say from which day {key} is on (a date).")
    on: date = told["on"]
    return on


def standings(settings: Settings, today: date) -> Sequence[Standing]:
    """Every function, and whether it is in service here; today: a day in France."""
    unreal = settings.instance in (Instance.DEMONSTRATION, Instance.TEST)
    by_key = signed(settings.regulated)
    found = []
    for function in functions().values():
        since = by_key.get(function.key)
        found.append(Standing(function, unreal or (since is not None and since <= today), since))
    return found


def on(settings: Settings, key: str, today: date) -> bool:
    """Whether one is in service here; KeyError for a key of no function."""
    return {each.function.key: each.on for each in standings(settings, today)}[key]
