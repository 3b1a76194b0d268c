# SPDX-License-Identifier: EUPL-1.2
"""What is typed to look for a document, as a question. Pure.

    diabète -grossesse "bilan rénal" cardio*

All the words are wanted, in any order; `-` before a word refuses it; quotation marks keep words together;
a star after three letters or more is any end. Nothing else has a meaning: what is no letter nor digit is
a blank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from carnet import errors
from carnet.documents.text import words

MOST = 12  # terms of a question
LONGEST = 400  # characters
SHORTEST = 3  # letters before a star
KEPT = (3, 5)  # lengths of beginnings that are indexed; others are checked on the text
PIECE = re.compile(r'(?P<no>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')
DATE = re.compile(r"(?P<day>[0-9]{1,2})[/.-](?P<month>[0-9]{1,2})[/.-](?P<year>[0-9]{4})")
MONTHS = (
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre".split()
)
_QUOTES = str.maketrans(dict.fromkeys("«»“”„", '"'))


class WrongQuestion(errors.Invalid):
    """What was typed is no search."""


class TooManyWords(WrongQuestion):
    """A search has twelve words at most, in four hundred characters."""


class ShortBeginning(WrongQuestion):
    """A star comes after three letters at least."""


class NothingAsked(WrongQuestion):
    """A search has one word at least that is wanted."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing wanted, or refused: any of several sets of stems.

    any: each a set whose stems are all there. start: a beginning that is indexed. phrases: words that
    follow one another, any of them. whole: a beginning that is not indexed at its length. shown: what a
    snippet marks.
    """

    any: tuple[frozenset[str], ...]
    refused: bool = False
    start: str = ""
    phrases: tuple[tuple[str, ...], ...] = ()
    whole: str = ""
    shown: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # what was looked for beside it, as people read it

    @property
    def checked(self) -> bool:
        """Whether stems alone do not say what answers."""
        return bool(self.phrases or self.whole)

    @property
    def sure(self) -> bool:
        """Whether pairs of words say it, where they are kept."""
        return not self.whole and all(len(each) == 2 for each in self.phrases)

    def holds(self, said: str) -> bool:
        """Whether a text, its words between blanks, has what is to be checked."""
        if self.whole:
            return f" {self.whole}" in said
        return any(f" {' '.join(each)} " in said for each in self.phrases)


@dataclass(frozen=True, slots=True)
class Question:
    """What is wanted and what is refused."""

    terms: tuple[Term, ...]

    @property
    def exact(self) -> bool:
        """Whether stems alone say what answers."""
        return not any(each.checked for each in self.terms)

    def holds(self, said: str) -> bool:
        """Whether what stems do not say is so: words together, whole beginnings."""
        return all(each.holds(said) is not each.refused for each in self.terms if each.checked)

    @property
    def also(self) -> tuple[str, ...]:
        """Synonyms that were looked for too."""
        return tuple(dict.fromkeys(one for each in self.terms for one in each.also))


def question(text: str, more: tuple[str, ...] = ()) -> Question:
    """What is typed, read; NothingAsked, TooManyWords or ShortBeginning when it is no question."""
    if len(text) > LONGEST:
        raise TooManyWords
    text = text.replace("\0", " ").translate(_QUOTES)
    terms = [made for piece in PIECE.finditer(text) for made in _terms(piece, more)]
    terms = list(dict.fromkeys(_together(terms, more)))
    if len(terms) > MOST:
        raise TooManyWords
    if not any(not each.refused for each in terms):
        raise NothingAsked
    return Question(tuple(terms))


def _terms(piece: re.Match[str], more: tuple[str, ...]) -> list[Term]:
    refused = piece["no"] is not None
    if piece["phrase"] is not None:
        return _phrase(piece["phrase"], refused)
    word = piece["word"]
    if word.endswith("*"):
        found = [words.bare(each) for each in words.said(word)]
        if len(found) != 1 or len(found[0]) < SHORTEST:
            raise ShortBeginning
        kept = max(each for each in KEPT if each <= len(found[0]))
        whole = "" if len(found[0]) in KEPT else found[0]
        return [Term((), refused, found[0][:kept], whole=whole, shown=(found[0],))]
    if day := DATE.fullmatch(word):
        return _day(day, refused)
    found = list(words.said(word))
    if len(found) > 1 and refused:  # -anti-inflammatoire refuses the two together, not each
        return _phrase(word, True)
    return [_word(each, refused, more) for each in found]


def _word(word: str, refused: bool, more: tuple[str, ...]) -> Term:
    means = words.synonyms(more).get(words.key(word), ())
    sets = [frozenset((form,)) for form in words.forms(word)]
    sets += [_all(each) for each in means]
    shown = tuple(dict.fromkeys([*words.forms(word), *(f for s in sets for f in sorted(s))]))
    return Term(tuple(dict.fromkeys(sets)), refused, shown=shown, also=means)


def _together(terms: list[Term], more: tuple[str, ...]) -> list[Term]:
    """Words that are together the name of something: what means the same answers too."""
    wanted = [each for each in terms if not (each.refused or each.start or each.checked)]
    stems = {form for each in wanted for one in each.any if len(one) == 1 for form in one}
    for name, means in words.synonyms(more).items():
        whole = _all(name)
        if len(whole) < 2 or not whole <= stems:
            continue
        others = tuple(_all(each) for each in means)
        made = []
        for term in terms:
            if term in wanted and any(one <= whole for one in term.any):
                shown = tuple(dict.fromkeys([*term.shown, *(f for s in others for f in sorted(s))]))
                any_of = tuple(dict.fromkeys([*term.any, *others]))
                term = Term(any_of, shown=shown, also=term.also + means)
            made.append(term)
        terms, wanted = (
            made,
            [each for each in made if not (each.refused or each.start or each.checked)],
        )
    return terms


def _phrase(text: str, refused: bool) -> list[Term]:
    found = _all(text)
    if not found:
        return []
    every = tuple(words.sequence(text))
    return [Term((found,), refused, phrases=(every,), shown=tuple(sorted(found)))]


def _day(found: re.Match[str], refused: bool) -> list[Term]:
    """A day however it is written: 12/03/2024, 12.03.2024, 2024-03-12, 12 mars 2024."""
    day, month, year = found["day"], found["month"], found["year"]
    ways = {(day, month, year), (f"{day}.{month}.{year}",), (year, month.zfill(2), day.zfill(2))}
    if 1 <= int(month) <= 12:
        plain = str(int(day)) if int(day) > 1 else "1er"
        ways |= {(one, MONTHS[int(month) - 1], year) for one in {day, plain}}
    phrases = tuple(sorted(ways))
    sets = tuple(frozenset(map(words.folded, each)) for each in phrases)
    return [Term(sets, refused, phrases=phrases, shown=tuple(sorted({w for s in sets for w in s})))]


def _all(text: str) -> frozenset[str]:
    return frozenset(words.folded(words.bare(each)) for each in words.said(text))
