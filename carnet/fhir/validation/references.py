# SPDX-License-Identifier: EUPL-1.2
"""What references of R4's own elements point to, where it is at hand; and the ids of what is contained.

The type a literal reference names is looked at with the structure. Here: what is contained, and the entries
of the same Bundle, which may turn out to be of another type than the element, or the reference itself, says.

Source: FHIR R4, References, 2.3.0; Bundle, 3.7.5.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from carnet.fhir.definitions import load
from carnet.fhir.fhirpath import model
from carnet.fhir.fhirpath.functions.fhir import target_of

if TYPE_CHECKING:
    from carnet.fhir.validation.profiles import Context, Problem

NESTED: Final = frozenset(("Resource", "xhtml"))
OTHER: Final = "What this refers to is of another type than the element takes, or than is said."
NO_ID: Final = "What is contained has an id: nothing else could refer to it."
SAME_ID: Final = "Each resource that is contained has an id of its own."


def check(resource: dict[str, Any], context: Context) -> list[Problem]:
    """References of a resource to something of the wrong type, and what is contained without its id."""
    found: list[Problem] = []
    seen: set[str] = set()
    for at, one in enumerate(resource.get("contained", ())):
        id = one.get("id")
        if id is None:
            found.append((f".contained[{at}].id", "error", "required", NO_ID, "dom-contained-id"))
        elif id in seen:
            found.append((f".contained[{at}].id", "error", "invalid", SAME_ID, "dom-contained-id"))
        seen.add(id)
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
        name, targets, more = step
        many = type(inner) is list
        for at, one in enumerate(inner if many else (inner,)):
            here = f"{tail}{more}[{at}]" if many else tail + more
            if name == "Reference":
                _referred(one, targets, context, found, here)
            else:
                _walk(name, one, context, found, here)


def _referred(
    value: dict[str, Any],
    targets: frozenset[str],
    context: Context,
    found: list[Problem],
    here: str,
) -> None:
    said, reference = value.get("type"), value.get("reference", "")
    if said is None and reference[:1] != "#" and context.frame.resolver is None:
        return  # nothing of it is at hand
    target = target_of(("Reference", value, None), context.frame)
    if target is None:
        return
    kind, literal = target[0], reference.rpartition("/")[0].rpartition("/")[2]
    wrong = bool(target[1]) and literal in load().types and literal != kind
    if type(said) is str and said in load().types and said != kind:
        wrong = True
    if wrong or (targets and target[1] and kind not in targets):
        found.append((f"{here}.reference", "error", "structure", OTHER, "Reference"))


@cache
def _steps(kind: str) -> dict[str, tuple[str, frozenset[str], str]]:
    """Where references stand below a type, by the keys of its JSON, and what they may point to."""
    steps: dict[str, tuple[str, frozenset[str], str]] = {}
    shape = load().shapes.get(kind)
    for element in shape.elements if shape else ():
        by_kind = {t.code: frozenset(t.targets) for t in element.types}
        for child in model().children(kind)[element.name]:
            if child.primitive or child.kind in NESTED:
                continue
            if child.kind == "Reference" or _referring(child.kind):
                tail = f".{element.name}" + (f".ofType({child.kind})" if element.choice else "")
                steps[child.key] = (child.kind, by_kind.get("Reference", frozenset()), tail)
    return steps


@cache
def _referring(kind: str) -> bool:
    """Whether some reference stands at or below a type."""
    seen: set[str] = set()
    queue = [kind]
    while queue:
        name = queue.pop()
        if name in seen or name in NESTED or name not in load().shapes:
            continue
        seen.add(name)
        for element in load().shapes[name].elements:
            for child in model().children(name)[element.name]:
                if child.kind == "Reference":
                    return True
                if not child.primitive and child.kind != "Extension":
                    queue.append(child.kind)
    return False
