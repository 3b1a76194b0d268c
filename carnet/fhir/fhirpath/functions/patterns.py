# SPDX-License-Identifier: EUPL-1.2
"""Regular expressions of others: those that a hostile text could make run for ever are refused.

`(a+)+` tries every way of cutting a text into parts. A repetition without end may hold another
only if something stands between two turns that the inner one cannot be: `([^ ]+ )*` may.
"""

import re
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

MANY: Final = 50  # turns after which a repetition counts as endless
TURNS: Final = 10  # of a repetition whose body may be cut in several ways
STEPS: Final = 100_000_000  # tries of one pattern on one text
LONGEST: Final = 4_000  # characters of a pattern


def checked(written: str) -> re.Pattern[str]:
    """The pattern, compiled; re.error when it is none or may run for ever."""
    if len(written) > LONGEST:
        raise re.error("too long")
    _check(parser.parse(written, re.DOTALL), endless=False)
    return re.compile(written, re.DOTALL)


def _check(sequence: Any, endless: bool) -> None:
    for code, argument in sequence:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            _, most, body = argument
            many = most is codes.MAXREPEAT or most > MANY
            several = many or most > TURNS
            if several and (_endless(body) or _varies(body)) and not _separated(body):
                raise re.error("a repetition in a repetition")
            _check(body, endless or many)
        elif code is codes.SUBPATTERN:
            _check(argument[-1], endless)
        elif code is codes.BRANCH:
            for branch in argument[1]:
                _check(branch, endless)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            _check(argument[1], endless)


def bearable(written: str, length: int) -> bool:
    """Whether a pattern is tried on a text of some length in a time that does not matter.

    Repetitions that follow each other and may take the same letters share a text out in every way:
    `a*a*a*b` tries a text's length to the third power.
    """
    return bool(length ** _power(written) <= STEPS)


@lru_cache(maxsize=1024)
def _power(written: str) -> int:
    flat = list(_deep(parser.parse(written, re.DOTALL)))
    endless = 0
    for at, (code, argument) in enumerate(flat):
        if code not in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            continue
        if argument[1] is not codes.MAXREPEAT and argument[1] <= MANY:
            continue
        after = at + 1 + len(list(_deep(argument[2])))
        while after < len(flat) and flat[after][0] in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            after += 1
        if after < len(flat) and (
            flat[after][0] is not codes.LITERAL or _takes(argument[2], flat[after][1])
        ):
            endless += 1
    anchored = bool(flat) and flat[0][0] is codes.AT
    return endless + (not anchored) + (endless > 1) if endless else 0


def _deep(sequence: Any) -> Any:
    """What a pattern is made of, groups and branches opened."""
    for code, argument in sequence:
        if code is codes.SUBPATTERN:
            yield from _deep(argument[-1])
        elif code is codes.BRANCH:
            for branch in argument[1]:
                yield from _deep(branch)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            yield from _deep(argument[1])
        else:
            yield code, argument
            if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
                yield from _deep(argument[2])


def _varies(sequence: Any) -> bool:
    """Whether a sequence may match the same text in two ways: more or less of it, or by two branches."""
    for code, argument in sequence:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            if argument[0] != argument[1] or _varies(argument[2]):
                return True
        elif code is codes.SUBPATTERN:
            if _varies(argument[-1]):
                return True
        elif code is codes.BRANCH:
            branches = argument[1]
            if any(_varies(branch) for branch in branches) or not _told_apart(branches):
                return True
    return False


def _told_apart(branches: Any) -> bool:
    """Whether the first letter tells which of some branches it is."""
    firsts = [list(_flat(branch))[:1] for branch in branches]
    for at, one in enumerate(firsts):
        for other in firsts[at + 1 :]:
            if not one or not other:
                return False
            letters = [item for item in (*one, *other) if item[0] is codes.LITERAL]
            if not letters:
                return False
            letter = letters[0]
            rest = other if letter is one[0] else one
            if _takes(rest, letter[1]):
                return False
    return True


def _endless(sequence: Any) -> bool:
    """Whether a repetition without end stands in it, or two ways of matching the same."""
    for code, argument in sequence:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            if argument[1] is codes.MAXREPEAT or argument[1] > MANY or _endless(argument[2]):
                return True
        elif code is codes.SUBPATTERN:
            if _endless(argument[-1]):
                return True
        elif code is codes.BRANCH and any(_endless(branch) for branch in argument[1]):
            return True
    return False


def _separated(sequence: Any) -> bool:
    """Whether one letter that must come cannot be taken by any repetition beside it."""
    items = list(_flat(sequence))
    if any(c is codes.BRANCH and not _told_apart(a[1]) for c, a in items):
        return False
    repeated = [a[2] for c, a in items if c in (codes.MAX_REPEAT, codes.MIN_REPEAT)]
    repeated += [[(c, a)] for c, a in items if c is codes.BRANCH]
    return any(
        code is codes.LITERAL and not any(_takes(body, argument) for body in repeated)
        for code, argument in items
    )


def _flat(sequence: Any) -> Any:
    for code, argument in sequence:
        if code is codes.SUBPATTERN:
            yield from _flat(argument[-1])
        else:
            yield code, argument


def _takes(sequence: Any, letter: int) -> bool:
    """Whether some part of a sequence can be this letter; yes where that is not told."""
    for code, argument in sequence:
        if code is codes.LITERAL:
            if argument == letter:
                return True
        elif code is codes.NOT_LITERAL:
            if argument != letter:
                return True
        elif code is codes.IN:
            if _in(argument, letter):
                return True
        elif code is codes.SUBPATTERN:
            if _takes(argument[-1], letter):
                return True
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            if _takes(argument[2], letter):
                return True
        elif code is codes.BRANCH:
            if any(_takes(branch, letter) for branch in argument[1]):
                return True
        elif code is not codes.AT:
            return True
    return False


def _in(members: Any, letter: int) -> bool:
    negated = bool(members) and members[0][0] is codes.NEGATE
    found = False
    for code, argument in members:
        if code is codes.LITERAL:
            found = found or argument == letter
        elif code is codes.RANGE:
            found = found or argument[0] <= letter <= argument[1]
        elif code is codes.CATEGORY:
            found = found or _of_category(argument, chr(letter))
    return found != negated


CATEGORIES: Final = {
    codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_NOT_DIGIT: r"\D",
    codes.CATEGORY_SPACE: r"\s", codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"\w", codes.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip


def _of_category(category: Any, letter: str) -> bool:
    return re.fullmatch(CATEGORIES[category], letter) is not None
