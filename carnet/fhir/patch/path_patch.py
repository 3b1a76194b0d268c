# SPDX-License-Identifier: EUPL-1.2
"""FHIRPath Patch: operations on the elements that FHIRPath expressions find.

A path is made of element names and of what chooses among items (`[0]`, `where()`, `first()`,
`ofType()`, `extension()`): each step then leads to a place that can be changed. Inside `where()`
anything of FHIRPath goes. Source: FHIR R4, FHIRPath Patch.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final

from carnet import errors
from carnet.fhir.definitions import Element
from carnet.fhir.fhirpath import Call, Frame, Member, Node, TypeOperation, compiled, model
from carnet.fhir.fhirpath import read as parsed
from carnet.fhir.fhirpath.model import Child
from carnet.fhir.fhirpath.tree import Index, Operation, This
from carnet.fhir.fhirpath.values import Item
from carnet.fhir.patch.refusals import NotApplied, WrongPatch

MOST_OPERATIONS: Final = 1000
NAMED: Final = ("type", "path", "name", "value", "index", "source", "destination")
NEEDED: Final = {  # parts of each operation
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
NUMBERS: Final = ("index", "source", "destination")
STEPS: Final = (
    "its path is made of element names, [n], where(), first(), last(), single(), ofType()"
    " and extension()."
)
CHOOSING: Final = frozenset(
    ("where", "first", "last", "single", "tail", "skip", "take", "ofType", "as")
)

Parts = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, with the place it has in the patch."""

    at: int
    type: str
    path: Node
    name: str = ""
    value: dict[str, Any] | None = None  # the part that is its value
    numbers: tuple[int, ...] = ()  # index, or source and destination

    def refuse(self, what: str) -> NotApplied:
        """A refusal that names the operation."""
        path = f"Parameters.parameter[{self.at}]"
        return NotApplied(f"Operation {self.at + 1} ({self.type}): {what}", path=path)


@dataclass(frozen=True, slots=True)
class PathPatch:
    """A FHIRPath Patch that is well formed."""

    steps: tuple[Step, ...]

    def applied(self, resource: dict[str, Any]) -> dict[str, Any]:
        """The resource after every operation, changed in place."""
        frame = Frame(
            model(), model().item(resource)
        )  # one for all: what they may look at has an end
        for step in self.steps:
            # A copy of what is put: a later operation may change it, and a patch may be applied again.
            ACTS[step.type](frame, replace(step, value=deepcopy(step.value)))
        if any(step.type == "delete" for step in self.steps):
            _prune(resource)
        return resource


def _prune(value: Any, *, beside: bool = False) -> None:
    """Leave out, in place, what a deletion left empty: FHIR has no element without content.

    beside: a list of what stands beside primitives (`_given`), where each keeps its place.
    """
    if type(value) is dict:
        for key, each in list(value.items()):
            _prune(each, beside=key.startswith("_"))
            if each in ({}, []):
                del value[key]
    elif type(value) is list:
        for each in value:
            _prune(each)
        if beside:
            kept = [None if each == {} else each for each in value]
            value[:] = kept if any(each is not None for each in kept) else []
        else:
            value[:] = [each for each in value if each != {}]


def read(parameters: dict[str, Any]) -> PathPatch:
    """The patch that a Parameters resource, of the right structure, says."""
    given = parameters.get("parameter", [])
    if parameters.get("resourceType") != "Parameters":
        raise WrongPatch("A FHIRPath Patch is a Parameters resource.")
    if len(given) > MOST_OPERATIONS:
        raise WrongPatch(f"A patch has {MOST_OPERATIONS} operations at most.")
    return PathPatch(tuple(_step(at, each) for at, each in enumerate(given)))


def _step(at: int, given: dict[str, Any]) -> Step:
    parts: dict[str, dict[str, Any]] = {}
    for part in given.get("part", ()):
        name = part.get("name")
        if name not in NAMED or name in parts:
            raise _wrong(at, "its parts are each there once: " + ", ".join(NAMED) + ".")
        parts[name] = part
    kind = _text(parts.get("type"))
    if given.get("name") != "operation" or kind not in NEEDED:
        raise _wrong(at, "it is named operation, and its type is one of " + ", ".join(NEEDED) + ".")
    missing = [name for name in NEEDED[kind] if name not in parts]
    if missing:
        raise _wrong(at, f"{kind} needs " + " and ".join(missing) + ".")
    numbers = tuple(_number(at, parts[name]) for name in NEEDED[kind] if name in NUMBERS)
    try:
        path = parsed(_text(parts["path"]))
    except errors.CarnetError as error:
        raise _wrong(at, str(error)) from None
    return Step(at, kind, path, _text(parts.get("name")), parts.get("value"), numbers)


def _wrong(at: int, what: str) -> WrongPatch:
    return WrongPatch(f"Operation {at + 1}: {what}", path=f"Parameters.parameter[{at}]")


def _text(part: dict[str, Any] | None) -> str:
    """The text of a part, whichever type it was given."""
    texts = [each for key, each in (part or {}).items() if key[:5] == "value"]
    return texts[0] if len(texts) == 1 and type(texts[0]) is str else ""


def _number(at: int, part: dict[str, Any]) -> int:
    numbers = [each for key, each in part.items() if key[:5] == "value"]
    if len(numbers) != 1 or type(numbers[0]) is not int or numbers[0] < 0:
        raise _wrong(at, "index, source and destination are whole numbers, from 0.")
    return numbers[0]


# ---------------------------------------------------------------- places


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: in an object, at a key, perhaps in a list; the root stands in nothing."""

    item: Item
    holder: dict[str, Any] | None = None
    child: Child | None = None
    index: int | None = None  # in the list
    of: str = ""  # the type of the object
    name: str = ""  # of its element

    @property
    def content(self) -> tuple[str, dict[str, Any]] | None:
        """The object that holds what is below, with its type; of a primitive, that of its extensions."""
        kind, value, sibling = self.item
        if type(value) is dict:
            return kind, value
        return None if sibling is None else ("Element", sibling)


def places(frame: Frame, step: Step, node: Node | None = None) -> list[Place]:
    """Where the items of a path stand."""
    return _places(step.path if node is None else node, frame, step)


def _places(node: Node, frame: Frame, step: Step) -> list[Place]:
    root = Place(frame.root)
    match node:
        case This():
            return [root]
        case Member(of=None, name=name):
            if model().is_type(name) and name[:1].isupper():
                return [root] if model().is_a(root.item[0], name) else []
            return _children(root, name)
        case Member(of=of, name=name) if of is not None:
            return [one for place in _places(of, frame, step) for one in _children(place, name)]
        case Call(of=of, name="extension", arguments=(url,)):
            extensions = Member(of, "extension")
            chosen = Operation("=", Member(This(), "url"), url)
            return _places(Call(extensions, "where", (chosen,)), frame, step)
        case Call(of=of, name=name) if of is not None and name in CHOOSING:
            return _chosen(replace(node, of=This()), _places(of, frame, step), frame, step)
        case Index(of=of):
            return _chosen(replace(node, of=This()), _places(of, frame, step), frame, step)
        case TypeOperation(operator="as", operand=of):
            return _chosen(replace(node, operand=This()), _places(of, frame, step), frame, step)
    raise step.refuse(STEPS)


def _chosen(node: Node, among: list[Place], frame: Frame, step: Step) -> list[Place]:
    """Those of some places that a function chooses: it gives back the very items it was given."""
    items = [place.item for place in among]  # each a tuple of its own, told by its identity
    known = {id(item): place for item, place in zip(items, among, strict=True)}
    try:
        found = compiled(node)(items, frame)
    except errors.CarnetError as error:
        raise step.refuse(str(error)) from None
    if any(id(item) not in known for item in found):
        raise step.refuse(STEPS)
    return [known[id(item)] for item in found]


def _children(place: Place, name: str) -> list[Place]:
    """The places below a place by a name."""
    content = place.content
    if content is None:
        return []
    kind, holder = content
    found = []
    for child in model().children(kind).get(name, ()):
        value, sibling = holder.get(child.key), None
        if child.primitive:
            sibling = holder.get(child.sibling)
        if type(value) is list or type(sibling) is list:
            values, siblings = value or [], sibling or []
            for at in range(max(len(values), len(siblings))):
                one = values[at] if at < len(values) else None
                beside = siblings[at] if at < len(siblings) else None
                found.append(Place(_item(child, one, beside), holder, child, at, kind, name))
        elif value is not None or sibling is not None:
            found.append(Place(_item(child, value, sibling), holder, child, None, kind, name))
    return found


def _item(child: Child, value: Any, sibling: Any) -> Item:
    kind = child.kind
    if kind == "Resource" and type(value) is dict:
        kind = value.get("resourceType", kind)
    return (kind, value, sibling)


def _one(frame: Frame, step: Step, node: Node | None = None) -> Place:
    """The one place of a path."""
    found = places(frame, step, node)
    if len(found) != 1:
        raise step.refuse(f"its path leads to {'several places' if found else 'nothing'}, not one.")
    return found[0]


# ---------------------------------------------------------------- values


def _element(kind: str, name: str, step: Step) -> Element:
    """The element of a type that a name means, `value[x]` and `value` alike."""
    bare = name.removesuffix("[x]")
    for element in model().named(kind, bare):
        return element
    raise step.refuse("the element it is about has no element of this name.")


def _valued(
    kind: str, element: Element, part: dict[str, Any], step: Step
) -> tuple[Child, Any, Any]:
    """Which way of an element a value takes, the value as JSON, and what stands beside a primitive."""
    ways = model().children(kind)[element.name]
    if "part" in part:
        child = next((way for way in ways if not way.primitive), None)
        if child is None or len(ways) != 1:
            raise step.refuse("a value made of parts is that of an element with parts.")
        return child, _made(child.kind, part["part"], step), None
    if "resource" in part:
        child = next((way for way in ways if way.kind == "Resource"), None)
        if child is None:
            raise step.refuse("a resource is no value of this element.")
        return child, part["resource"], None
    keys = {key.removeprefix("_") for key in part if key.removeprefix("_")[:5] == "value"}
    if len(keys) != 1:
        raise step.refuse("its value is one value[x], parts, or a resource.")
    (key,) = keys
    value, sibling = part.get(key), part.get("_" + key)
    suffix = key.removeprefix("value")
    exact = [way for way in ways if way.kind[0].upper() + way.kind[1:] == suffix]
    if not exact and len(ways) == 1:
        # A code may be sent as a string; what an element is not is for validation to say.
        exact = [way for way in ways if way.primitive != (type(value) is dict)]
    if not exact:
        raise step.refuse("its value is of a type this element does not take.")
    return exact[0], value, sibling


def _made(kind: str, parts: Parts, step: Step) -> dict[str, Any]:
    """An object of a type from parts, each an element of it."""
    made: dict[str, Any] = {}
    for part in parts:
        element = _element(kind, str(part.get("name", "")), step)
        child, value, sibling = _valued(kind, element, part, step)
        if element.many:
            _into(made, child, len(made.get(child.key, ())), value, sibling)
        else:
            _set(made, child, value, sibling)
    return made


def _set(holder: dict[str, Any], child: Child, value: Any, sibling: Any) -> None:
    """A value that does not repeat."""
    if value is not None:
        holder[child.key] = value
    if sibling is not None:
        holder[child.sibling] = sibling


def _into(holder: dict[str, Any], child: Child, at: int, value: Any, sibling: Any) -> None:
    """A value before a place of a list, and what stands beside it."""
    values, siblings = _lists(holder, child)
    values.insert(at, value)
    siblings.insert(at, sibling)
    _keep(holder, child, values, siblings)


def _lists(holder: dict[str, Any], child: Child) -> tuple[list[Any], list[Any]]:
    """The list of a child and that of its `_name`, of one length."""
    values = list(holder.get(child.key, ()))
    siblings = list(holder.get(child.sibling, ())) if child.primitive else []
    length = max(len(values), len(siblings))
    values += [None] * (length - len(values))
    return values, siblings + [None] * (length - len(siblings))


def _keep(holder: dict[str, Any], child: Child, values: list[Any], siblings: list[Any]) -> None:
    """The lists again; one that has nothing to say is left out."""
    for key, each in ((child.key, values), (child.sibling, siblings)):
        if any(one is not None for one in each):
            holder[key] = each
        elif key:
            holder.pop(key, None)


# ---------------------------------------------------------------- operations


def _add(frame: Frame, step: Step) -> None:
    place = _one(frame, step)
    content = place.content
    if content is None:  # a primitive without extensions yet
        content = ("Element", _beside(place))
    kind, holder = content
    element = _element(kind, step.name, step)
    child, value, sibling = _valued(kind, element, step.value or {}, step)
    if element.many:
        _into(holder, child, len(_lists(holder, child)[0]), value, sibling)
        return
    if _children(Place((kind, holder, None)), element.name):
        raise step.refuse("the element is there already, and does not repeat: replace it.")
    _set(holder, child, value, sibling)


def _beside(place: Place) -> dict[str, Any]:
    """An empty object beside a primitive, for its extensions."""
    made: dict[str, Any] = {}
    assert place.holder is not None
    assert place.child is not None
    if place.index is None:
        place.holder[place.child.sibling] = made
    else:
        values, siblings = _lists(place.holder, place.child)
        siblings[place.index] = made
        _keep(place.holder, place.child, values, siblings)
    return made


def _listed(frame: Frame, step: Step) -> tuple[str, dict[str, Any], Element]:
    """The list a path names: the type and the object it stands in, and its element."""
    node = step.path
    if not isinstance(node, Member):
        raise step.refuse("its path ends with the name of an element that repeats.")
    place = _one(frame, step, This() if node.of is None else node.of)
    content = place.content
    if content is None:
        raise step.refuse("its path leads to nothing.")
    kind, holder = content
    element = _element(kind, node.name, step)
    if not element.many:
        raise step.refuse("the element of its path does not repeat.")
    return kind, holder, element


def _insert(frame: Frame, step: Step) -> None:
    kind, holder, element = _listed(frame, step)
    child, value, sibling = _valued(kind, element, step.value or {}, step)
    if step.numbers[0] > len(_lists(holder, child)[0]):
        raise step.refuse("its index is beyond the end of the list.")
    _into(holder, child, step.numbers[0], value, sibling)


def _delete(frame: Frame, step: Step) -> None:
    if places(frame, step):  # what is not there is deleted already
        _take(_one(frame, step), step)


def _take(place: Place, step: Step) -> None:
    """Remove what stands at a place."""
    if place.holder is None or place.child is None:
        raise step.refuse("the whole resource is not removed by a patch.")
    if place.index is None:
        place.holder.pop(place.child.key, None)
        place.holder.pop(place.child.sibling, None)
        return
    values, siblings = _lists(place.holder, place.child)
    del values[place.index], siblings[place.index]
    _keep(place.holder, place.child, values, siblings)


def _replace(frame: Frame, step: Step) -> None:
    place = _one(frame, step)
    if place.holder is None or place.child is None:
        raise step.refuse("the whole resource is not replaced by a patch.")
    element = _element(place.of, place.name, step)
    child, value, sibling = _valued(place.of, element, step.value or {}, step)
    if place.index is None:
        if child.key != place.child.key or value is None:  # a choice of another type
            place.holder.pop(place.child.key, None)
        place.holder.pop(place.child.sibling, None)
        _set(place.holder, child, value, sibling)  # the same key keeps its place
        return
    values, siblings = _lists(place.holder, place.child)
    values[place.index], siblings[place.index] = value, sibling
    _keep(place.holder, place.child, values, siblings)


def _move(frame: Frame, step: Step) -> None:
    kind, holder, element = _listed(frame, step)
    child = model().children(kind)[element.name][0]
    values, siblings = _lists(holder, child)
    source, destination = step.numbers
    if max(source, destination) >= len(values):
        raise step.refuse("its source or destination is beyond the end of the list.")
    values.insert(destination, values.pop(source))
    siblings.insert(destination, siblings.pop(source))
    _keep(holder, child, values, siblings)


ACTS: Final = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
