# SPDX-License-Identifier: EUPL-1.2
"""What an export is asked: its parameters, read and refused in the caller's terms.

Source: HL7 FHIR Bulk Data Access 2.0, "Bulk Data Export Operation Request".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carnet import errors
from carnet.fhir import dates
from carnet.fhir.search.parse import RESULT, Parser
from carnet.fhir.search.query import Query
from carnet.fhir.search.scope import PUBLIC
from carnet.rest.acts import Acts
from carnet.rest.http import parameters

FORMATS = frozenset(("application/fhir+ndjson", "application/ndjson", "ndjson"))
NAMES = frozenset("_outputFormat _since _until _type _typeFilter _elements patient".split())
OTHERS = frozenset(("includeAssociatedData", "organizeOutputBy", "allowPartialManifests"))
IGNORED = frozenset(("_format", "_pretty"))
BETWEEN = re.compile(r",(?=[A-Z][A-Za-z]+\?)")  # filters of one parameter
ELEMENT = re.compile(r"(?:([A-Z][A-Za-z]+)\.)?([a-z][A-Za-z0-9]*)", re.ASCII)
MOST_FILTERS = 50


class WrongExport(errors.Invalid):
    """An export takes _outputFormat, _since, _until, _type, _typeFilter, _elements and patient."""


class NotAsked(errors.NotSupported):
    """An export of this server does not have this parameter."""


class WrongFormat(errors.NotSupported):
    """_outputFormat is application/fhir+ndjson."""


class WrongSince(errors.Invalid):
    """_since and _until are instants, each once, the first before the second."""


class WrongTypes(errors.Invalid):
    """_type names types of resource that this server exports."""


class WrongFilter(errors.Invalid):
    """_typeFilter is Type?parameter=value, with search parameters of a type of _type."""


class WrongElements(errors.Invalid):
    """_elements names elements, each alone or after its type and a point."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An export, as asked.

    level: system, patient or group. types: none is all. filters: (type, query) as written. chosen:
    compartments, None when none is named. url: the address it was asked at.
    """

    level: str
    url: str
    types: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    elements: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    chosen: tuple[int, ...] | None = None

    def values(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "level": self.level, "url": self.url, "types": list(self.types),
            "filters": [list(each) for each in self.filters], "elements": list(self.elements),
            "since": self.since, "until": self.until,
            "chosen": None if self.chosen is None else list(self.chosen),
        }  # fmt: skip

    def of(self, rtype: str) -> tuple[str, ...]:
        """The elements asked of a type; none is whole."""
        found = [ELEMENT.fullmatch(each) for each in self.elements]
        return tuple(each[2] for each in found if each and each[1] in (None, rtype))


def read(values: dict[str, Any]) -> Asked:
    """From JSON."""
    chosen = values["chosen"]
    return Asked(
        values["level"],
        values["url"],
        tuple(values["types"]),
        tuple((rtype, query) for rtype, query in values["filters"]),
        tuple(values["elements"]),
        values["since"],
        values.get("until", ""),
        None if chosen is None else tuple(chosen),
    )


def asked(
    parser: Parser,
    acts: Acts,
    level: str,
    url: str,
    given: Iterable[tuple[str, str]],
    *,
    lenient: bool = False,
) -> Asked:
    """The export of these parameters, `patient` apart."""
    given = [each for each in given if each[0] not in IGNORED and each[1] != ""]
    unknown = sorted({name for name, _ in given} - NAMES)
    if unknown and not lenient:
        named = [name for name in unknown if name in OTHERS]
        raise NotAsked(f"This server does not have {named[0]}.") if named else WrongExport
    for name, text in given:
        # A plus sign that was not escaped in the URL arrives as a space.
        media = text.partition(";")[0].strip().replace(" ", "+").lower()
        if name == "_outputFormat" and media not in FORMATS:
            raise WrongFormat
    since, until = _moment(given, "_since"), _moment(given, "_until")
    if since and until and instant(since) > instant(until):
        raise WrongSince
    types = []
    for each in _cut(given, "_type"):
        known = each in parser.definitions.types and acts.view(each) is None
        if known and (each not in PUBLIC or level == "system"):
            types.append(each)
        elif not lenient or each in parser.definitions.types:
            raise WrongTypes
    filters = []
    for name, text in given:
        if name == "_typeFilter":
            filters += [_filter(parser, types, each) for each in BETWEEN.split(text)]
    if len(filters) > MOST_FILTERS:
        raise WrongFilter
    elements = tuple(_cut(given, "_elements"))
    if not all(ELEMENT.fullmatch(each) for each in elements):
        raise WrongElements
    return Asked(
        level,
        url,
        tuple(dict.fromkeys(types)),
        tuple(dict.fromkeys(filters)),
        elements,
        since,
        until,
    )


def instant(text: str) -> datetime:
    """A moment; of a date, its beginning."""
    try:
        return dates.span(text.replace(" ", "+"))[0]
    except dates.NotADate:
        raise WrongSince from None


def _moment(given: Sequence[tuple[str, str]], name: str) -> str:
    """A parameter that is an instant, given once at most; "" for none."""
    found = [text for one, text in given if one == name]
    if len(found) > 1:
        raise WrongSince
    if found:
        instant(found[0])
    return found[0] if found else ""


def queries(parser: Parser, asked: Asked) -> dict[str, list[Query]]:
    """The queries of `_typeFilter`, by type."""
    found: dict[str, list[Query]] = {}
    for rtype, text in asked.filters:
        found.setdefault(rtype, []).append(parser.parse(rtype, parameters(text.encode())))
    return found


def _cut(given: Sequence[tuple[str, str]], name: str) -> list[str]:
    return [each.strip() for one, text in given if one == name for each in text.split(",") if each]


def _filter(parser: Parser, types: Sequence[str], text: str) -> tuple[str, str]:
    rtype, _, query = text.partition("?")
    if rtype not in parser.definitions.types or not query or (types and rtype not in types):
        raise WrongFilter
    given = parameters(query.encode())
    if not given or any(name in RESULT for name, _ in given):  # _sort, _include…: nothing to filter
        raise WrongFilter
    parser.parse(rtype, given)
    return rtype, query
