# SPDX-License-Identifier: EUPL-1.2
"""The shape of the packed definitions.

These are msgspec structs, not dataclasses, because the artefact is decoded straight into them: the
whole of R4 in some milliseconds.
"""

from typing import Any, Literal

import msgspec

FIRST_OWN = 16_384  # numbers of R4's parameters are below, those of an installation are not
Kind = Literal["primitive", "complex", "resource"]
Strength = Literal["required", "extensible", "preferred", "example"]


class ElementType(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One type an element may have."""

    code: str  # "Quantity", "code", "BackboneElement", "Resource"...
    targets: tuple[str, ...] = ()  # types a Reference may point to; empty: any
    profile: str = ""  # "SimpleQuantity": R4's own narrowing of the type


class Binding(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The list of codes an element takes its values from."""

    strength: Strength
    value_set: str  # canonical address, without version


class Invariant(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rule written in FHIRPath."""

    key: str  # "obs-6"
    severity: Literal["error", "warning"]
    expression: str
    human: str = ""  # the rule as people read it


class Element(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One element of a type or of a part of it."""

    name: str  # without "[x]"
    min: int
    max: int | None  # None: any number; 0: forbidden here
    many: bool  # written as a list in JSON
    choice: bool  # the type is part of the JSON name
    types: tuple[ElementType, ...]
    children: str | None = None  # path of the shape of a nested part, its own or another's
    binding: Binding | None = None
    invariants: tuple[Invariant, ...] = ()
    summary: bool = False
    modifier: bool = False


class Shape(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The elements of a type ("Observation") or of a nested part ("Observation.component")."""

    path: str
    kind: Kind
    base: str | None  # "Quantity" is the base of "Age"; None for a nested part
    abstract: bool
    elements: tuple[Element, ...]
    invariants: tuple[Invariant, ...] = ()


class ValueSet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The codes of a value set, by code system; only those small enough to be listed."""

    systems: dict[str, tuple[str, ...]]


class Component(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A part of a composite search parameter."""

    definition: str  # canonical address of a SearchParameter
    expression: str
    kind: str = ""  # the type of that one, in a parameter of an installation


class SearchParameter(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One way of finding a type of resource."""

    code: str  # the name in the URL
    number: int  # of the name, the same for every type; append-only
    type: str  # token, reference, date, string, number, quantity, uri, composite, special
    expression: str  # FHIRPath; empty where the server decides
    targets: tuple[str, ...] = ()  # types a reference parameter may point to
    components: tuple[Component, ...] = ()
    url: str = ""

    @property
    def own(self) -> bool:
        """Whether it is an installation's, and not R4's."""
        return self.number >= FIRST_OWN


class Packed(msgspec.Struct, frozen=True, gc=False):
    """What the artefact holds."""

    version: str  # of FHIR
    source: str  # the package it was made from
    shapes: dict[str, Shape]
    search: tuple[tuple[tuple[str, ...], SearchParameter], ...]  # (base types, parameter)
    value_sets: dict[str, ValueSet]
    compartments: dict[str, dict[str, tuple[str, ...]]]


class Profiles(msgspec.Struct, frozen=True, gc=False):
    """R4's own profiles and extensions, and the value sets they are bound to.

    A structure is a StructureDefinition of which only what a validator reads is left: how it
    differs from its base.
    """

    structures: tuple[dict[str, Any], ...]
    value_sets: dict[str, ValueSet]


class Definitions(msgspec.Struct, frozen=True, gc=False):
    """R4, ready to be compiled from."""

    version: str
    types: dict[str, int]  # concrete resource types and their numbers
    params: dict[str, dict[str, SearchParameter]]  # by type, inherited ones too, then name
    shapes: dict[str, Shape]
    value_sets: dict[str, ValueSet]
    compartments: dict[str, dict[str, tuple[str, ...]]]  # "Patient" → type → parameters
    # Parameters of the installation that are indexed, by type: those of them whose index is whole
    # are in `params` too (carnet/fhir/search/own).
    own: dict[str, tuple[SearchParameter, ...]] = {}

    def derives(self, name: str, ancestor: str) -> bool:
        """Whether a type is another or one of its specialisations."""
        current: str | None = name
        while current is not None:
            if current == ancestor:
                return True
            shape = self.shapes.get(current)
            current = shape.base if shape else None
        return False
