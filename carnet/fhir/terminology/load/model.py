# SPDX-License-Identifier: EUPL-1.2
"""What a file brings, whatever its form: code systems and value sets, ready to be stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of a system."""

    code: str
    display: str
    definition: str = ""
    inactive: bool = False
    abstract: bool = False
    parents: tuple[str, ...] = ()
    properties: Mapping[str, Sequence[str]] = field(default_factory=dict)  # values as text
    designations: Sequence[Json] = ()
    hints: Sequence[str] = ()  # words it is found by, and not shown


@dataclass(frozen=True, slots=True)
class System:
    """A code system; of a fragment, the concepts are added to those that are there."""

    url: str
    concepts: Iterable[Concept]  # may be read more than once
    version: str = ""
    name: str = ""
    title: str = ""
    status: str = "active"
    published: str = ""
    language: str = ""
    fragment: bool = False
    case_sensitive: bool = True
    value_set: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)  # FHIR type by name
    names: Sequence[str] = ()  # other names of it
    aliases: Mapping[str, str] = field(default_factory=dict)  # FHIR's property → its name here
    supplements: str = ""  # address of the system it adds to
    head: Json = field(default_factory=dict)  # the resource without what is above


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A value set as FHIR composes it."""

    url: str
    compose: Json
    version: str = ""
    name: str = ""
    title: str = ""
    status: str = "active"
    published: str = ""
    language: str = ""
    names: Sequence[str] = ()
    supplements: Sequence[str] = ()  # those it asks for
    head: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Brought:
    """Everything one file brings."""

    form: str
    systems: Sequence[System] = ()
    value_sets: Sequence[ValueSet] = ()
    names: Mapping[str, str] = field(default_factory=dict)  # of systems: other name → address
