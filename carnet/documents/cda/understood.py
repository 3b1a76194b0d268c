# SPDX-License-Identifier: EUPL-1.2
"""What was understood of a document's body: which entries became data, which are only kept.

Nothing is lost: the source stays byte for byte. The report says what a reader of the structured
data alone would miss, by place and by template, never by content.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    DATA = "data"  # became structured data
    KEPT = "kept"  # stays in the source and in the narrative only


@dataclass(frozen=True, slots=True)
class Line:
    """All the elements of one kind that shared a fate."""

    fate: Fate
    what: str  # element and most precise template: observation 1.2.250.1.213.1.1.3.80
    why: str  # "" for data; else why it was not understood
    count: int
    first: str  # place of the first one


class Report:
    """Filled while a document is read; `lines` when it is done."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Fate, str, str]] = Counter()
        self._first: dict[tuple[Fate, str, str], str] = {}

    def data(self, what: str, place: str) -> None:
        self._add(Fate.DATA, what, "", place)

    def kept(self, what: str, place: str, why: str) -> None:
        self._add(Fate.KEPT, what, why, place)

    def _add(self, fate: Fate, what: str, why: str, place: str) -> None:
        key = (fate, what, why)
        self._counts[key] += 1
        self._first.setdefault(key, place)

    def lines(self) -> tuple[Line, ...]:
        """Data first, then what was kept, each in the order met."""
        ordered = sorted(self._counts, key=lambda k: k[0] is Fate.KEPT)
        return tuple(Line(*key, self._counts[key], self._first[key]) for key in ordered)
