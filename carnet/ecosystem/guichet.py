# SPDX-License-Identifier: EUPL-1.2
"""The regulatory counter: answers in, the rules that apply out, by a table that anybody may read.

It informs: nothing here decides whether a product may be used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from carnet import errors
from carnet.words import BadTable, Source, Words, source, table, words


class NotAnAnswer(errors.Invalid):
    """This question does not exist, or has no such answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question and its answers, in the order they are asked."""

    key: str
    asks: Words
    help: Words
    answers: tuple[tuple[str, Words], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What applies when every line of `when` is answered by one of its words."""

    key: str
    when: Mapping[str, frozenset[str]]
    what: Words
    todo: Words
    source: Source


@dataclass(frozen=True, slots=True)
class Guichet:
    """The whole table."""

    version: str
    questions: tuple[Question, ...]
    rules: tuple[Rule, ...]

    def checklist(self, answers: Mapping[str, str]) -> tuple[Sequence[Rule], Sequence[Rule]]:
        """Those that apply, and those that hang on what was not answered yet.

        answers: of some questions or all, by key; NotAnAnswer for any other word.
        """
        known = {each.key: {key for key, _ in each.answers} for each in self.questions}
        for key, value in answers.items():
            if value not in known.get(key, ()):
                raise NotAnAnswer
        sure: list[Rule] = []
        open_: list[Rule] = []
        for rule in self.rules:
            if any(key in answers and answers[key] not in rule.when[key] for key in rule.when):
                continue
            (sure if rule.when.keys() <= answers.keys() else open_).append(rule)
        return sure, open_


@cache
def guichet() -> Guichet:
    """The table of this version."""
    return read(table(__package__, "guichet.toml"))


def read(given: Mapping[str, Any]) -> Guichet:
    """A table as it is written; BadTable when a rule speaks of what is not asked."""
    questions = tuple(
        Question(
            each["key"],
            words(each["asks"]),
            words(each["help"]),
            tuple((one["key"], words(one["says"])) for one in each["answers"]),
        )
        for each in given["question"]
    )
    asked = {each.key: {key for key, _ in each.answers} for each in questions}
    rules = []
    for each in given["rule"]:
        when = {key: frozenset(values) for key, values in each["when"].items()}
        if not when or any(not values <= asked.get(key, set()) for key, values in when.items()):
            raise BadTable(f"The rule {each['key']} hangs on what is not asked.")
        rules.append(
            Rule(each["key"], when, words(each["what"]), words(each["todo"]), source(each))
        )
    if len({each.key for each in rules}) < len(rules):
        raise BadTable("Two rules have one key.")
    return Guichet(str(given["version"]), questions, tuple(rules))
