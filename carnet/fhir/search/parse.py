# SPDX-License-Identifier: EUPL-1.2
"""From the parameters of a URL to a Query.

Unknown parameters are refused, or left out when the caller prefers lenient handling; the self link
says what was applied. Source: FHIR R4, Search.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from carnet import errors
from carnet.fhir.definitions import Definitions
from carnet.fhir.search import several
from carnet.fhir.search.filters import Filters, Found
from carnet.fhir.search.names import (
    ABSENT,
    TooManyValues,
    UnknownModifier,
    UnknownParameter,
    naming,
    unknown_modifier,
)
from carnet.fhir.search.query import EVERY, Filter, Query
from carnet.fhir.search.results import NAMES as RESULT
from carnet.fhir.search.results import Results, WrongElements
from carnet.fhir.store.cursors import Cursors
from carnet.fhir.store.ids import Ids
from carnet.fhir.store.owners import Owners

__all__ = ["ABSENT", "OF_ALL", "RESULT", "Parser"]

ASIDE = "_totalMethod"  # what fhirpy adds to have a total: it narrows nothing, and is left out
USUAL = (
    "_contained",
    "false",
)  # as FHIR has it where nothing is said: what is contained is no match
# Those of every type that are answered without values of their own.
OF_ALL = (("_list", "special"), ("_text", "string"), ("_content", "string"))
MOST_PARAMETERS = 60


@dataclass(frozen=True)
class Parser:
    """What parsing needs to know of the server."""

    definitions: Definitions
    ids: Ids
    cursors: Cursors
    owners: Owners
    base: str  # our FHIR address, no final slash
    page_size: int
    page_limit: int

    def parse(
        self,
        rtype: str,
        given: Iterable[tuple[str, str]],
        *,
        lenient: bool = False,
        within: tuple[str, str] | None = None,
    ) -> Query:
        """The query of one type, or of several where rtype is "*"; parameters in the order given.

        within: a compartment, its type and id (`Patient/x/Observation`).
        """
        given = list(given)
        types = several.types(self.definitions, within, given) if rtype == EVERY else ()
        made = _Made(Filters(self.definitions, self.ids, self.owners, self.base), rtype, types)
        if within is not None:
            made.add([several.inside(made.filters, types, rtype, *within)])
        asked: dict[str, list[str]] = {}
        for position, (name, value) in enumerate(given):
            if position >= MOST_PARAMETERS:
                raise TooManyValues
            if name == ASIDE or (value == "" and self._left_out(rtype, name, types)):
                continue
            if name in RESULT:
                one = Results(self.definitions, rtype, {name: [value]})
                if lenient and name == "_sort" and not one.sortable():
                    continue
                if lenient and name == "_elements" and not one.elements():
                    continue
                if lenient and not one.included():
                    continue
                asked.setdefault(name, []).append(value)
                if name == "_cursor":
                    continue
            elif not (name == "_type" and types) and (name, value) != USUAL:
                try:
                    made.take(name, value)
                except (UnknownParameter, UnknownModifier) as refused:
                    if lenient and name != "_filter":
                        continue
                    raise naming(refused, name) from None
                except errors.CarnetError as refused:
                    # What a _filter is made of is named there.
                    raise refused if name == "_filter" else naming(refused, name) from None
            made.shown.append((name, value))
        result = Results(self.definitions, rtype, asked)
        order, elements = result.sort(), result.elements()
        made.found += (one for each in order for one in made.filters.live(rtype, each.param))
        count = result.count(self.page_size, self.page_limit)
        after = None
        if "_cursor" in asked:
            after = self.cursors.read(asked["_cursor"][-1], rtype)
        summary = result.summary()
        if elements is None:
            raise WrongElements
        compartments = set.intersection(*made.named) if made.named else None
        return Query(
            rtype,
            tuple(made.found),
            None if compartments is None else tuple(sorted(compartments)),
            result.includes(),
            order[0] if order else None,
            order[1:],
            count,
            total=result.total(),
            only_total=summary == "count" or count == 0,
            summary="false" if summary == "count" else summary,
            elements=elements,
            after=after,
            shown=tuple(made.shown),
            types=types,
            anywhere=within is not None,
        )

    def _left_out(self, rtype: str, name: str, types: several.Types) -> bool:
        """Whether a parameter without a value is one this search has: FHIR has it left out."""
        bare = name.partition(":")[0]
        known = self.definitions.params[types[0][0] if types else rtype]
        return name in RESULT or bare in known or "." in name or bare in ("_has", "_type")


@dataclass(slots=True)
class _Made:
    """The filters so far, the records each of them names, and the parameters as applied."""

    filters: Filters
    rtype: str
    types: several.Types
    found: list[Filter] = field(default_factory=list)
    named: list[set[int]] = field(default_factory=list)
    shown: list[tuple[str, str]] = field(default_factory=list)

    def take(self, name: str, value: str) -> None:
        """Add one parameter."""
        bare, _, modifier = name.partition(":")
        if bare in RESULT:
            raise unknown_modifier(modifier, bare)
        if self.types:
            self.add([several.across(self.filters, self.types, bare, modifier, value)])
        elif name == "_filter":
            self.add(self.filters.expression(self.rtype, value))
        else:
            self.add([self.filters.one(self.rtype, bare, modifier, value)])
            self.found += self.filters.live(self.rtype, bare)

    def add(self, found: list[Found]) -> None:
        """Add filters, all of which must hold."""
        for each, records in found:
            self.found.append(each)
            if records is not None:
                self.named.append(records)
