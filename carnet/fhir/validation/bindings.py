# SPDX-License-Identifier: EUPL-1.2
"""Bindings: whether coded values are of the value set an element is bound to, by its strength.

The codes of R4's own required bindings are looked at with the structure, where they are listed. Here: those
of profiles, R4's extensible ones, and the required ones that are a grammar. A value set that is not known,
or of which nobody brought the codes, is said: a warning where the binding is required, never a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from carnet.fhir import ucum
from carnet.fhir.definitions import load
from carnet.fhir.fhirpath import Item, model

if TYPE_CHECKING:
    from carnet.fhir.validation.profiles import Check, Context, Found, Problem

VALUE_SET: Final = "http://hl7.org/fhir/ValueSet/"
HELD: Final = frozenset(("required", "extensible"))
NESTED: Final = frozenset(("Resource", "xhtml"))


def absent(url: str) -> str:
    """What is said of a value set nobody brought, whoever asks."""
    return f"The value set {url} is not known here."


# ---------------------------------------------------------------- value sets that are a grammar

# Beside media types, the short names of FHIR's own formats: CapabilityStatement.format, TestScript.
SHORT: Final = frozenset(("xml", "json", "ttl", "none"))
TYPES: Final = (
    VALUE_SET + "defined-types"
)  # a type of FHIRPath, or of a model, is of none of its systems

MIME: Final = re.compile(
    r"[A-Za-z0-9][\w.+!#$&^-]*/[A-Za-z0-9*][\w.+!#$&^-]*(?:\s*;.*)?", re.DOTALL
)
CURRENCY: Final = re.compile("[A-Z]{3}")
LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*|[xi](?:-[A-Za-z0-9]{1,8})+")


def _unit(code: str) -> bool:
    try:
        ucum.parse(code)
    except ValueError:
        return False
    return True


GRAMMARS: Final[dict[str, Callable[[str], bool]]] = {
    VALUE_SET + "mimetypes": lambda code: code in SHORT or MIME.fullmatch(code) is not None,
    VALUE_SET + "currencies": lambda code: CURRENCY.fullmatch(code) is not None,
    VALUE_SET + "all-languages": lambda code: LANGUAGE.fullmatch(code) is not None,
    VALUE_SET + "ucum-units": _unit,
}


def _codes(item: Item) -> list[str]:
    kind, value, _ = item
    if type(value) is str:
        return [value]
    codings = value.get("coding", ()) if kind == "CodeableConcept" else (value,)
    return [each["code"] for each in codings if "code" in each]


# ---------------------------------------------------------------- one binding


@cache
def bound_to(value_set: str, strength: str, rule: str) -> Check:
    """The check of an item by a binding; nothing is held against what has no code."""
    url = value_set.partition("|")[0]
    required = strength == "required"
    text = f"This element is bound to codes of {url} ({strength})."
    wrong: list[Problem] = [("", "error" if required else "warning", "code-invalid", text, rule)]
    softer = "warning" if required else "information"
    unknown: list[Problem] = [
        ("", softer, "not-found", f"{absent(url)} The code was not held against it.", rule)
    ]
    text = f"Whether this code is in the value set {url} cannot be told here."
    untold: list[Problem] = [("", softer, "incomplete", text, rule)]
    grammar = GRAMMARS.get(url)

    def check(item: Item, context: Context) -> Found:
        kind, value, _ = item
        if type(value) is not str and type(value) is not dict:
            return None
        if kind == "Reference":
            return None
        if type(value) is dict and not _codes(item):  # a text alone is no code of any value set
            return wrong if required and kind == "CodeableConcept" else None
        if grammar is not None:
            return None if any(map(grammar, _codes(item))) else wrong
        told = context.terminology.member(value_set, item)
        if told is not None:
            return None if told else wrong
        return unknown if _missing(context, url) else untold

    return check


def _missing(context: Context, url: str) -> bool:
    """Whether a value set is known to nobody; a terminology that cannot say so has it."""
    ask = getattr(context.terminology, "missing", None)
    return ask is not None and bool(ask(url))


# ---------------------------------------------------------------- those of R4

Step = tuple[str, "Check | None", bool, str]  # type, check, whether to go into it, path


def check(resource: dict[str, Any], context: Context) -> list[Problem]:
    """What R4's own bindings say of a resource, but for those of resources that stand in it."""
    found: list[Problem] = []
    _walk(resource["resourceType"], resource, context, found, "")
    return found


def _walk(
    kind: str, value: dict[str, Any], context: Context, found: list[Problem], tail: str
) -> None:
    steps = _steps(kind)
    for key, inner in value.items():
        step = steps.get(key)
        if step is None:
            continue
        name, rule, into, more = step
        many = type(inner) is list
        for at, one in enumerate(inner if many else (inner,)):
            if one is None:
                continue
            here = f"{tail}{more}[{at}]" if many else tail + more
            if rule is not None:
                problems = rule((name, one, None), context)
                if problems is not None:
                    found += [(here + rest, *told) for rest, *told in problems]  # type: ignore[misc]
            if into:
                _walk(name, one, context, found, here)


@cache
def _steps(kind: str) -> dict[str, Step]:
    steps: dict[str, Step] = {}
    shape = load().shapes.get(kind)
    for element in shape.elements if shape else ():
        binding = element.binding
        rule: Check | None = None
        if binding is not None and _told_here(binding.value_set, binding.strength):
            rule = bound_to(binding.value_set, binding.strength, f"{kind}.{element.name}")
        for child in model().children(kind)[element.name]:
            into = not child.primitive and child.kind not in NESTED and _bound(child.kind)
            if (rule is not None and child.kind not in NESTED) or into:
                tail = f".{element.name}" + (f".ofType({child.kind})" if element.choice else "")
                steps[child.key] = (child.kind, rule, into, tail)
    return steps


def _told_here(url: str, strength: str) -> bool:
    """Whether a binding of R4 is looked at here: what is listed and required is with the structure."""
    return (
        strength in HELD
        and url != TYPES
        and not (strength == "required" and url in load().value_sets)
    )


@cache
def _bound(kind: str) -> bool:
    """Whether some binding stands at or below a type."""
    seen: set[str] = set()
    queue = [kind]
    while queue:
        name = queue.pop()
        if name in seen or name in NESTED or name not in load().shapes:
            continue
        seen.add(name)
        for element in load().shapes[name].elements:
            if element.binding and _told_here(element.binding.value_set, element.binding.strength):
                return True
            for child in model().children(name)[element.name]:
                if not child.primitive and child.kind != "Extension":
                    queue.append(child.kind)
    return False
