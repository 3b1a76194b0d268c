# SPDX-License-Identifier: EUPL-1.2
"""FHIRPath as R4's search parameters use it: `as` filters a collection by type, as `ofType` does.

A code is then a string too. The rest is FHIRPath, in the package of that name.
"""

from collections.abc import Callable
from typing import Any

from carnet.fhir.fhirpath import (
    Call,
    Child,
    Frame,
    Item,
    Items,
    Member,
    Model,
    Node,
    NotCompiled,
    NotSingle,
    Run,
    TypeOperation,
    WrongPath,
    branches,
    elements,
    model,
    read,
    start,
    truth,
)
from carnet.fhir.fhirpath.compiler import Compiler

__all__ = [
    "Call",
    "Child",
    "Frame",
    "Item",
    "Items",
    "Member",
    "Model",
    "Node",
    "NotCompiled",
    "NotSingle",
    "Run",
    "TypeOperation",
    "WrongPath",
    "branches",
    "compiled",
    "elements",
    "model",
    "path",
    "read",
    "start",
    "truth",
]


def compiled(node: Node) -> Run:
    """A function of a collection and a frame."""
    return Compiler(search=True).compile(node)


def path(text: str) -> Callable[[dict[str, Any]], Items]:
    """A function giving the items an expression finds in a resource."""
    run = compiled(read(text))
    known = model()

    def find(resource: dict[str, Any]) -> Items:
        root = known.item(resource)
        return run([root], Frame(known, root))

    return find
