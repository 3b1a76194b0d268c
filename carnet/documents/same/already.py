# SPDX-License-Identifier: EUPL-1.2
"""Already done: the last same examination before another is asked for. Pure.

Who calls gives the examinations that the viewer sees, and no others: what is hidden is not known here.
How long one still holds is said only where a text says it; else the days alone are told.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from carnet import errors

LOINC = "http://loinc.org"
DONE = frozenset(
    ("final", "amended", "corrected", "preliminary", "appended", "completed", "available")
)

Code = tuple[str, str]  # system, code


class WrongExaminations(errors.Invalid):
    """Examinations are a TOML file of [[family]], each with its name, label, system and codes."""


class NoSource(errors.Invalid):
    """A family of examinations that says for how many days one holds says by which text."""


@dataclass(frozen=True, slots=True)
class Family:
    """Codes that ask for the same examination.

    parts: what shows, all of one instant, that it was done. within: days one holds, by its source; None
    where no text says it.
    """

    name: str
    label: str
    codes: frozenset[Code]
    parts: frozenset[Code] = frozenset()
    within: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """One that the viewer sees: a result or an imaging report."""

    codes: frozenset[Code]
    at: datetime  # aware
    status: str
    address: str  # of the resource
    place: str = ""  # who did it


@dataclass(frozen=True, slots=True)
class Already:
    """The last same examination: when, where it is written, and how many whole days ago."""

    label: str  # "" for what stands in no family
    at: datetime
    address: str
    place: str
    days: int
    within: int | None = None  # days for which a text says that one holds
    source: str = ""  # that text

    @property
    def sentence(self) -> str:
        """What the API says of it."""
        where = f" by {self.place}" if self.place else ""
        held = f" ({self.source}: within {self.within} days)" if self.holds else ""
        return f"Already done {self.days} days ago{where}: {self.address}{held}."

    @property
    def holds(self) -> bool:
        """Whether a text says that it still does."""
        return self.within is not None and self.days <= self.within


@cache
def families(file: Path | None = None) -> tuple[Family, ...]:
    """Those of Carnet, after those of an operator's file in the same shape."""
    own = files(__package__).joinpath("examinations.toml").read_text("utf-8")
    try:
        texts = [file.read_text("utf-8"), own] if file is not None else [own]
        return tuple(_family(each) for text in texts for each in tomllib.loads(text)["family"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongExaminations from error


def _family(said: dict[str, Any]) -> Family:
    if "days" in said and not said.get("source"):
        raise NoSource
    system = str(said["system"])
    return Family(
        said["name"],
        said["label"],
        frozenset((system, code) for code in said["codes"]),
        frozenset((system, code) for code in said.get("parts", ())),
        said.get("days"),
        said.get("source", ""),
    )


def family_of(asked: frozenset[Code], known: Iterable[Family]) -> Family | None:
    """The family that is asked for; None for what stands in none."""
    return next((each for each in known if each.codes & asked), None)


def already(
    asked: frozenset[Code], done: Iterable[Examination], now: datetime, known: Iterable[Family]
) -> Already | None:
    """The last examination of the same family, done before now; None for none.

    One in error, cancelled, only registered, or dated after now is not one.
    """
    family = family_of(asked, known)
    codes = asked | family.codes if family else asked
    held = [each for each in done if each.status in DONE and each.at <= now]
    same = [each for each in held if each.codes & codes]
    if family is not None and family.parts:
        same += _whole(held, family.parts)
    if not same:
        return None
    last = max(same, key=lambda each: (each.at, each.address))
    return Already(
        family.label if family else "",
        last.at,
        last.address,
        last.place,
        (now - last.at).days,
        family.within if family else None,
        family.source if family else "",
    )


def _whole(held: Iterable[Examination], parts: frozenset[Code]) -> list[Examination]:
    """One of the parts for each instant that has them all."""
    by: dict[datetime, list[Examination]] = {}
    for each in held:
        if each.codes & parts:
            by.setdefault(each.at, []).append(each)
    return [
        min(some, key=lambda each: each.address)
        for some in by.values()
        if parts <= frozenset().union(*(each.codes for each in some))
    ]
