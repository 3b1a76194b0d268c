# SPDX-License-Identifier: EUPL-1.2
"""How a value set is composed: clauses that include or exclude, by list, by filter, by other value sets.

Source: FHIR R4, ValueSet.compose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from carnet.fhir.terminology.refusals import WrongFilter

Json = dict[str, Any]

OPERATORS: Final = frozenset(
    ("=", "is-a", "descendent-of", "is-not-a", "generalizes", "in", "not-in", "regex", "exists",
     "child-of")
)  # fmt: skip
SUPPLEMENT: Final = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"
BACK: Final = re.compile(r"\\[1-9]")  # what was found before: the one part whose time has no bound
LONGEST_REGEX: Final = 200  # characters
MOST_CLAUSES: Final = 500
MOST_LISTED: Final = 100_000  # concepts of a value set sent with a request


@dataclass(frozen=True, slots=True)
class Listed:
    """A concept named one by one."""

    code: str
    display: str = ""
    designations: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a concept."""

    property: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One include or exclude. All it says must hold."""

    at: int  # place among includes, then excludes
    system: str | None = None
    version: str = ""
    lists: bool = False
    filters: tuple[Filter, ...] = ()
    value_sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compose:
    """A value set: what it is made of, and where its lists are."""

    include: tuple[Clause, ...]
    exclude: tuple[Clause, ...]
    inactive: bool = True
    id: int | None = None  # of one that is stored; else its lists are here
    listed: Mapping[int, Sequence[Listed]] = field(default_factory=dict)
    url: str = ""
    version: str = ""
    name: str = ""
    title: str = ""
    status: str = ""
    language: str = ""
    supplements: tuple[str, ...] = ()  # those it asks for
    head: Json = field(default_factory=dict)  # what else it says of itself
    definition: Json = field(default_factory=dict)  # its compose, when it was sent

    @property
    def canonical(self) -> str:
        """`url|version`."""
        return f"{self.url}|{self.version}" if self.version else self.url


def parts(compose: Json) -> tuple[Json, dict[int, list[Listed]]]:
    """A compose without the concepts it lists, and those, by the place of their clause."""
    listed: dict[int, list[Listed]] = {}
    bare: Json = {key: compose[key] for key in ("inactive",) if key in compose}
    at = 0
    for part in ("include", "exclude"):
        bare[part] = []
        for given in compose.get(part, ()):
            if not isinstance(given, dict):
                raise WrongFilter(f"compose.{part} is a list of objects.")
            kept = {
                key: given[key]
                for key in ("system", "version", "filter", "valueSet")
                if key in given
            }
            if "concept" in given:
                kept["lists"] = True
                listed[at] = [_listed(one, part) for one in given["concept"]]
            bare[part].append(kept)
            at += 1
    if at > MOST_CLAUSES or sum(map(len, listed.values())) > MOST_LISTED:
        raise WrongFilter("The value set has too many clauses, or lists too many concepts.")
    read(bare)
    return bare, listed


def _listed(one: Any, part: str) -> Listed:
    if not isinstance(one, dict) or not isinstance(one.get("code"), str):
        raise WrongFilter(f"compose.{part}.concept needs a code.")
    return Listed(one["code"], str(one.get("display", "")), one.get("designation", ()))


def read(bare: Json) -> tuple[tuple[Clause, ...], tuple[Clause, ...]]:
    """The clauses of a compose without its lists: includes, then excludes."""
    include = [_clause(given, at) for at, given in enumerate(bare.get("include", ()))]
    first = len(include)
    exclude = [_clause(given, first + at) for at, given in enumerate(bare.get("exclude", ()))]
    return tuple(include), tuple(exclude)


def _clause(given: Json, at: int) -> Clause:
    filters = tuple(_filter(each) for each in given.get("filter", ()))
    sets = tuple(given.get("valueSet", ()))
    system = given.get("system")
    lists = bool(given.get("lists"))
    if not all(isinstance(each, str) for each in sets) or not isinstance(system, str | None):
        raise WrongFilter("compose: system and valueSet are addresses.")
    if system is None and (not sets or lists or filters):
        raise WrongFilter("compose: a clause has a system, or value sets.")
    if lists and filters:
        raise WrongFilter("compose: a clause lists its concepts or filters them, not both.")
    return Clause(at, system, str(given.get("version", "")), lists, filters, sets)


def _filter(given: Any) -> Filter:
    if not isinstance(given, dict) or any(
        not isinstance(given.get(key), str) for key in ("property", "op", "value")
    ):
        raise WrongFilter("compose: a filter has a property, an op and a value.")
    made = Filter(given["property"], given["op"], given["value"])
    if made.op not in OPERATORS:
        raise WrongFilter(f"compose: a filter's op is one of {', '.join(sorted(OPERATORS))}.")
    if made.op == "exists" and made.value not in ("true", "false"):
        raise WrongFilter("compose: the value of exists is true or false.")
    if made.op == "regex" and len(made.value) > LONGEST_REGEX:
        raise WrongFilter(f"compose: a regex has at most {LONGEST_REGEX} characters.")
    if made.op == "regex" and BACK.search(made.value):
        raise WrongFilter("compose: a regex does not refer back to what it found.")
    return made


def sent(value_set: Json) -> Compose:
    """A value set that came with a request."""
    compose = value_set.get("compose")
    if not isinstance(compose, dict):
        raise WrongFilter("A value set sent with a request has a compose.")
    bare, listed = parts(compose)
    include, exclude = read(bare)
    said = {
        key: str(value_set.get(key, ""))
        for key in ("url", "version", "name", "title", "status", "language")
    }
    asked = [
        each.get("valueCanonical") for each in value_set.get("extension", ()) if each.get("url") == SUPPLEMENT
    ]  # fmt: skip
    head: Json = {
        key: value_set[key] for key in ("experimental", "date", "publisher") if key in value_set
    }
    return Compose(
        include, exclude, compose.get("inactive", True) is not False, None, listed, **said,
        supplements=tuple(each for each in asked if type(each) is str), head=head, definition=compose,
    )  # fmt: skip
