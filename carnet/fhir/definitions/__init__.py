# SPDX-License-Identifier: EUPL-1.2
"""R4, packed, as data: types, elements, bindings, invariants, search parameters, compartments.

`r4.msgpack.zst` is made by tools/pack_definitions.py from HL7's own package; nothing of it is
written by hand. `profiles.msgpack.zst`, from the same, is read by who validates against profiles.
`numbers.toml` gives types and search parameters the numbers the store writes in its rows:
append-only, for ever.
"""

from carnet.fhir.definitions.artefact import load, profiles
from carnet.fhir.definitions.model import (
    FIRST_OWN,
    Binding,
    Component,
    Definitions,
    Element,
    ElementType,
    Invariant,
    Kind,
    Profiles,
    SearchParameter,
    Shape,
    ValueSet,
)

__all__ = [
    "FIRST_OWN",
    "Binding",
    "Component",
    "Definitions",
    "Element",
    "ElementType",
    "Invariant",
    "Kind",
    "Profiles",
    "SearchParameter",
    "Shape",
    "ValueSet",
    "load",
    "profiles",
]
