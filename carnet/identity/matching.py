# SPDX-License-Identifier: EUPL-1.2
"""Whether two identities may be one person's: reasons to have somebody compare them, never a decision.

Source: RNIV 1 (doubles and collisions); the traits are the five strict ones, names as `traits.normal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Known:
    """The strict traits of an identity as they are stored."""

    birth_name: str  # normalised
    first_given: str  # normalised
    birth_date: date
    sex: str
    birth_place: str | None
    number: str | None = None  # INS borne or claimed


UNKNOWN: Final = date(1, 1, 1)  # where no birth date was given: nobody is near it
NEAR: Final = 1  # letters wrong in a name
SHORTEST: Final = 4  # letters of a name under which a wrong one says nothing


def reasons(a: Known, b: Known) -> frozenset[str]:
    """Why two identities should be compared; empty when they should not.

    same-number: whatever the traits. same-traits, inverted-names, near-name, near-date: all the other
    traits agree.
    """
    found: set[str] = set()
    if a.number is not None and a.number == b.number:
        found.add("same-number")
    if UNKNOWN in (a.birth_date, b.birth_date):
        return frozenset(found)
    if _other(a.sex, b.sex, "unknown") or _other(a.birth_place, b.birth_place, None):
        return frozenset(found)
    same_date = a.birth_date == b.birth_date
    same_name = a.birth_name == b.birth_name
    same_given = a.first_given == b.first_given
    if same_date and same_name and same_given:
        found.add("same-traits")
    elif same_date and (a.birth_name, a.first_given) == (b.first_given, b.birth_name):
        found.add("inverted-names")
    elif same_date and (
        (same_given and near(a.birth_name, b.birth_name))
        or (same_name and near(a.first_given, b.first_given))
    ):
        found.add("near-name")
    elif same_name and same_given and near_date(a.birth_date, b.birth_date):
        found.add("near-date")
    return frozenset(found)


def _other(a: str | None, b: str | None, absent: str | None) -> bool:
    """Whether both are given and differ."""
    return a != absent and b != absent and bool(a) and bool(b) and a != b


def near(a: str, b: str) -> bool:
    """One letter more, less, another, or two exchanged; short names say too little."""
    if a == b or min(len(a), len(b)) < SHORTEST or abs(len(a) - len(b)) > NEAR:
        return False
    if len(a) > len(b):
        a, b = b, a
    start = 0
    while start < len(a) and a[start] == b[start]:
        start += 1
    if len(a) < len(b):
        return a[start:] == b[start + 1 :]
    if a[start + 1 :] == b[start + 1 :]:
        return True
    exchanged = a[start : start + 2] == b[start : start + 2][::-1]
    return exchanged and a[start + 2 :] == b[start + 2 :]


def near_date(a: date, b: date) -> bool:
    """Day and month exchanged, one digit wrong, or two neighbours exchanged."""
    if a == b:
        return False
    one, other = a.isoformat().replace("-", ""), b.isoformat().replace("-", "")
    if one[:4] == other[:4] and one[4:6] == other[6:] and one[6:] == other[4:6]:
        return True
    wrong = [place for place in range(8) if one[place] != other[place]]
    if len(wrong) == 1:
        return True
    return (
        len(wrong) == 2
        and wrong[1] == wrong[0] + 1
        and one[wrong[0]] == other[wrong[1]]
        and one[wrong[1]] == other[wrong[0]]
    )


def neighbours(born: date) -> tuple[date, ...]:
    """Every date that is near this one: what a search for candidates looks at."""
    text = born.isoformat().replace("-", "")
    found: set[date] = set()
    texts = {text[:4] + text[6:] + text[4:6]}
    texts |= {
        text[:place] + digit + text[place + 1 :] for place in range(8) for digit in "0123456789"
    }
    texts |= {
        text[:place] + text[place + 1] + text[place] + text[place + 2 :] for place in range(7)
    }
    for each in texts - {text}:
        try:
            found.add(date(int(each[:4]), int(each[4:6]), int(each[6:])))
        except ValueError:
            continue
    return tuple(sorted(found))
