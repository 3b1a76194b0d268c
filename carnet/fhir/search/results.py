# SPDX-License-Identifier: EUPL-1.2
"""The parameters of a search that choose nothing: its order, its pages, what comes with them and how much.

Source: FHIR R4, Search, "Managing Returned Resources".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from carnet import errors
from carnet.fhir.definitions import Definitions
from carnet.fhir.search import includes, sorting
from carnet.fhir.search.names import naming
from carnet.fhir.search.own.live import waiting
from carnet.fhir.search.query import EVERY, Include, Sort
from carnet.fhir.search.subsets import SUMMARIES, keys

NAMES = frozenset(
    (*"_count _sort _total _summary _elements _cursor _format _pretty".split(), *includes.NAMES)
)


class WrongCount(errors.Invalid):
    """_count is a whole number, 0 or more."""


class WrongSummary(errors.Invalid):
    """_summary is true, text, data, count or false; text includes nothing, and _elements goes without it."""


class WrongElements(errors.Invalid):
    """_elements names elements of the type, separated by commas."""


class WrongTotal(errors.Invalid):
    """_total is none, estimate or accurate."""


@dataclass(frozen=True, slots=True)
class Results:
    """Those of one search on a type, `*` for several; given: values by name, the last of which counts."""

    definitions: Definitions
    rtype: str
    given: dict[str, list[str]]

    def sort(self) -> tuple[Sort, ...]:
        """The keys of `_sort`, in their order."""
        given = self.given.get("_sort", [])
        if not given:
            return ()
        asked = given[-1].split(",")
        if len(asked) > sorting.MOST:
            raise sorting.WrongSort
        return tuple(self._key(text) for text in asked)

    def sortable(self) -> bool:
        """Whether what is to be sorted by can be."""
        try:
            return bool(self.sort())
        except errors.NotSupported:
            return False

    def _key(self, text: str) -> Sort:
        """One key of `_sort`."""
        name, descending = text.removeprefix("-"), text.startswith("-")
        if name in ("_id", "_lastUpdated"):
            return Sort(name, descending)
        if name == "_score":
            raise naming(sorting.NoScore(), name)
        parameter = self.definitions.params.get(self.rtype, {}).get(name)
        if parameter is None:
            waiting(self.definitions, self.rtype, name)
            raise naming(sorting.WrongSort(), name)
        if not parameter.expression or not sorting.sortable(parameter.type):
            raise naming(sorting.NoOrder(), name)
        return Sort(name, descending, parameter.type, parameter.number)

    def included(self) -> bool:
        """Whether what is to be included is known by its names."""
        try:
            self.includes()
        except includes.WrongInclude:
            return False
        return True

    def elements(self) -> tuple[str, ...] | None:
        """The elements named; None when one is not of the type."""
        named = [
            each for text in self.given.get("_elements", []) for each in text.split(",") if each
        ]
        of = self.definitions.types if self.rtype == EVERY else (self.rtype,)
        shapes = self.definitions.shapes
        known = {key for name in of for each in shapes[name].elements for key in keys(each)}
        return tuple(dict.fromkeys(named)) if known.issuperset(named) else None

    def includes(self) -> tuple[Include, ...]:
        """Every `_include` and `_revinclude`."""
        found = dict.fromkeys(
            includes.read(self.definitions, self.rtype, name, text)
            for name in includes.NAMES
            for text in self.given.get(name, [])
        )
        if len(found) > includes.MOST:
            raise includes.TooManyIncludes
        return tuple(found)

    def count(self, usual: int, most: int) -> int:
        """How many on a page."""
        given = self.given.get("_count", [])
        if not given:
            return usual
        if not re.fullmatch("[0-9]{1,99}", given[-1], re.ASCII):
            raise WrongCount
        return min(int(given[-1]), most)

    def summary(self) -> str:
        """`_summary`, that goes with what else is asked."""
        summary = self.given.get("_summary", ["false"])[-1]
        if summary not in SUMMARIES:
            raise WrongSummary
        if (summary == "text" and self.includes()) or (
            summary in ("true", "text", "data") and self.elements()
        ):
            raise WrongSummary
        return summary

    def total(self) -> bool:
        """Whether a total is asked for."""
        total = self.given.get("_total", ["none"])[-1]
        if total not in ("none", "estimate", "accurate"):
            raise WrongTotal
        return total != "none"
