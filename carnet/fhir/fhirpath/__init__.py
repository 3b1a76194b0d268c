# SPDX-License-Identifier: EUPL-1.2
"""FHIRPath, complete for R4: words, tree, and Python functions compiled from it.

    names = path("Patient.name.where(use = 'official').family")
    names(patient)  # [("string", "Durand", None)]

The whole of FHIRPath N1, what R4 adds to it, and what HL7 tests beyond (sort, boundaries, encode).
Exact decimals, dates compared by their precision, quantities by UCUM; see docs/decisions/0026.
"""

from collections.abc import Callable
from typing import Any

from carnet import errors
from carnet.fhir.fhirpath.compiler import Compiler, truth
from carnet.fhir.fhirpath.frame import Conformance, Frame, Run, Terminology
from carnet.fhir.fhirpath.model import Child, Model, elements, model
from carnet.fhir.fhirpath.parser import read
from carnet.fhir.fhirpath.refusals import (
    NotCompiled,
    NotSingle,
    TooMuchWork,
    WrongPath,
    WrongType,
)
from carnet.fhir.fhirpath.strict import check
from carnet.fhir.fhirpath.tree import Call, Member, Node, TypeOperation, branches, start
from carnet.fhir.fhirpath.values import Item, Items, Quantity

__all__ = [
    "Call",
    "Child",
    "Conformance",
    "Frame",
    "Item",
    "Items",
    "Member",
    "Model",
    "Node",
    "NotCompiled",
    "NotSingle",
    "Quantity",
    "Run",
    "Terminology",
    "TooMuchWork",
    "TypeOperation",
    "WrongPath",
    "WrongType",
    "branches",
    "check",
    "compiled",
    "elements",
    "evaluate",
    "model",
    "path",
    "read",
    "start",
    "truth",
]


def compiled(node: Node) -> Run:
    """A function of a collection and a frame."""
    return Compiler().compile(node)


def path(text: str) -> Callable[[dict[str, Any]], Items]:
    """A function giving the items an expression finds in a resource."""
    node = read(text)
    run = compiled(node)
    known = model()

    def find(resource: dict[str, Any]) -> Items:
        root = known.item(resource)
        try:
            return run([root], Frame(known, root))
        except errors.CarnetError:
            # Once more, slower, to say where in the expression.
            return Compiler(traced=True).compile(node)([root], Frame(known, root))

    return find


def evaluate(text: str, resource: dict[str, Any], *, strict: bool = False, **given: Any) -> Items:
    """The items an expression finds in a resource.

    strict: a name that its type does not have is an error, not nothing.
    given: what the frame takes (variables, resolver, terminology, conformance, now, trace).
    """
    node = read(text)
    known = model()
    root = known.item(resource)
    if strict:
        check(node, root[0])
    return Compiler(traced=True).compile(node)([root], Frame(known, root, **given))
