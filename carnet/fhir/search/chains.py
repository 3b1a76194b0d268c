# SPDX-License-Identifier: EUPL-1.2
"""Chained parameters: `subject:Patient.name=…`, the resource pointed to answers to the rest.

Which row refers to which is known to the holder of the key alone (references rest as keyed hashes), so
a chain is followed hop by hop, the last type first; each hop is a statement of its own with the scope in
it, so that a chain through what is hidden finds nothing (docs/decisions/0024).
Source: FHIR R4, Search, "Chained Parameters".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from carnet import errors
from carnet.fhir.definitions import Definitions, SearchParameter
from carnet.fhir.search.query import Place, Query

DEEPEST = 4  # hops of one parameter, chains and reverse chains together
MOST_TYPES = 8  # a reference without a type may point to
# Made from rows of schema access by their own reader: no statement on resources finds them.
VIEWS = frozenset(("AuditEvent", "Consent"))
RESOLVED = re.compile(r"resolve\(\) is ([A-Za-z]+)")


class TooDeep(errors.TooCostly):
    """A chained parameter passes by four references at most."""


class WrongChain(errors.NotSupported):
    """A chain is a reference parameter, :Type where there are several, a point, and a parameter."""


class NotFollowed(RuntimeError):
    """A chain that no one has followed cannot be compiled: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A reference to a visible resource that one of the queries finds; one query a type.

    code, number: of the reference parameter.
    """

    code: str
    number: int
    targets: tuple[Query, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        raise NotFollowed


@dataclass(frozen=True, slots=True)
class Nothing:
    """A condition that nothing fulfils."""

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        return "FALSE"


def cut(name: str) -> tuple[str, str, str] | None:
    """(parameter, type or "", rest) of a chained parameter's name; None of any other."""
    first, point, rest = name.partition(".")
    if not point:
        return None
    code, _, kind = first.partition(":")
    return code, kind, rest


def targets(
    definitions: Definitions, rtype: str, parameter: SearchParameter, kind: str, rest: str
) -> tuple[str, ...]:
    """The types a chain goes to: the one it names, or each that has the next parameter."""
    possible = narrowed(rtype, parameter)
    if kind:
        if kind not in possible:
            raise WrongChain(f"{parameter.code} does not point to this type.")
        if kind in VIEWS:
            raise WrongChain("AuditEvent and Consent are not reached by chains.")
        return (kind,)
    code = re.split("[:.]", rest, maxsplit=1)[0]
    having = tuple(
        one
        for one in possible
        if one not in VIEWS and (code in definitions.params[one] or code in ("_id", "_has"))
    )
    if len(possible) > MOST_TYPES:
        raise WrongChain(f"{parameter.code} points to many types: name one, as in :Patient.")
    if not having:
        raise WrongChain(f"Nothing that {parameter.code} points to has this parameter.")
    return having


def narrowed(rtype: str, parameter: SearchParameter) -> tuple[str, ...]:
    """The types a parameter points to from this type: one definition may serve many types."""
    own = [
        part for part in parameter.expression.split("|") if re.match(rf"\(?{rtype}\.", part.strip())
    ]
    resolved = [found for part in own if (found := RESOLVED.search(part))]
    if own and len(resolved) == len(own):
        return tuple(dict.fromkeys(each[1] for each in resolved))
    return parameter.targets
