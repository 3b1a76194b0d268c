# SPDX-License-Identifier: EUPL-1.2
"""A text as words: lower case, no accent left, elisions cut, each with the stem search compares."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from carnet import errors
from carnet.documents.text.stemmer import LONGEST, stem

LETTERS: Final = {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "’": "'", "ʼ": "'"}
ELIDED: Final = re.compile(r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|aujourd)'(?=\w)")
_USUAL: Final = re.compile(
    "[\u0300-\u034e\u0350-\u036f]+"
)  # the marks letters of Latin scripts are combined with
DECIMAL: Final = re.compile(r"(?<=[0-9]),(?=[0-9])")
ENDED: Final = re.compile("ee(s?)$")
WORD: Final = re.compile(r"[^\W_]+(?:[.,][0-9]+)*")
# Words that carry no subject: they are neither kept nor asked for outside a phrase.
EMPTY: Final = frozenset(
    "a au aux avec ce ces cet cette dans de des du elle en est et eux il ils je la le les leur leurs lui ma"
    " mais me mes moi mon ne nos notre nous on ou par pas pour qu que qui sa se ses son sur ta te tes toi"
    " ton tu un une vos votre vous y ete etes sont sera".split()
)


def lowered(text: str) -> str:
    """Lower case, composed, ligatures opened, elided articles apart, 1,2 as 1.2; accents stay."""
    text = unicodedata.normalize("NFKC", text.replace("\0", " ")).casefold()
    for each, plain in LETTERS.items():
        if each in text:
            text = text.replace(each, plain)
    if "," in text:
        text = DECIMAL.sub(".", text)
    return ELIDED.sub(lambda found: " " * len(found[0]), text) if "'" in text else text


class _Marks(dict[int, int | None]):
    """What str.translate leaves out: the marks a letter is combined with."""

    def __missing__(self, point: int) -> int | None:
        self[point] = None if unicodedata.combining(chr(point)) else point
        return self[point]


_MARKS = _Marks()


def bare(text: str) -> str:
    """Without accents."""
    if text.isascii():
        return text
    plain = _USUAL.sub("", unicodedata.normalize("NFD", text))
    try:
        plain.encode("cp1252")  # it has no mark: the quickest way to see that no other is left
    except UnicodeEncodeError:
        return plain.translate(_MARKS)
    return plain


@lru_cache(1 << 14)
def folded(word: str) -> str:
    """A lower case word as it is compared: its stem, without accents.

    Who types without accents finds what was written with them: a word and its bare form are both
    kept, since a stem is not cut at the same place with and without.
    """
    return bare(stem(word))


def forms(word: str) -> tuple[str, ...]:
    """The stems a written word is kept under."""
    plain = bare(word)
    ended = ENDED.sub(r"ée\1", plain)  # operee, typed for opérée
    return tuple(dict.fromkeys((folded(word), folded(plain), folded(ended))))


def said(text: str) -> Iterator[str]:
    """The lower case words of a text that carry a subject, in order."""
    for each in WORD.finditer(lowered(text)):
        word = each[0]
        if len(word) <= LONGEST and bare(word) not in EMPTY:
            yield word


def sequence(text: str) -> list[str]:
    """Every word of a text as a phrase compares it, in order: without accents, nothing left out."""
    return WORD.findall(bare(lowered(text)))


def stems(text: str) -> set[str]:
    """All that a text may be found by."""
    return stems_of(set(said(text)))


def stems_of(every: Iterable[str]) -> set[str]:
    """All that words may be found by."""
    return {form for word in every for form in forms(word)}


def beginnings(every: Iterable[str], lengths: Iterable[int]) -> set[str]:
    """The beginnings of words, of these lengths, without accents."""
    plain = {bare(word) for word in every}
    return {word[:length] for word in plain for length in lengths if len(word) >= length}


class WrongSynonyms(errors.Invalid):
    """The operator's synonyms are a TOML file of [[group]], each with its `words`, two at least."""


@cache
def loaded(file: str) -> tuple[str, ...]:
    """The operator's own synonyms, as `synonyms` takes them; none for ""."""
    if not file:
        return ()
    try:
        text = Path(file).read_text("utf-8")
        groups = tomllib.loads(text).get("group")
    except (OSError, ValueError) as error:
        raise WrongSynonyms from error
    right = isinstance(groups, list) and all(
        isinstance(each, dict)
        and isinstance(each.get("words"), list)
        and len(each["words"]) > 1
        and all(isinstance(word, str) and key(word) for word in each["words"])
        for each in groups
    )
    if not right:
        raise WrongSynonyms
    return (text,)


@cache
def synonyms(more: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """For each form without accents: what means the same. more: TOML texts the operator loaded."""
    own = files(__package__).joinpath("synonyms.toml").read_text()
    found: dict[str, set[str]] = {}
    for text in (own, *more):
        for group in tomllib.loads(text)["group"]:
            for one in group["words"]:
                others = {each for each in group["words"] if each != one}
                found.setdefault(key(one), set()).update(others)
    return {one: tuple(sorted(others)) for one, others in found.items()}


def key(text: str) -> str:
    """An expression as synonyms name it: its words without accents."""
    return " ".join(bare(each[0]) for each in WORD.finditer(lowered(text)))
