# SPDX-License-Identifier: EUPL-1.2
"""`_filter`: search parameters joined by and, or, not and parentheses.

    _filter=specialty eq 15 and (characteristic eq 02 or name co "étoile")

The path of a test is a search parameter; its value is what that parameter takes, or a JSON string. What
a path leads to is narrowed by a filter in brackets: `has-member[status eq final].code eq a`, of one member.
And and or have no precedence: they are read from left to right, as FHIR has it.
Source: FHIR R4, Search, "_filter".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from carnet import errors
from carnet.fhir.search.logic import Not, Together
from carnet.fhir.search.query import Filter

DEEPEST = 20  # parentheses one in another
MOST = 60  # tests
WORD = re.compile(r"\s*(?:(\()|(\))|(\"(?:[^\"\\]|\\.)*\")|([^\s()\"]+))", re.DOTALL)
BRACKET = re.compile(r"\[|\]|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)

# What a test is, as a modifier or a prefix of the parameter, by its type and operator.
# Not modifiers a URL can write, where U+0000 is refused: the whole text, case and accents aside; the end of
# a text; a period that overlaps.
EQUAL, ENDS, OVERLAPS = "\0eq", "\0ew", "\0po"
ORDERED = {each: ("", each) for each in ("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb")}
CODED = {
    "eq": ("", ""), "in": ("in", ""), "ni": ("not-in", ""), "ss": ("below", ""), "sb": ("above", ""),
}  # fmt: skip
OPERATORS: dict[str, dict[str, tuple[str, str]]] = {
    "date": {**ORDERED, "po": (OVERLAPS, "")}, "number": ORDERED, "quantity": ORDERED,
    "token": CODED,
    "string": {"eq": (EQUAL, ""), "sw": ("", ""), "co": ("contains", ""), "ew": (ENDS, "")},
    "uri": {"eq": ("", ""), "ss": ("below", ""), "sb": ("above", "")},
    "reference": {"eq": ("", ""), "re": ("", ""), "ss": ("below", ""), "sb": ("above", "")},
}  # fmt: skip
KNOWN = frozenset("eq ne co sw ew gt lt ge le ap sa eb pr po ss sb in ni re".split())
NEGATED = {"ne": "eq"}  # of what has no prefixes


class WrongExpression(errors.Invalid):
    """_filter is tests (parameter operator value) joined by and, or, not (…) and parentheses."""


class UnknownOperator(errors.NotSupported):
    """This operator of _filter is not supported on a parameter of this type."""


class WrongInside(errors.Invalid):
    """A filter in brackets follows a reference, and a point and a parameter follow it: one in each path."""


@dataclass(slots=True)
class Reader:
    """A _filter being read.

    kind: the type of a parameter; test: the filter of (parameter, modifier, value as in a URL, what is in
    brackets after its first reference).
    """

    text: str
    kind: Callable[[str], str]
    test: Callable[[str, str, str, str], Filter]
    at: int = 0
    tests: int = 0

    def read(self) -> Filter:
        """The whole of it."""
        found = self._joined(0)
        if self.text[self.at :].strip():
            raise WrongExpression
        return found

    def _joined(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise WrongExpression
        found = self._one(depth)
        while (word := self._look()) in ("and", "or"):
            self._next()
            how, more = word, self._one(depth)
            if isinstance(found, Together) and found.how == how:
                found = Together(found.how, (*found.parts, more))
            else:
                found = Together("and" if how == "and" else "or", (found, more))
        return found

    def _one(self, depth: int) -> Filter:
        word = self._next()
        if word == "(":
            return self._closed(depth)
        if word == "not" and self._look() == "(":
            self._next()
            return Not(self._closed(depth))
        self.tests += 1
        if self.tests > MOST or word in (")", "and", "or", "not") or word[0] == '"':
            raise WrongExpression
        name, inside = self._path(word)
        return self._test(name, inside, self._next(), self._next())

    def _path(self, word: str) -> tuple[str, str]:
        """The path that a word begins, and what was in brackets in it."""
        if "[" not in word:
            return word, ""
        head, depth = word.partition("[")[0], 0
        start = self.at - len(word) + len(head)
        for found in BRACKET.finditer(self.text, start):
            depth += {"[": 1, "]": -1}.get(found[0], 0)
            if depth == 0:
                break
        else:
            raise WrongInside
        self.at = found.end()
        rest = self._next()
        inside = self.text[start + 1 : found.start()]
        if not head or "." in head or "[" in rest or not rest.startswith(".") or not inside.strip():
            raise WrongInside
        return head + rest, inside

    def _closed(self, depth: int) -> Filter:
        found = self._joined(depth + 1)
        if self._next() != ")":
            raise WrongExpression
        # What was in parentheses is one thing: `a or (b or c) and d`.
        return Together("and", (found,)) if isinstance(found, Together) else found

    def _test(self, name: str, inside: str, operator: str, value: str) -> Filter:
        if value in ("(", ")"):
            raise WrongExpression
        given = value
        if value.startswith('"'):
            try:
                given = str(json.loads(value))
            except ValueError:
                raise WrongExpression from None
        if operator not in KNOWN:
            raise WrongExpression
        kind = self.kind(name)
        if operator == "pr":
            if given not in ("true", "false"):
                raise WrongExpression
            return self.test(name, "missing", "false" if given == "true" else "true", inside)
        found = OPERATORS.get(kind, {}).get(operator)
        if found is None and operator in NEGATED:
            found = OPERATORS.get(kind, {}).get(NEGATED[operator])
            if found is not None:
                return Not(self.test(name, found[0], found[1] + escaped(given, kind), inside))
        if found is None:
            raise UnknownOperator
        return self.test(name, found[0], found[1] + escaped(given, kind), inside)

    def _look(self) -> str | None:
        """The next word, left where it is; None at the end."""
        found = WORD.match(self.text, self.at)
        return found[0].strip() if found else None

    def _next(self) -> str:
        found = WORD.match(self.text, self.at)
        if found is None:
            raise WrongExpression
        self.at = found.end()
        return found[0].strip()


def escaped(value: str, kind: str) -> str:
    """A value as a URL writes it: a bar separates what a token or a quantity is made of."""
    marks = "\\," if kind in ("token", "quantity") else "\\,|$"
    for mark in marks:
        value = value.replace(mark, "\\" + mark)
    return value
