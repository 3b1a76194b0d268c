# SPDX-License-Identifier: EUPL-1.2
"""What changes from one matrix to another: what opens, what closes, and for how many links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from carnet.access import kinds
from carnet.access.matrix import CATEGORIES, Matrix


@dataclass(frozen=True, slots=True)
class Change:
    """Rows of one category that a profession begins, or stops, to read."""

    profession: str  # code
    label: str
    category: str
    opens: tuple[str, ...]  # names of kinds
    closes: tuple[str, ...]
    links: int  # records now open to professionals of this line


def changes(old: Matrix, new: Matrix, links: Mapping[str, int] | None = None) -> list[Change]:
    """Every change by profession and category, in order.

    links: how many (professional, record) pairs are open now, by profession as `access.subject` says it.
    """
    codes = sorted({*old.rows, *new.rows, *(links or {})})
    return list(_changes(old, new, codes, links or {}))


def _changes(
    old: Matrix, new: Matrix, codes: list[str], links: Mapping[str, int]
) -> Iterator[Change]:
    for code in codes:
        before, after = frozenset(old.reads(code)), frozenset(new.reads(code))
        for category in CATEGORIES:
            of = [kind for kind in kinds.table().values() if kind.category == category]
            opens = tuple(kind.name for kind in of if kind.number in after - before)
            closes = tuple(kind.name for kind in of if kind.number in before - after)
            if opens or closes:
                label = new.label(code) or old.label(code)
                yield Change(code, label, category, opens, closes, links.get(code, 0))
