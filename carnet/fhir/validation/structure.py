# SPDX-License-Identifier: EUPL-1.2
"""Whether a resource has the structure of its type.

Each type of R4 is compiled once into functions: which elements, how many, lists or single values,
one of a choice, texts of primitives, `_name` siblings, contained resources, codes of required
bindings, types of reference targets, safe narrative. Invariants, profiles and terminology come as
passes of their own.

A check answers None for what is right, so the common case builds nothing; only a problem climbs
back, gaining its path on the way. Texts say the rule, never the value, and never a name the sender
chose.
"""

import re
from collections.abc import Callable
from difflib import get_close_matches
from threading import Lock
from typing import Any, Final

from carnet.fhir.definitions import Element, ElementType, Shape, ValueSet, load
from carnet.fhir.validation import narrative, primitives
from carnet.fhir.validation.issues import Issue as Issue

MAX_ISSUES: Final = (
    50  # then looking stops: a wholly wrong body gets no long answer, nor a slow one
)


def check(resource: dict[str, Any]) -> list[Issue]:
    """The faults of a resource, none when it has the structure of its type."""
    kind = resource.get("resourceType")
    found = _any_resource(resource, resource)
    if not found:
        return []
    root = kind if type(kind) is str and kind in load().types else "Resource"
    return [
        Issue(root + tail, code, text, rule=_element(root + tail))
        for tail, code, text in found[:MAX_ISSUES]
    ]


def _element(path: str) -> str:
    """The id of the element whose definition is broken: `Patient.name.family`, `Patient.deceased[x]`."""
    return CHOSEN.sub("[x]", PLACE.sub("", path))


PLACE: Final = re.compile(r"\[[0-9]+\]")
CHOSEN: Final = re.compile(r"\.ofType\([A-Za-z0-9]+\)")

Problem = tuple[str, str, str]  # rest of the path, issue code, sentence
Found = list[Problem] | None
Check = Callable[[Any, dict[str, Any]], Found]  # the value, and the object it stands in

OBJECT: Final[list[Problem]] = [("", "structure", "A single JSON object is expected here.")]
EMPTY_OBJECT: Final[list[Problem]] = [("", "structure", "An object is not empty: leave it out.")]
LIST: Final[list[Problem]] = [
    ("", "structure", "This element repeats: a JSON list is expected here.")
]
EMPTY_LIST: Final[list[Problem]] = [("", "structure", "A list is not empty: leave it out.")]
ABSENT: Final[list[Problem]] = [("", "structure", "This element is not used here.")]
ONLY_ID: Final[list[Problem]] = [
    ("", "invariant", "An element has a value or children, not an id alone.")
]
NULL: Final[list[Problem]] = [
    ("", "structure", "null stands only in a list, beside an entry of the list named with _.")
]
SIBLING_LENGTH: Final[list[Problem]] = [
    ("", "structure", "The list named with _ has one entry for each entry of the other.")
]
TYPE: Final[list[Problem]] = [
    ("", "structure", "resourceType is missing or not the name of a type of FHIR R4.")
]
NESTED: Final[list[Problem]] = [("", "structure", "A contained resource contains no other.")]
NO_EXTENSION_VALUE: Final[list[Problem]] = [
    ("", "invariant", "An extension has a value or extensions of its own, one or the other.")
]
NOT_LISTED: Final = "This code is not in the value set the element is bound to."
TARGET: Final[list[Problem]] = [
    (".reference", "structure", "The element does not refer to resources of this type.")
]


# ---------------------------------------------------------------- resources


def _any_resource(value: Any, parent: dict[str, Any]) -> Found:
    return _checked(value, parent, "")


def _contained_resource(value: Any, parent: dict[str, Any]) -> Found:
    return _checked(value, parent, CONTAINED)


def _checked(value: Any, parent: dict[str, Any], contained: str) -> Found:
    if type(value) is not dict:
        return OBJECT
    kind = value.get("resourceType")
    if type(kind) is not str or kind not in load().types:
        return TYPE
    check = _known.get(kind + contained) or _compiled(kind + contained)
    return check(value, parent)


# ---------------------------------------------------------------- compiling

CONTAINED: Final = "#"  # after the name of a type: its check where it stands contained

_known: dict[str, Check] = {}  # whole checks alone, so that a thread never sees half of one
_lock: Final = Lock()


def _compiled(path: str) -> Check:
    """The check of a shape and of all it holds."""
    with _lock:
        making: dict[str, Check] = {}
        check = _make(path, making)
        _known.update(making)
        return check


def _make(path: str, making: dict[str, Check]) -> Check:
    """The check of a shape; one that holds itself finds its own check in `making`."""
    known = _known.get(path) or making.get(path)
    if known is not None:
        return known
    contained = path.endswith(CONTAINED)
    shape = load().shapes[path.removesuffix(CONTAINED)]
    checks: dict[str, Check] = {}
    tails: dict[str, str] = {}
    choices: dict[str, tuple[str, str]] = {}
    check = _object(shape, checks, tails, choices)
    if path == "Extension":
        check = _extension(check)
    making[path] = check
    if shape.kind == "resource":
        checks["resourceType"] = _nothing_wrong
    for element in shape.elements:
        for kind in element.types or (None,):
            key, tail = _key(element, kind)
            tails[key] = tail
            primitive = kind is not None and kind.code.removeprefix("System.") in primitives.CHECKS
            nested = contained and key == "contained"
            item = _never_nested if nested else _item(element, kind, making)
            checks[key] = _repeated(item, key) if element.many else item
            if kind is not None and primitive and not kind.code.startswith("System."):
                sibling = _make("Element", making) if element.max != 0 else _never
                checks["_" + key] = _siblings(sibling, key) if element.many else sibling
                tails["_" + key] = tail
            if element.choice:
                choices[key] = choices["_" + key] = (key, element.name)
    return check


def _key(element: Element, kind: ElementType | None) -> tuple[str, str]:
    """The JSON key of an element for one of its types, and what it adds to a path."""
    if not element.choice or kind is None:
        return element.name, f".{element.name}"
    code = kind.code
    return element.name + code[0].upper() + code[1:], f".{element.name}.ofType({code})"


def _object(
    shape: Shape,
    checks: dict[str, Check],
    tails: dict[str, str],
    choices: dict[str, tuple[str, str]],
) -> Check:
    """The check of the objects of a shape; the tables are filled after it is made."""
    # A resource may be an id alone, and so may what stands beside a primitive that has its value.
    id_alone = shape.kind == "resource" or shape.path == "Element"
    required = [e for e in shape.elements if e.min > 0]
    needed = frozenset(e.name for e in required if not e.choice)
    needed_choices = frozenset(e.name for e in required if e.choice)

    def check(value: Any, parent: dict[str, Any]) -> Found:
        if type(value) is not dict:
            return OBJECT
        if not value:
            return EMPTY_OBJECT
        found: Found = None
        for key, inner in value.items():
            rule = checks.get(key)
            if rule is None:
                problems: Found = [("", "structure", _unknown(key, checks))]
                tail = ""
            else:
                problems = rule(inner, value)
                tail = tails.get(key, "")
            if problems is not None:
                found = found or []
                found += [(tail + rest, code, text) for rest, code, text in problems]
                if len(found) >= MAX_ISSUES:
                    return found
        if not needed <= value.keys():
            found = found or []
            found += [
                ("." + name, "required", "This element is required.")
                for name in sorted(needed - value.keys())
                if "_" + name not in value or "_" + name not in checks
            ]
        if choices:
            chosen = {choices[key] for key in value if key in choices}
            names = [name for _, name in chosen]
            for name in needed_choices.difference(names):
                found = found or []
                found.append(("." + name, "required", "This element is required, in one type."))
            if len(names) > 1:
                for name in {n for n in names if names.count(n) > 1}:
                    found = found or []
                    found.append(("." + name, "structure", "This element has one type at a time."))
        if len(value) == 1 and "id" in value and not id_alone:
            found = (found or []) + ONLY_ID
        return found or None

    return check


def _unknown(key: str, checks: dict[str, Check]) -> str:
    """The sentence for an element that is not there; it may name one that is, never the key."""
    near = get_close_matches(key[:64], checks, n=1, cutoff=0.75)
    hint = f" Is {near[0]} meant?" if near else ""
    return f"An element here is not one that FHIR R4 defines.{hint}"


def _extension(check: Check) -> Check:
    """ext-1, which every extension is held to."""

    def either(value: Any, parent: dict[str, Any]) -> Found:
        found = check(value, parent)
        if type(value) is dict and value:
            valued = any(key.startswith(("value", "_value")) for key in value)
            if valued == ("extension" in value):
                found = (found or []) + NO_EXTENSION_VALUE
        return found

    return either


def _nothing_wrong(value: Any, parent: dict[str, Any]) -> Found:
    return None


def _never(value: Any, parent: dict[str, Any]) -> Found:
    return ABSENT


def _never_nested(value: Any, parent: dict[str, Any]) -> Found:
    return NESTED


# ---------------------------------------------------------------- lists


def _repeated(item: Check, key: str) -> Check:
    """The check of an element that is written as a list; R4's types set no list an upper limit."""
    sibling = "_" + key

    def check(value: Any, parent: dict[str, Any]) -> Found:
        if type(value) is not list:
            return LIST
        if not value:
            return EMPTY_LIST
        found: Found = None
        for at, one in enumerate(value):
            if one is None and _beside(parent.get(sibling), at):
                continue
            problems = NULL if one is None else item(one, parent)
            if problems is not None:
                found = found or []
                found += [(f"[{at}]{rest}", code, text) for rest, code, text in problems]
                if len(found) >= MAX_ISSUES:
                    break
        return found

    return check


def _siblings(item: Check, key: str) -> Check:
    """The check of the list of ids and extensions that stands beside a list of primitives."""

    def check(value: Any, parent: dict[str, Any]) -> Found:
        if type(value) is not list:
            return LIST
        if not value:
            return EMPTY_LIST
        values = parent.get(key)
        found: Found = None
        if type(values) is list and len(values) != len(value):
            found = list(SIBLING_LENGTH)
        for at, one in enumerate(value):
            if one is None and values is not None:  # a pair of nulls is told by the other list
                continue
            problems = NULL if one is None else item(one, parent)
            if problems is not None:
                found = found or []
                found += [(f"[{at}]{rest}", code, text) for rest, code, text in problems]
                if len(found) >= MAX_ISSUES:
                    break
        return found

    return check


def _beside(other: Any, at: int) -> bool:
    """Whether the other list of a pair has something at this place."""
    return type(other) is list and at < len(other) and other[at] is not None


# ---------------------------------------------------------------- single values


def _item(element: Element, kind: ElementType | None, making: dict[str, Check]) -> Check:
    """The check of one value of an element, in one of its types."""
    if element.max == 0:
        return _never
    if kind is None or element.children:
        return _make(element.children or "Element", making)
    code = kind.code.removeprefix("System.")
    if code == "Resource":
        return _contained_resource if element.name == "contained" else _any_resource
    if code == "xhtml":
        return _text(narrative.check)
    codes = _codes(element)
    if code in primitives.CHECKS:
        plain = primitives.CHECKS[code]
        return _bound_code(plain, codes) if codes else _text(plain)
    check = _make(kind.profile or code, making)
    if code == "Reference":
        return _aimed(check, frozenset(kind.targets or load().types))
    if codes and code == "Coding":
        return _bound_coding(check, codes)
    if codes and code == "CodeableConcept":
        return _bound_concept(check, codes)
    return check


def _text(check: primitives.Check) -> Check:
    def whole(value: Any, parent: dict[str, Any]) -> Found:
        rule = check(value)
        return None if rule is None else [("", "value", rule)]

    return whole


def _codes(element: Element) -> ValueSet | None:
    """The codes an element must take its value from, where they are listed."""
    binding = element.binding
    if binding is None or binding.strength != "required":
        return None
    return load().value_sets.get(binding.value_set)


def _bound_code(check: primitives.Check, value_set: ValueSet) -> Check:
    codes = frozenset(code for listed in value_set.systems.values() for code in listed)

    def bound(value: Any, parent: dict[str, Any]) -> Found:
        if type(value) is str and value in codes:
            return None
        rule = check(value)
        return [("", "value", rule)] if rule is not None else [("", "code-invalid", NOT_LISTED)]

    return bound


def _pairs(value_set: ValueSet) -> frozenset[tuple[str, str]]:
    return frozenset((s, code) for s, listed in value_set.systems.items() for code in listed)


def _bound_coding(check: Check, value_set: ValueSet) -> Check:
    pairs = _pairs(value_set)

    def bound(value: Any, parent: dict[str, Any]) -> Found:
        found = check(value, parent)
        if found is None and (value.get("system"), value.get("code")) not in pairs:
            return [("", "code-invalid", NOT_LISTED)]
        return found

    return bound


def _bound_concept(check: Check, value_set: ValueSet) -> Check:
    """One coding of the concept must be listed; others may translate it."""
    pairs = _pairs(value_set)

    def bound(value: Any, parent: dict[str, Any]) -> Found:
        found = check(value, parent)
        if found is None and not any(
            (coding.get("system"), coding.get("code")) in pairs
            for coding in value.get("coding", ())
        ):
            return [("", "code-invalid", NOT_LISTED)]
        return found

    return bound


# A literal relative reference. Absolute ones may point to servers that know other types.
RELATIVE: Final = re.compile(r"([A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")


def _aimed(check: Check, targets: frozenset[str]) -> Check:
    """A Reference whose literal target must be of one of some types."""

    def aimed(value: Any, parent: dict[str, Any]) -> Found:
        found = check(value, parent)
        if found is None and (reference := value.get("reference")) is not None:
            literal = RELATIVE.match(reference)
            if literal is not None and literal[1] not in targets:
                return TARGET
        return found

    return aimed
