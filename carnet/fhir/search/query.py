# SPDX-License-Identifier: EUPL-1.2
"""A search as values: what was asked, after the URL and before the SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.ids import Ids

if TYPE_CHECKING:
    from carnet.fhir.search.ranks import Ranks

EVERY = "*"  # of several types


@dataclass(frozen=True, slots=True)
class Place:
    """Where a filter is compiled: numbers of type and parameter, and what turns words to hashes."""

    rtype: str
    rtype_number: int
    hasher: Hasher
    ids: Ids
    principal: str | None  # the parameter whose dates are in lo and hi
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)  # for dates near now


class Filter(Protocol):
    """One condition of a search; repeated parameters are several filters."""

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        """A condition on `r`; values are added under names that begin with `name`."""
        ...


@runtime_checkable
class NamesPatients(Protocol):
    """A filter that may name patients, by the ids of their Patient."""

    def patients(self, ids: Ids) -> set[int]:
        """Compartments of those it names."""
        ...

    def widened(self, sets: Mapping[int, tuple[int, ...]], ids: Ids) -> Filter:
        """The same, each of them standing for all the compartments of their set."""
        ...


@dataclass(frozen=True, slots=True)
class Include:
    """`_include=source:param[:target]`; without a target, any; param `*` is every reference.

    back: `_revinclude`. iterate: what was included is followed too.
    """

    source: str
    param: str
    target: str | None
    back: bool = False
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of `_sort`: a parameter of the type, `_lastUpdated` or `_id`.

    kind, number: of a parameter whose values are in a side table. plain: by the row's own date, one
    way the exact reverse of the other; what lacks it counts as earliest. ranks: where each row stands,
    of a kind that is opened to be ordered, once it was.
    """

    param: str
    descending: bool
    kind: str = "date"
    number: int = 0
    plain: bool = False
    ranks: Ranks | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One search on one type, or on several (`types`, and then rtype is "*").

    compartments: the records the filters already name, None when they name none. anywhere: what is
    about them may be kept in another record, where it has other owners.
    """

    rtype: str
    filters: tuple[Filter, ...] = ()
    compartments: tuple[int, ...] | None = None
    includes: tuple[Include, ...] = ()
    sort: Sort | None = None
    then: tuple[Sort, ...] = ()  # the keys after the first
    count: int = 50
    total: bool = False  # _total=accurate or estimate
    only_total: bool = False  # _summary=count
    summary: str = "false"  # true, text or data: a part of each resource
    elements: tuple[str, ...] = ()  # _elements: these and what must be there
    after: tuple[str, int, int] | None = None  # keyset: mark, rid, cid of the last one shown
    shown: tuple[tuple[str, str], ...] = ()  # parameters as applied, for the self link
    types: tuple[tuple[str, int], ...] = ()  # (name, number)
    anywhere: bool = False
    replaced: bool = False  # what was read in documents that others replaced, too

    @property
    def order(self) -> tuple[Sort, ...]:
        """Every key of its order."""
        return () if self.sort is None else (self.sort, *self.then)

    def patients(self, ids: Ids) -> set[int]:
        """Compartments of the patients it names."""
        found = {cid for cid in self.compartments or () if cid}
        for each in self.filters:
            if isinstance(each, NamesPatients):
                found |= each.patients(ids)
        return found

    def widened(self, sets: Mapping[int, tuple[int, ...]], ids: Ids) -> Query:
        """The same search on all the records that are one person's with those it names."""
        compartments = self.compartments
        if compartments is not None:
            compartments = tuple(
                sorted({each for cid in compartments for each in sets.get(cid, (cid,))})
            )
        filters = tuple(
            each.widened(sets, ids) if isinstance(each, NamesPatients) else each
            for each in self.filters
        )
        return replace(self, compartments=compartments, filters=filters)
