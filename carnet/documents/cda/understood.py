# SPDX-License-Identifier: EUPL-1.2
"""What was understood of a document's body: which entries became data, which are only kept.

Nothing is lost: the source stays byte for byte. The report says what a reader of the structured
data alone would miss, by section and by template, never by what was written there.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from carnet.documents import nomenclature


class Fate(StrEnum):
    DATA = "data"  # became structured data
    KEPT = "kept"  # stays in the source and in the narrative only


@dataclass(frozen=True, slots=True)
class Line:
    """All the elements of one kind of one section that shared a fate."""

    fate: Fate
    what: str  # element and most precise template: observation 1.2.250.1.213.1.1.3.80
    why: str  # "" for data; else why it was not understood
    count: int
    first: str  # place of the first one
    section: str = ""  # its code and title; "" outside sections

    @property
    def name(self) -> str:
        """What people call it, in French; its OID when nothing better is known."""
        return nomenclature.entry_name(self.what)

    @property
    def sentence(self) -> str:
        """The whole line as people read it, in French."""
        _, _, rest = self.what.partition(" ")
        exact = f" ({rest})" if rest and rest != self.name else ""
        where = f" dans la section {self.section}" if self.section else ""
        if self.fate is Fate.DATA:
            return f"compris : {self.count} × {self.name}{exact}{where}"
        why = nomenclature.table("templates")["why"].get(self.why, self.why)
        return f"gardé, {why} : {self.count} × {self.name}{exact}{where}"


class Report:
    """Filled while a document is read; `lines` when it is done."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Fate, str, str, str]] = Counter()
        self._first: dict[tuple[Fate, str, str, str], str] = {}
        self._section = ""

    def section(self, named: str) -> None:
        """What is told from now on stands in this section."""
        self._section = named

    def data(self, what: str, place: str) -> None:
        self._add(Fate.DATA, what, "", place)

    def kept(self, what: str, place: str, why: str) -> None:
        self._add(Fate.KEPT, what, why, place)

    def _add(self, fate: Fate, what: str, why: str, place: str) -> None:
        key = (fate, what, why, self._section)
        self._counts[key] += 1
        self._first.setdefault(key, place)

    def lines(self) -> tuple[Line, ...]:
        """Data first, then what was kept, each in the order met."""
        ordered = sorted(self._counts, key=lambda k: k[0] is Fate.KEPT)
        return tuple(
            Line(fate, what, why, self._counts[key], self._first[key], section)
            for key in ordered
            for fate, what, why, section in (key,)
        )


def together(*reports: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines of several reports of one document as one: data first, then what was kept."""
    lines = [line for report in reports for line in report]
    return tuple(sorted(lines, key=lambda line: line.fate is Fate.KEPT))
