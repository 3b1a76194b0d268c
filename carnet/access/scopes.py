# SPDX-License-Identifier: EUPL-1.2
"""Scopes of SMART App Launch 2.2: what they are written like, what each allows, which covers which.

`patient/Observation.rs?category=laboratory`: a level, a type or `*`, letters in their order (create, read,
update, delete, search), and what resources are narrowed by. A scope of version 1 (`.read`, `.write`, `.*`)
is read as the letters it stands for. Whoever acts on our own pages has no scope at all and is not narrowed.
Source: HL7 SMART App Launch 2.2, "Scopes and Launch Context".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, quote

from carnet import errors
from carnet.access.actor import Actor

LETTERS: Final = "cruds"
LEVELS: Final = ("patient", "user", "system")
# Words that name no data: who logs in, what a launch gives, whether it goes on without the person.
PLAIN: Final = frozenset(
    "openid fhirUser profile launch launch/patient launch/encounter offline_access"
    " online_access".split()
)
WHOLE: Final = "*"  # of our own acts and tests; no request can ask for it
OLD: Final = {"read": "rs", "write": "cud", "*": "cruds"}
NARROWED_BY: Final = frozenset(("category", "code", "type", "status"))
NOBODY: Final = -1  # no record has this number
MOST: Final = 100  # words of one request
LONGEST: Final = 512  # characters of one word
WORD = re.compile(
    r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,63})\.(read|write|\*|[cruds]{1,5})(?:\?(.*))?",
    re.ASCII,
)


class WrongScope(errors.Invalid):
    """A scope is not one of SMART App Launch 2.2, or names what this server does not narrow by."""


class InsufficientScope(errors.Forbidden):
    """The scopes of this token do not allow it."""


@dataclass(frozen=True, slots=True, order=True)
class DataScope:
    """One scope on data. rtype: `*` for all. tests: (parameter, values, any of which), all of which hold."""

    level: str
    rtype: str
    letters: str
    tests: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        """As it is asked for."""
        text = f"{self.level}/{self.rtype}.{self.letters}"
        said = [f"{name}={quote(','.join(values), safe=':/|,.-_')}" for name, values in self.tests]
        return f"{text}?{'&'.join(said)}" if said else text

    def covers(self, other: DataScope) -> bool:
        """Whether all that the other allows is allowed by this one."""
        return (
            self.level == other.level
            and self.rtype in (WHOLE, other.rtype)
            and set(other.letters) <= set(self.letters)
            and all(_tighter(test, other) for test in self.tests)
        )


def _tighter(test: tuple[str, tuple[str, ...]], other: DataScope) -> bool:
    """Whether another scope narrows by this at least."""
    return any(name == test[0] and set(values) <= set(test[1]) for name, values in other.tests)


@lru_cache(4096)
def parse(word: str) -> DataScope:
    """One scope on data; WrongScope."""
    found = WORD.fullmatch(word) if len(word) <= LONGEST else None
    if found is None:
        raise WrongScope
    level, rtype, said, narrowed = found.groups()
    letters = OLD.get(said, said)
    if [each for each in LETTERS if each in letters] != list(letters):
        raise WrongScope
    return DataScope(level, rtype, letters, () if narrowed is None else _tests(rtype, narrowed))


def _tests(rtype: str, narrowed: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    try:
        said = parse_qsl(narrowed, strict_parsing=True, keep_blank_values=True, max_num_fields=8)
    except ValueError:
        raise WrongScope from None
    names = [name for name, _ in said]
    if (
        not said
        or rtype == WHOLE
        or len(set(names)) != len(names)
        or not NARROWED_BY.issuperset(names)
    ):
        raise WrongScope
    tests = [(name, tuple(sorted(set(value.split(","))))) for name, value in said]
    if any(not value.strip("|") for _, values in tests for value in values):
        raise WrongScope
    return tuple(sorted(tests))


@lru_cache(4096)
def read(words: frozenset[str]) -> tuple[DataScope, ...]:
    """Scopes on data among these words, in an order of their own; words that are none are left out."""
    found = []
    for word in words - PLAIN - {WHOLE}:
        try:
            found.append(parse(word))
        except WrongScope:  # what a token bears was judged when it was given; it allows nothing
            continue
    return tuple(sorted(found))


def judged(scope: str) -> list[str]:
    """The words of a request's scope, each once and right; WrongScope."""
    words = scope.split(" ") if scope else []
    if len(words) > MOST or len(set(words)) != len(words):
        raise WrongScope
    for word in words:
        if word not in PLAIN:
            parse(word)
    return words


def covered(word: str, within: Iterable[str]) -> bool:
    """Whether one scope is within others: what a client was registered with, what was allowed."""
    held = frozenset(within)
    if word in PLAIN or word == WHOLE:
        return word in held
    try:
        asked = parse(word)
    except WrongScope:
        return False
    return any(each.covers(asked) for each in read(held))


def limited(actor: Actor) -> bool:
    """Whether scopes or a grant narrow what this actor may do."""
    return bool(actor.scopes and WHOLE not in actor.scopes)


def allows(actor: Actor, rtype: str, letter: str) -> bool:
    """Whether the scopes of an actor allow one act on one type, on some of its resources at least.

    What is narrowed by a test is read by it, and not written: nothing says what a resource will become.
    """
    if letter in "cud" and not actor.writes:
        return False
    if not limited(actor):
        return True
    return any(
        letter in each.letters
        and each.rtype in (WHOLE, rtype)
        and not (each.tests and letter in "cud")
        for each in read(actor.scopes)
    )


def fence(actor: Actor) -> int | None:
    """The one record an actor is held to: when every scope of theirs is of level `patient`."""
    if not limited(actor) or any(each.level != "patient" for each in read(actor.scopes)):
        return None
    if actor.context is not None:
        return actor.context
    return NOBODY if actor.patient is None else actor.patient


def demand(actor: Actor, rtype: str, letters: str) -> None:
    """Refuse what no scope allows; letters: all of them are needed. InsufficientScope."""
    for letter in letters:
        if not allows(actor, rtype, letter):
            raise InsufficientScope


def everything(actor: Actor, letters: str = LETTERS) -> bool:
    """Whether nothing narrows these acts, on any type."""
    if set(letters) & set("cud") and not actor.writes:
        return False
    if not limited(actor):
        return True
    return any(
        each.rtype == WHOLE and not each.tests and set(letters) <= set(each.letters)
        for each in read(actor.scopes)
    )
