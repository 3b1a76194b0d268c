# SPDX-License-Identifier: EUPL-1.2
"""What R4 says of types, in the shape navigation needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from carnet.fhir.definitions import Definitions, Element, load
from carnet.fhir.fhirpath.tree import Call, Index, Member, Node, This, TypeOperation
from carnet.fhir.fhirpath.values import Item


@dataclass(frozen=True, slots=True)
class Child:
    """One way a named element may stand in the JSON of its parent."""

    key: str
    sibling: str  # where id and extensions of a primitive stand
    kind: str  # type of the item; "Resource" where the resource itself tells
    primitive: bool


class Model:
    """Types, their elements and ancestors."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._children: dict[str, dict[str, tuple[Child, ...]]] = {}
        self._keys: dict[str, dict[str, Child]] = {}
        self._ancestors: dict[str, frozenset[str]] = {}

    def children(self, kind: str) -> dict[str, tuple[Child, ...]]:
        """The named children of a type."""
        found = self._children.get(kind)
        if found is None:
            shape = self.definitions.shapes.get(kind)
            found = {e.name: self._ways(e) for e in shape.elements} if shape else {}
            self._children[kind] = found
        return found

    def keys(self, kind: str) -> dict[str, Child]:
        """The children of a type by the keys of JSON they stand at, `_name` ones too."""
        found = self._keys.get(kind)
        if found is None:
            found = {}
            for ways in self.children(kind).values():
                for child in ways:
                    found[child.key] = child
                    if child.primitive:
                        found[child.sibling] = child
            self._keys[kind] = found
        return found

    def named(self, kind: str, name: str) -> Iterator[Element]:
        """The element of that name, if the type has one."""
        shape = self.definitions.shapes.get(kind)
        for element in shape.elements if shape else ():
            if element.name == name:
                yield element

    def is_a(self, kind: str, ancestor: str) -> bool:
        """Whether a type is another or one of its specialisations."""
        known = self._ancestors.get(kind)
        if known is None:
            names = []
            current: str | None = kind
            while current is not None:
                names.append(current)
                shape = self.definitions.shapes.get(current)
                current = shape.base if shape else None
            known = self._ancestors[kind] = frozenset(names)
        return ancestor in known

    def is_type(self, name: str) -> bool:
        """Whether a name is that of a type."""
        return name in self.definitions.shapes and "." not in name

    def is_primitive(self, name: str) -> bool:
        """Whether a name is that of a primitive type."""
        shape = self.definitions.shapes.get(name)
        return shape is not None and shape.kind == "primitive"

    def item(self, resource: dict[str, Any]) -> Item:
        """A resource as an item."""
        kind = resource.get("resourceType")
        return (kind if type(kind) is str else "Resource", resource, None)

    def _ways(self, element: Element) -> tuple[Child, ...]:
        shapes = self.definitions.shapes
        if element.children:
            return (Child(element.name, "", element.children, primitive=False),)
        ways = []
        for t in element.types:
            kind = t.code.removeprefix("System.")
            key = element.name + kind[0].upper() + kind[1:] if element.choice else element.name
            primitive = shapes[kind].kind == "primitive"
            ways.append(Child(key, "_" + key, kind, primitive))
        return tuple(ways)


@cache
def model() -> Model:
    """The model of R4."""
    return Model(load())


def elements(node: Node, kind: str, model: Model) -> tuple[Element, ...]:
    """The elements a plain path ends at, from a type, told without any resource."""
    match node:
        case This():
            return ()
        case Member(of=None, name=name) if name == kind:
            return ()
        case Member(of=of, name=name):
            if of is None or isinstance(of, This) or of == Member(None, kind):
                parents = [kind]
            else:
                parents = [t for e in elements(of, kind, model) for t in kinds(e)]
            return tuple(e for p in parents for e in model.named(p, name))
        case Call(of=of, name="where") | Index(of=of) if of is not None:
            return elements(of, kind, model)
        case TypeOperation(operand=of):
            return elements(of, kind, model)
    return ()


def kinds(element: Element) -> list[str]:
    """The types an element may be of."""
    if element.children:
        return [element.children]
    return [t.code.removeprefix("System.") for t in element.types]
