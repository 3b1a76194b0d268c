# SPDX-License-Identifier: EUPL-1.2
"""`_include` and `_revinclude`: what a page's resources point to, and what points to them.

Wildcards stand for every reference parameter; `:iterate` goes on from what was included. `_include=*`
is every reference of the type searched, `_include:iterate=*` of whatever was included, and `_revinclude=*`
whatever points to a match.
Source: FHIR R4, Search, "Including other resources in result".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from carnet import errors
from carnet.fhir.definitions import Definitions
from carnet.fhir.search.chains import VIEWS, narrowed
from carnet.fhir.search.extract import extract
from carnet.fhir.search.own.live import waiting
from carnet.fhir.search.query import EVERY, Include, Place
from carnet.fhir.search.references import LITERAL
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.rows import Stored

NAMES = ("_include", "_include:iterate", "_revinclude", "_revinclude:iterate")
MOST = 20  # of one search
MOST_HASHES = 20_000  # addresses that `_revinclude=*` looks for at once


class WrongInclude(errors.Invalid):
    """_include and _revinclude are Type:parameter or Type:parameter:TargetType, on a reference parameter."""


class TooManyIncludes(errors.TooCostly):
    """A search takes twenty _include and _revinclude at most."""


class TooManyAround(errors.TooCostly):
    """_revinclude=* looks for too much around this page: ask for fewer matches (_count), or name types."""


def read(definitions: Definitions, rtype: str, name: str, text: str) -> Include:
    """One `_include` or `_revinclude` of a search on `rtype`."""
    back, iterate = name.startswith("_rev"), name.endswith(":iterate")
    source, _, rest = text.partition(":")
    code, _, target = rest.partition(":")
    if source == EVERY and rest in ("", EVERY):
        return Include(EVERY if back or iterate else rtype, EVERY, None, back, iterate)
    several = rtype == EVERY  # the search is on
    if source not in definitions.types or (target and target not in definitions.types):
        raise WrongInclude
    if source in VIEWS:
        raise WrongInclude("AuditEvent and Consent are not included: search them by themselves.")
    if not back and not iterate and not several and source != rtype:
        raise WrongInclude
    if code != EVERY:
        parameter = definitions.params[source].get(code)
        if parameter is None or parameter.type != "reference":
            waiting(definitions, source, code)
            raise WrongInclude
        if back and not iterate and not several and rtype not in narrowed(source, parameter):
            raise WrongInclude
        if back and target and not iterate and not several and target != rtype:
            raise WrongInclude
    return Include(source, code, target or None, back, iterate)


def params(definitions: Definitions, include: Include) -> tuple[str, ...]:
    """The reference parameters an include stands for."""
    return (include.param,) if include.param != EVERY else _every(definitions, include.source)


def _every(definitions: Definitions, rtype: str) -> tuple[str, ...]:
    """The reference parameters of a type."""
    return tuple(
        code for code, each in definitions.params[rtype].items() if each.type == "reference"
    )


def forward(
    definitions: Definitions, resources: Iterable[Stored], includes: Sequence[Include]
) -> set[tuple[str, str]]:
    """(type, id) of what these resources point to by the includes of their type."""
    wanted: set[tuple[str, str]] = set()
    by_type: dict[str, set[tuple[str, str | None]]] = {}
    for each in includes:
        if each.source != EVERY:
            asked = by_type.setdefault(each.source, set())
            asked |= {(code, each.target) for code in params(definitions, each)}
    whatever = any(each.source == EVERY for each in includes)
    for one in resources:
        asked = by_type.get(one.rtype, set())
        if whatever:
            asked = {(code, None) for code in _every(definitions, one.rtype)}
        if not asked:
            continue
        # What was stored was read strictly when it came, and no number is looked at here.
        own = definitions.own.get(one.rtype, ())
        found = extract(
            orjson.loads(one.body), frozenset(code for code, _ in asked), own
        ).references
        for code, target in found:
            named = LITERAL.fullmatch(target)
            if named and not asked.isdisjoint(((code, None), (code, named[1]))):
                wanted.add((named[1], named[2]))
    return wanted


def backward(
    definitions: Definitions, place: Place, resources: Iterable[Stored], includes: Sequence[Include]
) -> set[int]:
    """Hashes that what points to these resources bears, for includes whose source is `place`'s type."""
    hashes: set[int] = set()
    known = definitions.params[place.rtype]
    for include in includes:
        for code in params(definitions, include):
            possible = narrowed(place.rtype, known[code])
            for one in resources:
                if include.target in (None, one.rtype) and one.rtype in possible:
                    hashes.add(
                        place.hasher.reference(place.rtype_number, known[code].number, one.address)
                    )
    return hashes


def around(definitions: Definitions, hasher: Hasher, resources: Iterable[Stored]) -> set[int]:
    """Hashes that whatever points to these resources bears, by any parameter of any type."""
    by_type: dict[str, list[str]] = {}
    for one in resources:
        by_type.setdefault(one.rtype, []).append(one.address)
    hashes: set[int] = set()
    for target, addresses in by_type.items():
        pointing = [
            (definitions.types[source], each.number)
            for source, known in definitions.params.items()
            if source not in VIEWS
            for each in known.values()
            if each.type == "reference" and target in narrowed(source, each)
        ]
        if len(hashes) + len(pointing) * len(addresses) > MOST_HASHES:
            raise TooManyAround
        hashes.update(
            hasher.reference(rtype, number, address)
            for rtype, number in pointing
            for address in addresses
        )
    return hashes
