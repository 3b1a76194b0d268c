# SPDX-License-Identifier: EUPL-1.2
"""Documents that are one: shown once, each of its sources within reach. Pure.

Who calls gives the documents that the viewer sees: one that is hidden is never counted as a source.
Two that differ in what they say are never merged, whatever else they share: each tells of the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Place = tuple[int, int]  # compartment and row of a DocumentReference


@dataclass(frozen=True, slots=True)
class Paper:
    """What tells whether a document is another one.

    exact: of its bytes. keys: of its uniqueId, of its act under a number. results, narrative: of what it
    says; None is what was not read.
    """

    place: Place
    exact: frozenset[int] = frozenset()
    keys: frozenset[int] = frozenset()
    results: int | None = None
    narrative: int | None = None
    organisation: int | None = None  # who deposited it

    @property
    def read(self) -> bool:
        """Whether anything of what it says can be compared."""
        return self.results is not None or self.narrative is not None


@dataclass(frozen=True, slots=True)
class Same:
    """Documents that are one, in the order given; conflicts: look alike, and differ or may differ."""

    papers: tuple[Paper, ...]
    conflicts: tuple[Place, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(each.place for each in self.papers)


def told_once(papers: Iterable[Paper]) -> list[Same]:
    """Each document once with its copies, in the order given."""
    groups: list[list[Paper]] = []
    conflicts: list[dict[Place, None]] = []
    known: dict[int, dict[int, None]] = {}  # by key, the groups that bear it
    for paper in papers:
        alike: dict[int, None] = {}
        for key in sorted(paper.exact | paper.keys):
            alike |= known.get(key, {})
        home = next(
            (at for at in sorted(alike) if all(agree(each, paper) for each in groups[at])), None
        )
        if home is None:
            home = len(groups)
            groups.append([])
            conflicts.append({})
        groups[home].append(paper)
        for at in sorted(alike):
            if at != home and not all(agree(each, paper) for each in groups[at]):
                conflicts[home] |= dict.fromkeys(each.place for each in groups[at])
                conflicts[at][paper.place] = None
        for key in paper.exact | paper.keys:
            known.setdefault(key, {})[home] = None
    return [
        Same(tuple(group), tuple(against)) for group, against in zip(groups, conflicts, strict=True)
    ]


def agree(one: Paper, other: Paper) -> bool:
    """Whether what both say is the same, as far as it was read.

    The same bytes are. What was read in both is compared; what was read in one alone is its structured
    form, and the other its printed one; two that nobody read and whose bytes differ may differ.
    """
    if one.exact & other.exact:
        return True
    pairs = ((one.results, other.results), (one.narrative, other.narrative))
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    if both:
        return all(a == b for a, b in both)
    return one.read != other.read
