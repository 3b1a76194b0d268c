# SPDX-License-Identifier: EUPL-1.2
"""Loading SearchParameters: those that are well formed at once, and a sentence to say of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from carnet import errors
from carnet.fhir import definitions as r4
from carnet.fhir.definitions import Definitions
from carnet.fhir.search.own import queries
from carnet.fhir.search.own.catalogue import FORM, Catalogue
from carnet.fhir.search.own.understood import Given, NotUnderstood, Served, understood
from carnet.fhir.search.strings import READABLE

Named = tuple[Any, dict[str, Any] | errors.CarnetError]  # a name of the caller's, and what it holds


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one resource."""

    name: Any  # as the caller gave it
    sentence: str
    refusal: errors.CarnetError | None = None
    given: Given | None = None  # None as well when R4 serves it already
    new: bool = False

    @property
    def line(self) -> str:
        """As a command prints it."""
        return f"{self.name}: {'REFUSED, ' if self.refusal else ''}{self.sentence}"


def load_into(conn: psycopg.Connection[Any], resources: Iterable[Named]) -> list[Told]:
    """What came of each; all that are well formed are kept at once."""
    catalogue = Catalogue(r4.load())
    generation, held = queries.live_now(conn, FORM)
    catalogue.take(generation, held)
    told = taken(catalogue, resources)
    new, _ = queries.keep(conn, [each.given for each in told if each.given])
    return [
        Told(each.name, each.sentence, each.refusal, each.given, bool(each.given and each.given.url in new))
        for each in told
    ]  # fmt: skip


def taken(catalogue: Catalogue, resources: Iterable[Named]) -> list[Told]:
    """What is understood of each: those that can be had, and why the others cannot."""
    given: dict[str, Given] = {}
    told: list[Told] = []
    # Composites after what they are made of, whatever the order of the files.
    every = list(resources)
    every.sort(key=lambda one: isinstance(one[1], dict) and one[1].get("type") == "composite")
    for name, resource in every:
        try:
            if not isinstance(resource, dict):
                raise resource
            known = _kinds(catalogue, given)
            one = understood(resource, _with(catalogue.definitions, given), known)
            if one.url in given:
                raise NotUnderstood("another of the same address was given")
            given[one.url] = one
            told.append(Told(name, _said(one), given=one))
        except Served as served:
            told.append(Told(name, str(served)))
        except errors.CarnetError as refusal:
            told.append(Told(name, str(refusal), refusal))
    return told


def _with(base: Definitions, given: dict[str, Given]) -> Definitions:
    """The definitions, with what is being loaded among the installation's own."""
    own = {
        name: tuple(each for each in held if each.url not in given)
        for name, held in base.own.items()
    }
    for one in given.values():
        for name in one.bases:
            own[name] = (*own.get(name, ()), one.numbered(r4.FIRST_OWN))
    params = {
        name: {code: each for code, each in held.items() if not each.own}
        for name, held in base.params.items()
    }
    return Definitions(
        base.version, base.types, params, base.shapes, base.value_sets, base.compartments, own
    )


def _kinds(catalogue: Catalogue, given: dict[str, Given]) -> Callable[[str], str | None]:
    """The type of a parameter by its address: of R4, of the installation, or being loaded."""
    known = {
        each.url: each.type
        for params in catalogue.definitions.params.values()
        for each in params.values()
    }
    known |= {each.parameter.url: each.parameter.type for each in catalogue.held}
    known |= {url: each.type for url, each in given.items()}
    return known.get


def _said(given: Given) -> str:
    said = f"{given.code} ({given.type}) on {', '.join(given.bases)}"
    if given.left:
        said += f"; not on: {'; '.join(given.left)}"
    if given.type == "string" and (plain := sorted(READABLE.intersection(given.bases))):
        said += (
            f"; its words rest readable on {', '.join(plain)}, as all words of people and places"
        )
    return said
