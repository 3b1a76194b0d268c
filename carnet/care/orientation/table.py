# SPDX-License-Identifier: EUPL-1.2
"""The table of orientation: alarm signs on two screens, questions, and the way they lead to.

A table is refused unless 15 stands behind every sign and every set of answers has a way.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from carnet import errors
from carnet.words import BadTable, Source, Words, source, table, words

EMERGENCY: Final = "15"
SCREENS: Final = (1, 2)  # 15 is never further than these


class NotAnAnswer(errors.Invalid):
    """This sign or answer does not exist."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One alarm sign, on the screen it is asked on."""

    key: str
    screen: int
    says: Words
    source: Source


@dataclass(frozen=True, slots=True)
class Question:
    """One question, asked when there is no sign; one answer of several."""

    key: str
    asks: Words
    answers: Mapping[str, Words]


@dataclass(frozen=True, slots=True)
class Way:
    """Whom to turn to. call: a number, or "". places: kinds of places near (v3-RoleCode), or none."""

    key: str
    title: Words
    says: Words
    call: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The whole of it. reviewed: the day somebody answered for it; None: nobody has."""

    version: str
    reviewed: date | None
    signs: tuple[Sign, ...]
    questions: tuple[Question, ...]
    rules: tuple[tuple[Mapping[str, frozenset[str]], str], ...]
    ways: Mapping[str, Way]

    def on(self, screen: int) -> tuple[Sign, ...]:
        """The signs of a screen."""
        return tuple(each for each in self.signs if each.screen == screen)

    def alarm(self, signs: Iterable[str]) -> Way | None:
        """15 when there is a sign, whatever it is; NotAnAnswer for one of another table."""
        given = set(signs)
        if not given <= {each.key for each in self.signs}:
            raise NotAnAnswer
        return self.ways[EMERGENCY] if given else None

    def way(self, answers: Mapping[str, str]) -> Way:
        """Where all the answers lead, for who has no sign; NotAnAnswer when one is missing or unknown."""
        for question in self.questions:
            if answers.get(question.key) not in question.answers:
                raise NotAnAnswer
        found = next(
            key
            for when, key in self.rules
            if all(answers[name] in values for name, values in when.items())
        )
        return self.ways[found]


@cache
def orientation(path: str = "") -> Table:
    """An operator's table, or that of this version; BadTable says what is wrong."""
    if not path:
        return read(table(__package__, "orientation.toml"))
    try:
        return read(tomllib.loads(Path(path).read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise BadTable("CARNET_ORIENTATION cannot be read as a TOML file.") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BadTable("CARNET_ORIENTATION lacks what orientation.toml has.") from None


def read(given: Mapping[str, Any]) -> Table:
    """A table as it is written."""
    signs = tuple(
        Sign(each["key"], each["screen"], words(each["says"]), source(each))
        for each in given["sign"]
    )
    questions = tuple(
        Question(
            each["key"],
            words(each["asks"]),
            {one["key"]: words(one["says"]) for one in each["answers"]},
        )
        for each in given["question"]
    )
    rules = tuple(
        ({key: frozenset(values) for key, values in each["when"].items()}, each["way"])
        for each in given["rule"]
    )
    ways = {
        each["key"]: Way(
            each["key"],
            words(each["title"]),
            words(each["says"]),
            each["call"],
            tuple(each["places"]),
        )
        for each in given["way"]
    }
    made = Table(given["version"], _reviewed(given), signs, questions, rules, ways)
    _holds(made)
    return made


def _reviewed(given: Mapping[str, Any]) -> date | None:
    review = given.get("review")
    if review is None:
        return None
    if not str(review.get("by", "")).strip() or type(review.get("on")) is not date:
        raise BadTable("A review says by whom, and on which day.")
    on: date = review["on"]
    return on


def _holds(made: Table) -> None:
    """What makes a table safe: nothing here trusts who wrote it."""
    if len({each.key for each in made.signs}) < len(made.signs):
        raise BadTable("Two signs have one key.")
    if any(not made.on(screen) for screen in SCREENS):
        raise BadTable("Each of the two first screens asks for signs.")
    if late := [each.key for each in made.signs if each.screen not in SCREENS]:
        raise BadTable(f"A sign is asked on the two first screens: {', '.join(late)}.")
    if EMERGENCY not in made.ways or made.ways[EMERGENCY].call != EMERGENCY:
        raise BadTable("The way 15 is missing, or calls another number.")
    asked = {each.key: set(each.answers) for each in made.questions}
    for when, way in made.rules:
        if way not in made.ways:
            raise BadTable(f"A rule leads to {way}, which is no way.")
        for name, values in when.items():
            if not values or not values <= asked.get(name, set()):
                raise BadTable(f"A rule hangs on what is not asked: {name}.")
    if not made.rules or made.rules[-1][0]:
        raise BadTable("The last rule holds whatever is answered, so that everybody has a way.")
