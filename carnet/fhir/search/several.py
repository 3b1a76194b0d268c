# SPDX-License-Identifier: EUPL-1.2
"""Searches on several types at once: of everything, or of what is in a compartment.

    ?_type=Observation,Condition&patient=…     of these types, by the parameters they all have
    ?_lastUpdated=ge2026-11                    of every type, by what every type has
    Patient/x/*?_type=…                        of a compartment

Source: FHIR R4, RESTful API, "search"; Search, "_type"; "Variant Searches".
"""

from __future__ import annotations

from typing import Final

from carnet import errors
from carnet.fhir.definitions import Definitions
from carnet.fhir.search import chains, logic, reverse
from carnet.fhir.search.chains import Chain
from carnet.fhir.search.compartments import InCompartment
from carnet.fhir.search.filters import Filters, Found
from carnet.fhir.search.logic import Across, Each, Together
from carnet.fhir.search.names import UnknownParameter, safe
from carnet.fhir.search.query import EVERY, Filter
from carnet.fhir.store.ids import DIRECTORY

MOST_FOLLOWED: Final = 10  # types that are searched at once by a chain or by _has
ALIKE: Final = frozenset(("_lastUpdated", "_text", "_content", "_list"))  # whatever the type

Types = tuple[tuple[str, int], ...]  # names and numbers


class NotInCompartment(errors.NotFound):
    """This compartment holds nothing of this type."""


class WrongTypes(errors.Invalid):
    """_type is types of resources, separated by commas."""


class SearchedAlone(errors.NotSupported):
    """AuditEvent and Consent are searched by themselves, not with other types."""


class TooManyTypes(errors.TooCostly):
    """A chain or _has is followed from ten types at once: name them by _type."""


def types(
    definitions: Definitions, within: tuple[str, str] | None, given: list[tuple[str, str]]
) -> Types:
    """The types of a search on several: those named, of those there are."""
    asked = [set(value.split(",")) for name, value in given if name == "_type" and value]
    if any(each not in definitions.types for one in asked for each in one):
        raise WrongTypes
    every = set(definitions.types)
    if within is not None:
        held = definitions.compartments.get(within[0])
        if held is None:
            raise NotInCompartment
        every = {within[0], *held}
    kept = every.intersection(*asked)
    if not kept:  # a type that is in no compartment of this kind has nothing there, and is told so
        raise NotInCompartment if within is not None else WrongTypes
    if within is None and asked and kept.intersection(chains.VIEWS):
        raise SearchedAlone
    return tuple((each, definitions.types[each]) for each in sorted(kept.difference(chains.VIEWS)))


def across(filters: Filters, types: Types, name: str, modifier: str, value: str) -> Found:
    """A condition on resources of several types, by a parameter that each of them has."""
    if name in ALIKE:
        return filters.one(EVERY, name, modifier, value)[0], None
    made: list[Each] = []
    named: list[set[int] | None] = []
    for rtype, number in types:
        try:
            found, records = _of(filters, rtype, name, modifier, value)
        except (UnknownParameter, chains.WrongChain, reverse.WrongReverse) as unknown:
            said = f" ({unknown})" if len(types) <= MOST_FOLLOWED else ""
            raise UnknownParameter(
                f"Several types are searched by what each of them has: not by {safe(name)}{said}."
            ) from None
        made.append(Each(rtype, number, filters.owners.principal(rtype), found))
        named.append(records)
        if len(types) > MOST_FOLLOWED and any(
            logic.holds(found, each) for each in (Chain, reverse.Reverse)
        ):
            raise TooManyTypes
    records = {cid for each in named for cid in each or ()}
    return Across(tuple(made)), None if None in named else records


def _of(filters: Filters, rtype: str, name: str, modifier: str, value: str) -> Found:
    parts: list[Filter]
    if name == "_filter":
        parts, records = [each for each, _ in filters.expression(rtype, value)], None
    else:
        found, records = filters.one(rtype, name, modifier, value)
        parts = [found, *filters.live(rtype, name)]
    return (parts[0] if len(parts) == 1 else Together("and", tuple(parts))), records


def inside(filters: Filters, types: Types, rtype: str, compartment: str, id: str) -> Found:
    """What is in a compartment, by the parameters FHIR names for each type, and whose record it is."""
    held = filters.definitions.compartments.get(compartment)
    if held is None or (rtype not in (EVERY, compartment) and rtype not in held):
        raise NotInCompartment
    numbers, params = filters.definitions.types, filters.definitions.params
    pointers = tuple(
        (number, params[each][code].number)
        for each, number in types or ((rtype, numbers[rtype]),)
        for code in held.get(each, ())
        if code != "{def}"  # the compartment's own resource
    )
    own = not types or compartment in dict(types)
    found = InCompartment(
        numbers[compartment], pointers, (f"{compartment}/{id}",),
        own=own and rtype in (EVERY, compartment),
    )  # fmt: skip
    place = filters.ids.decode(id)
    if compartment != "Patient" or place is None or place[0] == DIRECTORY:
        return found, None
    return found, {place[0]}
