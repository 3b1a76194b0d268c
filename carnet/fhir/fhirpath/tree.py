# SPDX-License-Identifier: EUPL-1.2
"""The tree of an expression. `at`, the place in its text, is no part of what a node is equal to."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any


def _place() -> Any:
    return field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class This:
    """The focus: `$this`, or what an expression starts from."""

    at: int = _place()


@dataclass(frozen=True, slots=True)
class Variable:
    """`$index`, `$total`, `%resource`, `%'vs-name'`."""

    name: str
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Literal:
    """A written value, with its System type; `{}` has none."""

    kind: str | None
    value: Any
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name`; at the start of an expression the name may be that of a type."""

    of: "Node | None"
    name: str
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Call:
    """`of.name(arguments)`."""

    of: "Node | None"
    name: str
    arguments: "tuple[Node, ...]"
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Index:
    """`of[index]`."""

    of: "Node"
    index: "Node"
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Sign:
    """`-operand` or `+operand`."""

    sign: str
    operand: "Node"
    at: int = _place()


@dataclass(frozen=True, slots=True)
class Operation:
    """`left operator right`."""

    operator: str
    left: "Node"
    right: "Node"
    at: int = _place()


@dataclass(frozen=True, slots=True)
class TypeOperation:
    """`operand is type` or `operand as type`."""

    operator: str
    operand: "Node"
    kind: str
    at: int = _place()


Node = This | Variable | Literal | Member | Call | Index | Sign | Operation | TypeOperation


def branches(node: Node) -> tuple[Node, ...]:
    """The parts of a union, in order."""
    if isinstance(node, Operation) and node.operator == "|":
        return (*branches(node.left), *branches(node.right))
    return (node,)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for each in fields(node):
        inner = getattr(node, each.name)
        for one in inner if isinstance(inner, tuple) and each.name == "arguments" else (inner,):
            if isinstance(one, Node):
                yield from walk(one)


def mentions(node: Node, variable: str) -> bool:
    """Whether a variable is read somewhere in an expression."""
    return any(isinstance(n, Variable) and n.name == variable for n in walk(node))


def start(node: Node) -> tuple[Member | None, Member | None]:
    """The first name of a path and the one after: `Patient` and `Patient.name`.

    Either is None where the node is not a path, or has one name only.
    """
    after: Member | None = None
    while True:
        match node:
            case Member(of=None):
                return node, after
            case Member(of=of):
                after = node
                node = of  # type: ignore[assignment]  # not None: the case above
            case Call(of=of) if of is not None:
                node = of
            case Index(of=of) | TypeOperation(operand=of):
                node = of
            case _:
                return None, None
