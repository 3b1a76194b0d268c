# SPDX-License-Identifier: EUPL-1.2
"""Snapshots: a profile whole, made of what it is based on and of how it differs from it.

A snapshot is a tree of parts. What no profile walks into stays closed: its children are those of its
type, and are only made when a differential, or a comparison, opens it.

Source: FHIR R4, Profiling, and ElementDefinition (ids, slices, reslices).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from carnet.fhir.definitions import Element, load

Json = dict[str, Any]

STRUCTURE: Final = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE: Final = "http://hl7.org/fhirpath/System."
IDENTITY: Final = frozenset(("id", "path", "sliceName"))
MOST_BASES: Final = 30  # profiles one based on another
EXTENSIONS: Final = frozenset(("extension", "modifierExtension"))
BY_URL: Final[Json] = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}


class OfR4(dict[str, Any]):
    """A binding as R4 has it: it tells no slice from another."""


class Structures(Protocol):
    """Where StructureDefinitions are found by their canonical address."""

    def structure(self, url: str) -> Json | None: ...


@dataclass(slots=True)
class Part:
    """One element of a snapshot, or one slice of it."""

    name: str  # "value[x]"
    data: Json  # an ElementDefinition without id, path and sliceName
    id: str = ""
    slice: str = ""  # its name as a slice, with that of the slice it refines: "a/b"
    shape: str = ""  # path of the shape its children come from, for parts without a type
    parts: list[Part] | None = None  # None: as its type has them
    slices: list[Part] = field(default_factory=list)

    def copy(self) -> Part:
        """Another like it, down to the leaves; what stands in `data` is shared, never changed."""
        return Part(
            self.name,
            dict(self.data),
            self.id,
            self.slice,
            self.shape,
            None if self.parts is None else [part.copy() for part in self.parts],
            [part.copy() for part in self.slices],
        )

    def types(self) -> list[Json]:
        """The types it may be of."""
        found: list[Json] = self.data.get("type", [])
        return found


ELEMENT: Final = STRUCTURE + "elementdefinition-profile-element"


def profiles_of(kind: Json) -> list[str]:
    """The profiles of a type; `address#element` where one points to an element of a profile."""
    beside = kind.get("_profile", [])
    told = []
    for at, url in enumerate(kind.get("profile", ())):
        extensions = (beside[at] or {}).get("extension", ()) if at < len(beside) else ()
        named = [e.get("valueString") for e in extensions if e.get("url") == ELEMENT]
        told.append(f"{url.partition('|')[0]}#{named[0]}" if named else url)
    return told


def value_of(data: Json, prefix: str) -> tuple[str, Any] | None:
    """The one `fixed[x]` or `pattern[x]` of an element: the name of its type, and the value."""
    for key, value in data.items():
        if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
            return key[len(prefix) :], value
    return None


class Snapshots:
    """Snapshots of the profiles that some structures define, each made once."""

    def __init__(self, structures: Structures) -> None:
        self.structures = structures
        self.known: dict[str, Part | None] = {}
        self.problems: dict[str, list[str]] = {}  # by profile: what could not be made of it

    def of(self, url: str, depth: int = 0) -> Part | None:
        """The snapshot of a profile, or of a type of R4; None when it is not known."""
        if url not in self.known:
            self.known[url] = None  # a profile based on itself has no base
            self.known[url] = self._made(url, depth)
        return self.known[url]

    def lacks(self, url: str) -> list[str]:
        """What could not be made of a profile, and of those it is based on."""
        found: list[str] = []
        url = url.partition("|")[0]
        for _ in range(MOST_BASES):
            found += self.problems.get(url, ())
            structure = self.structures.structure(url)
            if structure is None:
                break
            url = structure.get("baseDefinition", "").partition("|")[0]
        return found

    def _made(self, url: str, depth: int) -> Part | None:
        structure = self.structures.structure(url)
        if structure is None:
            kind = url.removeprefix(STRUCTURE)
            return of_type(kind) if kind in load().shapes else None
        problems = self.problems.setdefault(url, [])
        base = structure.get("baseDefinition", "")
        whole = structure.get("snapshot", {}).get("element", ())
        changes = structure.get("differential", {}).get("element", ())
        root = self.of(base.partition("|")[0], depth + 1) if depth < MOST_BASES else None
        if root is None:
            if not whole:
                problems.append(f"its base is not known here: {base}")
            changes = whole or changes
            root = of_type(structure["type"]) if structure["type"] in load().shapes else None
        if root is None:
            problems.append(f"its type is not one of R4: {structure['type']}")
            return None
        root = root.copy()
        for change in named(changes):
            part = self._find(root, change, problems)
            if part is not None:
                _merge(part, change)
        return root

    def _find(self, root: Part, change: Json, problems: list[str]) -> Part | None:
        part = root
        name = change.get("id") or change["path"]
        if "sliceName" in change and ":" not in name.rpartition(".")[2]:
            name += ":" + change["sliceName"]
        for segment in name.split(".")[1:]:
            bare, _, slice = segment.partition(":")
            inner = self._child(part, bare, slice)
            if inner is None:
                problems.append(f"it has no such element: {name}")
                return None
            part = inner
        return part

    def _child(self, parent: Part, name: str, slice: str) -> Part | None:
        parts = self.open(parent)
        found = next((p for p in parts if p.name == name), None)
        if found is None:
            # `valueQuantity`, the short way of saying value[x]:valueQuantity
            for part in parts:
                stem = part.name.removesuffix("[x]")
                code = _type_named(part, name) if name.startswith(stem) else None
                if part.name != stem and code is not None:
                    if not slice:  # the short way allows no other type
                        part.data["type"] = [t for t in part.types() if code_of(t) == code]
                    return _slice(part, slice or name)
            return None
        if not slice:
            return found
        holder = found
        steps = slice.split("/")
        for at in range(len(steps)):
            holder = _slice(holder, "/".join(steps[: at + 1]))
        return holder

    def element(self, root: Part, id: str) -> Part | None:
        """An element of a profile, or a slice of one, by its id."""
        part = root
        for name in id.split(".")[1:]:
            bare, _, cut = name.partition(":")
            found = next((p for p in self.open(part) if p.name == bare), None)
            if found is not None and cut:
                found = next((one for one in found.slices if one.slice == cut), None)
            if found is None:
                return None
            part = found
        return part

    def open(self, part: Part) -> list[Part]:
        """The children of a part, made now if they were not."""
        if part.parts is None:
            part.parts = self._children(part)
        return part.parts

    def _children(self, part: Part) -> list[Part]:
        if "contentReference" in part.data:
            return children_of(part.data["contentReference"].rpartition("#")[2])
        if part.shape:
            return children_of(part.shape)
        types = part.types()
        if len(types) != 1:
            return children_of("Element")
        profiles = types[0].get("profile", ())
        if len(profiles) == 1:
            snapshot = self.of(profiles[0].partition("|")[0])
            if snapshot is not None:
                return [p.copy() for p in self.open(snapshot)]
        return children_of(code_of(types[0]))


def code_of(t: Json) -> str:
    """The name of a type; those of FHIRPath by the type of FHIR they stand for."""
    code: str = t.get("code", "Element")
    if code.startswith(SYSTEM_TYPE):
        return {"String": "string"}.get(code.removeprefix(SYSTEM_TYPE), "string")
    return code


def _type_named(part: Part, name: str) -> str | None:
    stem = part.name.removesuffix("[x]")
    for t in part.types():
        code = code_of(t)
        if name == stem + code[:1].upper() + code[1:]:
            return code
    return None


def _slice(holder: Part, name: str) -> Part:
    """The slice of that name, made of the element when it is new."""
    for part in holder.slices:
        if part.slice == name:
            return part
    made = holder.copy()
    made.slices = []
    made.slice = name
    made.data.pop("slicing", None)
    made.data["min"] = 0
    code = _type_named(made, name)
    if code is not None:
        made.data["type"] = [t for t in made.types() if code_of(t) == code]
        holder.data.setdefault(
            "slicing", {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}
        )
    holder.slices.append(made)
    return made


def _merge(part: Part, change: Json) -> None:
    """What a differential says of an element, over what its base says."""
    data = part.data
    part.id = change.get("id", part.id)
    for key, value in change.items():
        if key in IDENTITY:
            continue
        if key == "constraint":
            keys = {rule["key"] for rule in value}
            data[key] = [r for r in data.get(key, ()) if r["key"] not in keys] + value
        elif key == "type" and part.parts is not None:
            before = {code_of(t) for t in part.types()}
            data[key] = value
            if before.isdisjoint(code_of(t) for t in value):
                part.parts = None
        else:
            if key.startswith(("fixed", "pattern")):
                for old in [k for k in data if k.startswith(("fixed", "pattern"))]:
                    del data[old]
            data[key] = value


# ---------------------------------------------------------------- types of R4 as parts


def of_type(kind: str) -> Part:
    """The snapshot of a type of R4."""
    shape = load().shapes[kind]
    constraint = [_rule(i.key, i.severity, i.human, i.expression) for i in shape.invariants]
    return Part(kind, {"min": 0, "max": "*", "constraint": constraint}, id=kind, shape=kind)


def _rule(key: str, severity: str, human: str, expression: str) -> Json:
    return {"key": key, "severity": severity, "human": human, "expression": expression}


def children_of(path: str) -> list[Part]:
    """The elements of a type or of a nested part, as parts."""
    shape = load().shapes.get(path)
    return [] if shape is None else [_part(element, path) for element in shape.elements]


def _part(element: Element, parent: str) -> Part:
    data: Json = {"min": element.min, "max": "*" if element.max is None else str(element.max)}
    if element.types:
        data["type"] = [
            {
                "code": t.code.removeprefix("System."),
                **({"targetProfile": [STRUCTURE + n for n in t.targets]} if t.targets else {}),
                **({"profile": [STRUCTURE + t.profile]} if t.profile else {}),
            }
            for t in element.types
        ]
    if element.binding is not None:
        data["binding"] = OfR4(
            strength=element.binding.strength, valueSet=element.binding.value_set
        )
    if element.invariants:
        data["constraint"] = [
            _rule(i.key, i.severity, i.human, i.expression) for i in element.invariants
        ]
    if element.name in EXTENSIONS:
        data["slicing"] = BY_URL
    shape = element.children or ""
    name = element.name + ("[x]" if element.choice else "")
    if shape and not element.types:
        data["contentReference"] = "#" + shape
    return Part(name, data, id=f"{parent}.{name}", shape=shape)


# ---------------------------------------------------------------- differentials without ids


def named(changes: Iterable[Json]) -> Iterator[Json]:
    """The elements of a differential, each with an id: one without it is of the slice last named above it."""
    slices: dict[str, str] = {}  # path of an element: id of the slice that what follows is of
    for change in changes:
        path, slice = change["path"], change.get("sliceName")
        for known in [k for k in slices if k == path or k.startswith(path + ".")]:
            del slices[known]
        above = path
        while above not in slices and "." in above:
            above = above.rpartition(".")[0]
        id = change.get("id") or slices.get(above, above) + path[len(above) :]
        if slice is not None:
            if ":" not in id.rpartition(".")[2]:
                id += ":" + slice
            slices[path] = id
        yield change if "id" in change else {**change, "id": id}


# ---------------------------------------------------------------- as FHIR writes it


def flat(root: Part) -> Iterator[Json]:
    """The elements of a snapshot in FHIR's own form and order, as far as it was walked into."""
    yield from _flat(root, root.name, root.name)


def _flat(part: Part, id: str, path: str) -> Iterator[Json]:
    sliced = {"sliceName": part.slice} if part.slice else {}
    yield {"id": id, "path": path, **sliced, **part.data}
    for inner in part.parts or ():
        yield from _flat(inner, f"{id}.{inner.name}", f"{path}.{inner.name}")
    for one in part.slices:
        yield from _flat(one, f"{id.partition(':')[0] if part.slice else id}:{one.slice}", path)
