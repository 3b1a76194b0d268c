# SPDX-License-Identifier: EUPL-1.2
"""Filters of filters: all of them, any of them, not one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from carnet.fhir.search.query import Filter, NamesPatients, Place
from carnet.fhir.store.ids import Ids


@dataclass(frozen=True, slots=True)
class Together:
    """All of the filters (and), or any (or)."""

    how: Literal["and", "or"]
    parts: tuple[Filter, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        made = [
            f"({part.sql(place, values, f'{name}x{at}')})" for at, part in enumerate(self.parts)
        ]
        if not made:
            return "TRUE" if self.how == "and" else "FALSE"
        return "(" + f" {self.how.upper()} ".join(made) + ")"

    def patients(self, ids: Ids) -> set[int]:
        """Compartments of the patients any of them names."""
        return {
            cid
            for part in self.parts
            if isinstance(part, NamesPatients)
            for cid in part.patients(ids)
        }

    def widened(self, sets: Mapping[int, tuple[int, ...]], ids: Ids) -> Together:
        """Each patient by all their compartments, in each of them."""
        return self.changed(
            lambda part: part.widened(sets, ids) if isinstance(part, NamesPatients) else part
        )

    def changed(self, by: Callable[[Filter], Filter]) -> Together:
        """The same of what each part becomes."""
        return replace(self, parts=tuple(map(by, self.parts)))


@dataclass(frozen=True, slots=True)
class Not:
    """What a filter does not find."""

    of: Filter

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        return f"NOT ({self.of.sql(place, values, name)})"

    def patients(self, ids: Ids) -> set[int]:
        """Compartments of the patients it names: it tells of them too."""
        return self.of.patients(ids) if isinstance(self.of, NamesPatients) else set()

    def widened(self, sets: Mapping[int, tuple[int, ...]], ids: Ids) -> Not:
        """Each patient by all their compartments."""
        return Not(self.of.widened(sets, ids)) if isinstance(self.of, NamesPatients) else self


def holds(filter: Filter, kind: type) -> bool:
    """Whether a filter is of a kind, or made of one that is."""
    if isinstance(filter, Together):
        return any(holds(part, kind) for part in filter.parts)
    return holds(filter.of, kind) if isinstance(filter, Not) else isinstance(filter, kind)


def apart(filter: Filter) -> tuple[Filter, ...]:
    """The filters that must all hold for this one to."""
    if isinstance(filter, Together) and filter.how == "and":
        return tuple(one for part in filter.parts for one in apart(part))
    return (filter,)
