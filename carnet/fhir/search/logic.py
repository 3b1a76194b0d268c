# SPDX-License-Identifier: EUPL-1.2
"""Filters of filters: all of them, any of them, not one of them, one for each type."""

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


@dataclass(frozen=True, slots=True)
class Each:
    """The condition of one type, in a search on several. principal: see Place."""

    rtype: str
    number: int
    principal: str | None
    filter: Filter


@dataclass(frozen=True, slots=True)
class Across:
    """A condition on resources of several types, for each of them."""

    of: tuple[Each, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        made = []
        for at, each in enumerate(self.of):
            values[f"{name}n{at}"] = each.number
            here = replace(
                place, rtype=each.rtype, rtype_number=each.number, principal=each.principal
            )
            condition = each.filter.sql(here, values, f"{name}x{at}")
            made.append(f"(r.rtype = %({name}n{at})s::smallint AND {condition})")
        return "(" + (" OR ".join(made) or "FALSE") + ")"

    def patients(self, ids: Ids) -> set[int]:
        """Compartments of the patients it names, on any type."""
        return Together("or", tuple(each.filter for each in self.of)).patients(ids)

    def widened(self, sets: Mapping[int, tuple[int, ...]], ids: Ids) -> Across:
        """Each patient by all their compartments."""
        return self.changed(
            lambda part: part.widened(sets, ids) if isinstance(part, NamesPatients) else part
        )

    def changed(self, by: Callable[[Filter], Filter]) -> Across:
        """The same of what the condition of each type becomes."""
        return Across(tuple(replace(each, filter=by(each.filter)) for each in self.of))

    def on(self, rtype: str) -> Filter:
        """The condition of one of its types."""
        return next(each.filter for each in self.of if each.rtype == rtype)


def holds(filter: Filter, kind: type) -> bool:
    """Whether a filter is of a kind, or made of one that is."""
    if isinstance(filter, Together):
        return any(holds(part, kind) for part in filter.parts)
    if isinstance(filter, Across):
        return any(holds(each.filter, kind) for each in filter.of)
    return holds(filter.of, kind) if isinstance(filter, Not) else isinstance(filter, kind)


def apart(filter: Filter) -> tuple[Filter, ...]:
    """The filters that must all hold for this one to."""
    if isinstance(filter, Together) and filter.how == "and":
        return tuple(one for part in filter.parts for one in apart(part))
    return (filter,)
