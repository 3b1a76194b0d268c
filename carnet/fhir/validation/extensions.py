# SPDX-License-Identifier: EUPL-1.2
"""Extensions wherever they stand: known or not, in a place they may be, and as they are defined.

Only walked when a resource has extensions at all.

Source: FHIR R4, Extensibility, and StructureDefinition.context.
"""

from collections.abc import Iterator
from typing import Any, Final

from carnet.fhir.fhirpath import model
from carnet.fhir.validation.invariants import corrections
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.profiles import Context, Problem
from carnet.fhir.validation.snapshots import STRUCTURE

KEYS: Final = ("extension", "modifierExtension")
Told = tuple[Problem, str]  # and the address of the extension whose rule it is
Place = tuple[str, tuple[str, ...], str, dict[str, Any], str]  # tail, elements, type, value, key


def places(kind: str, value: dict[str, Any], tail: str, names: tuple[str, ...]) -> Iterator[Place]:
    """Every object below a value that has extensions, with what it may be called in a context."""
    for key in KEYS:
        if key in value:
            yield tail, names, kind, value, key
    keys = model().keys(kind)
    for key, inner in value.items():
        child = keys.get(key)
        if child is None or child.kind == "Resource":
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
                )
        elif type(inner) is list:
            for at, one in enumerate(inner):
                if type(one) is dict:
                    yield from places(child.kind, one, f"{tail}{more}[{at}]", below)


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
    for tail, names, holder, value, key in places(kind, resource, "", (kind,)):
        for at, one in enumerate(value[key]):
            if type(one) is not dict or type(one.get("url")) is not str:
                continue
            if holder == "Extension" and ":" not in one["url"]:
                continue  # parts of an extension are told by the extension itself
            here = f"{tail}.{key}[{at}]"
            found += _checked(packages, one, names, holder, key, here, context)
    return found


def _checked(
    packages: Packages,
    one: dict[str, Any],
    names: tuple[str, ...],
    holder: str,
    key: str,
    here: str,
    context: Context,
) -> list[Told]:
    url = one["url"]
    structure = packages.structure(url)
    if structure is None or structure.get("type") != "Extension":
        if key == "modifierExtension":
            return [((here, "warning", "extension", MODIFIER_UNKNOWN, "modifierExtension"), "")]
        if url.startswith(STRUCTURE):
            return [((here, "warning", "extension", UNKNOWN_HL7, "extension"), "")]
        return [((here, "information", "extension", UNKNOWN, "extension"), "")]
    found: list[Told] = []
    modifier = _is_modifier(structure)
    if modifier != (key == "modifierExtension"):
        text = MODIFIER if modifier else NO_MODIFIER
        found.append(((here, "error", "extension", text, "Extension"), url))
    if not _may_stand(structure, names, holder):
        found.append(((here, "error", "extension", CONTEXT, "Extension"), url))
    problems = context.profiles.conforms(url, ("Extension", one, None), context)
    for rest, *more in problems or ():
        found.append(((here + rest, *more), url))  # type: ignore[arg-type]
    return found


UNKNOWN: Final = "The extension is not one that is known here."
UNKNOWN_HL7: Final = "No extension of FHIR R4 has this address."
MODIFIER_UNKNOWN: Final = "The extension changes the meaning of what has it, and is not known here."
MODIFIER: Final = "The extension changes the meaning: it stands in modifierExtension."
NO_MODIFIER: Final = "The extension does not change the meaning: it stands in extension."
CONTEXT: Final = "The extension may not stand here: its definition says where."


def _is_modifier(structure: dict[str, Any]) -> bool:
    for holder in ("differential", "snapshot"):
        for element in structure.get(holder, {}).get("element", ()):
            if element["path"] == "Extension" and "isModifier" in element:
                return bool(element["isModifier"])
    return False


def _may_stand(structure: dict[str, Any], names: tuple[str, ...], holder: str) -> bool:
    contexts = structure.get("context", ())
    if not contexts:
        return True
    known = model()
    more = corrections()["contexts"].get(structure["url"], {}).get("elements", ())
    expressions = [*more]
    for one in contexts:
        if one["type"] != "element":
            return True  # a FHIRPath place, or another extension: told by who holds it
        expressions.append(one["expression"])
    for expression in expressions:
        if expression in names or (
            expression in {"Element", "Resource"}
            and (expression == "Element" or known.is_a(holder, "Resource"))
        ):
            return True
        if known.is_a(holder, expression):
            return True
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
