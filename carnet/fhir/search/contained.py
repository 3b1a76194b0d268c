# SPDX-License-Identifier: EUPL-1.2
"""Chains into what a resource contains: `author:Practitioner.family=…` where the author is `#author`.

FHIR has a chained condition evaluated inside contained resources, and the national document sharing has its
authors there. What a contained resource is found by is hashed with the reference that names it: its tokens,
references, addresses, and its strings by their beginnings, sealed whatever its type. Its dates, numbers, and
the middle of its strings are not searched by. Two steps are: a role that names a person, both of them
contained, is found by the person's name.
Source: FHIR R4, Search, "Searching contained resources" (a chained condition is evaluated inside them).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from carnet.fhir.search.identifiers import ReferenceIdentifier
from carnet.fhir.search.own.live import Live
from carnet.fhir.search.query import Filter, Place, Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.scope import array
from carnet.fhir.search.strings import StringFilter
from carnet.fhir.search.texts import TextFilter
from carnet.fhir.search.tokens import OfType, TokenFilter
from carnet.fhir.search.uris import UriFilter
from carnet.fhir.store.hashes import Hasher

STEPS = 2  # contained resources that one chain passes by
BY = (
    TokenFilter,
    ReferenceFilter,
    ReferenceIdentifier,
    UriFilter,
    OfType,
    TextFilter,
    StringFilter,
)


def within(hasher: Hasher, rtype: int, param: int, toks: Iterable[int]) -> Iterator[int]:
    """The hashes of a contained resource, as those of what it is contained in."""
    for tok in toks:
        yield hasher.number(f"{rtype}.{param}#{tok}")


@dataclass(frozen=True, slots=True)
class Reached:
    """Refers to a target, or contains what a query finds: (number of its type, query)."""

    number: int
    targets: tuple[str, ...]
    contained: tuple[tuple[int, Query], ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[name] = array(self.hashes(place))
        return f"r.toks && %({name})s::bigint[]"

    def hashes(self, place: Place) -> list[int]:
        """Of a reference to a target, or to what is contained; each step of a chain in those of the next."""
        hashes = [
            place.hasher.reference(place.rtype_number, self.number, each) for each in self.targets
        ]
        for rtype, query in self.contained:
            # As the type were sealed: what is contained has no rows of its own.
            inner = replace(place, rtype="", rtype_number=rtype, principal=None)
            asked = [each for each in query.filters if not isinstance(each, Live)]
            if len(asked) > 1:  # hashes do not say that they are of one and the same
                continue
            for each in asked:
                if isinstance(each, Reached):
                    toks: Iterable[int] = each.hashes(inner)
                    hashes += within(place.hasher, place.rtype_number, self.number, toks)
                elif searched(each):
                    looked: dict[str, object] = {}
                    each.sql(inner, looked, "h")
                    said = str(looked["h"])[1:-1]
                    toks = map(int, said.split(",")) if said else ()
                    hashes += within(place.hasher, place.rtype_number, self.number, toks)
        return hashes


def searched(filter: Filter) -> bool:
    """Whether a contained resource is searched by a filter."""
    if isinstance(filter, TokenFilter):
        return not filter.negated
    if isinstance(filter, StringFilter):
        return filter.how in ("starts", "exact", "equal")
    return isinstance(filter, BY)
