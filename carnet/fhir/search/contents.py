# SPDX-License-Identifier: EUPL-1.2
"""What only an opened resource tells: `_text`, `_content`, and the middle and end of a sealed string.

    _text=metastases            the narrative
    _content=(foie OR os) fracture   every text of the resource
    title:contains=sommeil      a string that rests sealed

No hash answers these. What the caller may see, and the search's other parameters find, is opened by the
service, compared, and forgotten; above a limit the search is refused (docs/decisions/0033).
Source: FHIR R4, Search, "_text" and "_content", "Modifiers".
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from carnet import errors
from carnet.fhir.definitions import SearchParameter
from carnet.fhir.search.chains import NotFollowed
from carnet.fhir.search.extract import extract
from carnet.fhir.search.query import Place
from carnet.fhir.search.strings import normalised

MOST_OPENED = 2000  # resources one search may open to compare
MOST_WORDS = 30  # of one value
DEEPEST = 10  # parentheses one in another
TAG = re.compile("<[^>]*>")
MARK = re.compile(r'\s*(\(|\)|"[^"]*"|[^\s()"]+)')

Test = Callable[[str], bool]  # of a text, normalised, with a blank before and after it


class WrongWords(errors.Invalid):
    """Words to look for are joined by blanks, OR, AND, NOT, parentheses and quotes; thirty at most."""


class TooManyToOpen(errors.TooCostly):
    """Words are looked for in 2,000 resources at most: name a patient, or add parameters that narrow it."""


@dataclass(frozen=True, slots=True)
class Words:
    """Any of the values, in the narrative or in every text of a resource."""

    where: Literal["_text", "_content"]
    asked: tuple[str, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        raise NotFollowed

    def test(self) -> Callable[[dict[str, Any]], bool]:
        """What an opened resource answers."""
        tests = [compiled(each) for each in self.asked]
        texts = narrative if self.where == "_text" else every

        def holds(resource: dict[str, Any]) -> bool:
            # A line break keeps words of two texts apart, whatever phrase is asked.
            said = "\n".join(f" {normalised(text)} " for text in texts(resource))
            return any(test(said) for test in tests)

        return holds


@dataclass(frozen=True, slots=True)
class Within:
    """Any of the words in the texts of a string parameter, or at their end; normalised."""

    param: str
    words: tuple[str, ...]
    how: str  # contains or ends
    own: tuple[SearchParameter, ...] = ()  # the parameter, where it is the installation's

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        raise NotFollowed

    def test(self) -> Callable[[dict[str, Any]], bool]:
        """What an opened resource answers."""
        only = frozenset((self.param,))

        def holds(resource: dict[str, Any]) -> bool:
            texts = [normalised(text) for _, text in extract(resource, only, self.own).strings]
            if self.how == "ends":
                return any(text.endswith(word) for text in texts for word in self.words)
            return any(word in text for text in texts for word in self.words)

        return holds


def compiled(value: str) -> Test:
    """The test of one value: words must all be there, each from its beginning; OR, AND, NOT join them.

    In quotes, whole words that follow one another, whatever they are.
    """
    marks = MARK.findall(value)
    if len(marks) > 4 * MOST_WORDS or MARK.sub("", value).strip():
        raise WrongWords
    words = [each for each in marks if each not in ("(", ")") and each.upper() not in JOINING]
    if not words or len(words) > MOST_WORDS:
        raise WrongWords
    test, rest = _any(marks, 0)
    if rest:
        raise WrongWords
    return test


JOINING = frozenset(("AND", "OR", "NOT"))


def _any(marks: list[str], depth: int) -> tuple[Test, list[str]]:
    if depth > DEEPEST:
        raise WrongWords
    first, marks = _all(marks, depth)
    tests = [first]
    while marks and marks[0].upper() == "OR":
        one, marks = _all(marks[1:], depth)
        tests.append(one)
    return (lambda text: any(test(text) for test in tests)), marks


def _all(marks: list[str], depth: int) -> tuple[Test, list[str]]:
    first, marks = _one(marks, depth)
    tests = [first]
    while marks and marks[0] != ")" and marks[0].upper() != "OR":
        one, marks = _one(marks[marks[0].upper() == "AND" :], depth)
        tests.append(one)
    return (lambda text: all(test(text) for test in tests)), marks


def _one(marks: list[str], depth: int) -> tuple[Test, list[str]]:
    if not marks or marks[0] == ")" or marks[0].upper() in ("AND", "OR"):
        raise WrongWords
    mark, marks = marks[0], marks[1:]
    if mark == "(":
        test, marks = _any(marks, depth + 1)
        if not marks:
            raise WrongWords
        return test, marks[1:]
    if mark.upper() == "NOT":
        test, marks = _one(marks, depth + 1 if depth < DEEPEST else depth)
        return (lambda text: not test(text)), marks
    quoted = mark[0] == '"'
    word = normalised(mark)
    if not word:
        raise WrongWords
    looked = f" {word} " if quoted else f" {word}"
    return (lambda text: looked in text), marks


def narrative(resource: dict[str, Any]) -> Iterator[str]:
    """The narrative, without its marks."""
    div = resource.get("text", {}).get("div")
    if div is not None:
        yield html.unescape(TAG.sub(" ", div))


def every(resource: Any, key: str = "") -> Iterator[str]:
    """Every text of a resource, its narrative without marks; no attachment's bytes."""
    if isinstance(resource, str):
        if key == "div":
            yield html.unescape(TAG.sub(" ", resource))
        elif key != "data":
            yield resource
    elif isinstance(resource, list):
        for each in resource:
            yield from every(each, key)
    elif isinstance(resource, dict):
        for name, each in resource.items():
            yield from every(each, name)
