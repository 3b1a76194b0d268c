# SPDX-License-Identifier: EUPL-1.2
"""Extensions wherever they stand: known or not, in a place they may be, and as they are defined.

Only walked when a resource has extensions at all.

Source: FHIR R4, Extensibility, and StructureDefinition.context.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from carnet import errors
from carnet.fhir.fhirpath import Item, model, truth
from carnet.fhir.validation.invariants import compiled, corrections
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.profiles import Context, Problem
from carnet.fhir.validation.snapshots import STRUCTURE

KEYS: Final = ("extension", "modifierExtension")
Told = tuple[Problem, str]  # and the address of the extension whose rule it is
# Tail of the path, elements, type, value, key, address of the extension it is or is the value of.
Place = tuple[str, tuple[str, ...], str, dict[str, Any], str, str]


def places(
    kind: str, value: dict[str, Any], tail: str, names: tuple[str, ...], outer: str = ""
) -> Iterator[Place]:
    """Every object below a value that has extensions, with what it may be called in a context."""
    if kind == "Extension":
        outer = value.get("url", "")
    for key in KEYS:
        if key in value:
            yield tail, names, kind, value, key, outer
    outer = outer if kind == "Extension" else ""
    keys = model().keys(kind)
    for key, inner in value.items():
        child = keys.get(key)
        if child is None or child.kind == "Resource":
            continue
        if type(inner) is not dict and type(inner) is not list:
            continue
        name = child.key if key[0] == "_" else key
        chosen = name != child_name(kind, child.key)
        called = child_name(kind, child.key)
        below = tuple(f"{n}.{called}" for n in names) + (
            (f"{kind}.{called}",) if kind not in names else ()
        )
        more = f".{called}"
        if type(inner) is dict:
            if key[0] == "_" or not child.primitive:
                yield from places(
                    child.kind,
                    inner,
                    tail + more + (f".ofType({child.kind})" if chosen else ""),
                    below,
                    outer,
                )
        elif type(inner) is list:
            for at, one in enumerate(inner):
                if type(one) is dict:
                    yield from places(child.kind, one, f"{tail}{more}[{at}]", below)


@cache
def child_name(kind: str, key: str) -> str:
    """The name of the element that stands at a key: `value` at `valueQuantity`."""
    for name, ways in model().children(kind).items():
        for way in ways:
            if way.key == key:
                return name
    return key


def check(packages: Packages, kind: str, resource: dict[str, Any], context: Context) -> list[Told]:
    """What is wrong with the extensions of a resource, but for those of resources in it."""
    found: list[Told] = []
    for place in places(kind, resource, "", (kind,)):
        tail, _, holder, value, key, _ = place
        for at, one in enumerate(value[key]):
            if type(one) is not dict or type(one.get("url")) is not str:
                continue
            here = f"{tail}.{key}[{at}]"
            if ":" in one["url"]:
                found += _checked(packages, one, place, here, context)
            elif holder != "Extension":  # parts of an extension are told by the extension itself
                found.append(((f"{here}.url", "error", "value", RELATIVE, "Extension.url"), ""))
    return found


def _checked(
    packages: Packages, one: dict[str, Any], place: Place, here: str, context: Context
) -> list[Told]:
    _, names, holder, value, key, outer = place
    url = one["url"]
    structure = packages.structure(url)
    if structure is None or structure.get("type") != "Extension":
        if key == "modifierExtension":
            return [((here, "error", "extension", MODIFIER_UNKNOWN, "modifierExtension"), "")]
        if url.startswith(STRUCTURE):
            return [((here, "warning", "extension", UNKNOWN_HL7, "extension"), "")]
        return [((here, "information", "extension", UNKNOWN, "extension"), "")]
    found: list[Told] = []
    modifier = _is_modifier(structure)
    if modifier != (key == "modifierExtension"):
        text = MODIFIER if modifier else NO_MODIFIER
        found.append(((here, "error", "extension", text, "Extension"), url))
    item: Item = (holder, value, None)
    if holder[:1].islower():  # what stands beside a primitive
        item = (holder, None, value)
    if not _may_stand(structure, names, item, outer, context):
        found.append(((here, "error", "extension", CONTEXT, "Extension"), url))
    parts = _parts(structure)
    for at, part in enumerate(one.get("extension", ())):
        if parts and ":" not in part.get("url", ":") and part["url"] not in parts:
            told = (f"{here}.extension[{at}].url", "error", "value", NO_PART, "Extension.extension")
            found.append((told, url))
    problems = context.profiles.conforms(url, ("Extension", one, None), context)
    for rest, *more in problems or ():
        found.append(((here + rest, *more), url))  # type: ignore[arg-type]
    return found


RELATIVE: Final = "The address of an extension is absolute, but for a part of another."
NO_PART: Final = "The extension has no part of this name."
UNKNOWN: Final = "The extension is not one that is known here."
UNKNOWN_HL7: Final = "No extension of FHIR R4 has this address."
MODIFIER_UNKNOWN: Final = "The extension changes the meaning of what has it, and is not known here."
MODIFIER: Final = "The extension changes the meaning: it stands in modifierExtension."
NO_MODIFIER: Final = "The extension does not change the meaning: it stands in extension."
CONTEXT: Final = "The extension may not stand here: its definition says where."


def _parts(structure: dict[str, Any]) -> set[str]:
    """The addresses of the parts an extension is made of."""
    return {
        element["fixedUri"]
        for holder in ("snapshot", "differential")
        for element in structure.get(holder, {}).get("element", ())
        if element["path"] == "Extension.extension.url" and "fixedUri" in element
    }


def _is_modifier(structure: dict[str, Any]) -> bool:
    for holder in ("differential", "snapshot"):
        for element in structure.get(holder, {}).get("element", ()):
            if element["path"] == "Extension" and "isModifier" in element:
                return bool(element["isModifier"])
    return False


def _may_stand(
    structure: dict[str, Any], names: tuple[str, ...], item: Item, outer: str, context: Context
) -> bool:
    contexts = structure.get("context", ())
    more = corrections()["contexts"].get(structure["url"], {}).get("elements", ())
    places = [("element", one) for one in more]
    places += [(one["type"], one["expression"]) for one in contexts]
    if contexts and not any(
        _there(way, place, names, item, outer, context) for way, place in places
    ):
        return False
    rules = structure.get("contextInvariant", ())
    return all(_told(rule, item, context) is not False for rule in rules)


def _there(
    way: str, place: str, names: tuple[str, ...], item: Item, outer: str, context: Context
) -> bool:
    """Whether an item is the place a context names: an element, an extension, what a path finds."""
    if way == "element":
        return _element(place, names, item[0])
    if way == "extension":
        return outer == place.partition("#")[0]
    try:
        found = compiled(place)([context.frame.root], context.frame)
    except errors.CarnetError:
        return True  # what cannot be read forbids nothing
    holder = item[2] if item[1] is None else item[1]
    return any(one[1] is holder or one[2] is holder for one in found)


def _told(rule: str, item: Item, context: Context) -> bool | None:
    """What a FHIRPath rule says of what has an extension; None when nothing."""
    try:
        return truth(compiled(rule)([item], context.frame))
    except errors.CarnetError:
        return None


def _element(expression: str, names: tuple[str, ...], holder: str) -> bool:
    known = model()
    if expression == "Element" or expression in names or known.is_a(holder, expression):
        return True
    if expression in NAMED_BY_URL:
        return known.is_a(holder, "Resource") and "url" in known.children(holder)
    bare = expression.removesuffix("[x]")
    if bare in names or any(n.startswith(bare) and "[x]" in expression for n in names):
        return True
    # an element inherited: Resource.meta, DomainResource.text
    root, dot, rest = expression.partition(".")
    if dot and known.is_type(root):
        for name in names:
            first, _, after = name.partition(".")
            if after == rest.removesuffix("[x]") and known.is_a(first, root):
                return True
    return False


# What R5 calls the types that have a canonical address, and extensions made since then name.
NAMED_BY_URL: Final = frozenset(("CanonicalResource", "MetadataResource"))
