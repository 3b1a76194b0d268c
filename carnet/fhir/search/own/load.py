# SPDX-License-Identifier: EUPL-1.2
"""Loading SearchParameters: those that are well formed at once, and a line to say of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psycopg

from carnet import errors
from carnet.fhir import definitions as r4
from carnet.fhir.definitions import Definitions
from carnet.fhir.search.own import queries
from carnet.fhir.search.own.catalogue import FORM, Catalogue
from carnet.fhir.search.own.files import found
from carnet.fhir.search.own.understood import Given, NotUnderstood, Served, understood
from carnet.fhir.search.strings import READABLE


def load_into(conn: psycopg.Connection[Any], paths: list[Path]) -> tuple[list[str], int, int]:
    """Lines to show, how many were new, how many refused; all that are well formed at once."""
    catalogue = Catalogue(r4.load())
    generation, held = queries.live_now(conn, FORM)
    catalogue.take(generation, held)
    given, lines, refused = taken(catalogue, [each for path in paths for each in found(path)])
    new, _ = queries.keep(conn, given)
    return lines, len(new), refused


def taken(
    catalogue: Catalogue, resources: Iterable[tuple[str, dict[str, Any] | errors.CarnetError]]
) -> tuple[list[Given], list[str], int]:
    """Those that can be had, with a line for each file and how many were refused."""
    given: dict[str, Given] = {}
    lines: list[str] = []
    refused = 0
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
            lines.append(_said(name, one))
        except Served as served:
            lines.append(f"{name}: {served}")
        except errors.CarnetError as refusal:
            refused += 1
            lines.append(f"{name}: REFUSED, {refusal}")
    return list(given.values()), lines, refused


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


def _said(name: str, given: Given) -> str:
    said = f"{name}: {given.code} ({given.type}) on {', '.join(given.bases)}"
    if given.left:
        said += f"; not on: {'; '.join(given.left)}"
    if given.type == "string" and (plain := sorted(READABLE.intersection(given.bases))):
        said += (
            f"; its words rest readable on {', '.join(plain)}, as all words of people and places"
        )
    return said
