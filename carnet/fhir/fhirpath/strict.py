# SPDX-License-Identifier: EUPL-1.2
"""What can be said against an expression without any data: names that a type does not have.

Types are followed as far as they are known; where they are not, nothing is said.
"""

from typing import Final

from carnet.fhir.fhirpath.model import kinds, model
from carnet.fhir.fhirpath.refusals import WrongPath, placed
from carnet.fhir.fhirpath.tree import (
    Call,
    Index,
    Literal,
    Member,
    Node,
    Operation,
    Sign,
    This,
    TypeOperation,
    Variable,
)

Types = frozenset[str] | None  # None: not known

# Functions whose output is of the type of their input, and those whose argument sees one item of it.
SAME: Final = frozenset(
    "where first last tail skip take single distinct trace exclude intersect checkModifiers "
    "sort".split()
)
EACH: Final = frozenset("where select all exists repeat aggregate sort trace iif".split())
ORDERED: Final = frozenset("first last tail skip take".split())
UNORDERED: Final = frozenset("children descendants".split())


def check(node: Node, kind: str) -> None:
    """Refuse an expression that names what is not there, starting from a type."""
    _types(node, frozenset({kind}))


def _types(node: Node, focus: Types) -> Types:
    match node:
        case This():
            return focus
        case Literal(kind=kind):
            return frozenset() if kind is None else frozenset({kind})
        case Variable():
            return None
        case Member(of=None, name=name) if name[:1].isupper() and model().is_type(name):
            if focus is not None and not any(
                model().is_a(kind, name) or model().is_a(name, kind) for kind in focus
            ):
                raise placed(WrongPath, node.at, "the expression starts from another type.")
            return frozenset({name}) if focus is None or name not in focus else focus
        case Member(of=of, name=name):
            return _member(name, focus if of is None else _types(of, focus), node.at)
        case Index(of=of, index=index):
            _types(index, focus)
            return _types(of, focus)
        case Sign(operand=operand):
            return _types(operand, focus)
        case TypeOperation(operator="is", operand=operand):
            _types(operand, focus)
            return frozenset({"System.Boolean"})
        case TypeOperation(operand=operand, kind=kind):
            _types(operand, focus)
            return frozenset({kind.removeprefix("FHIR.")})
        case Operation(operator=operator, left=left, right=right):
            one, two = _types(left, focus), _types(right, focus)
            if operator == "|":
                return None if one is None or two is None else one | two
            return None if operator in "+-*/&" else frozenset({"System.Boolean"})
    return _call(node, focus)


def _member(name: str, parents: Types, at: int) -> Types:
    if parents is None or not parents or any(kind.startswith("System.") for kind in parents):
        return None
    known = model()
    found: set[str] = set()
    there = False
    for parent in parents:
        for element in known.named(parent, name):
            there = True
            found.update(kinds(element))
        there = there or (name == "value" and known.is_primitive(parent))
        if parent == "Resource" or known.definitions.shapes.get(parent) is None:
            return None
    if not there:
        raise placed(WrongPath, at, "the type has no element of this name.")
    return None if "Resource" in found or not found else frozenset(found)


def _call(node: Call, focus: Types) -> Types:
    of = focus if node.of is None else _types(node.of, focus)
    if node.name in {"ofType", "as", "is"} and len(node.arguments) == 1:
        argument = node.arguments[0]
        if node.name == "is":
            return frozenset({"System.Boolean"})
        return frozenset({argument.name}) if isinstance(argument, Member) else None
    if node.name in ORDERED and isinstance(node.of, Call) and node.of.name in UNORDERED:
        raise placed(WrongPath, node.at, "what comes from children() has no order.")
    inner = of if node.name in EACH else focus
    found = [_types(argument, inner) for argument in node.arguments]
    if node.name in SAME:
        return of
    return found[0] if node.name == "select" and found else None
