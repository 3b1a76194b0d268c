# SPDX-License-Identifier: EUPL-1.2
"""The invariants of R4's own types, each held to every place where its type stands.

A rule is kept when its expression is true; what is false, empty, or cannot be evaluated breaks it.
A few expressions of R4 say other than the sentence beside them: they stand corrected in
`corrections.toml`, each with the reason.
"""

import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from carnet import errors
from carnet.fhir.definitions import Element, Invariant, load
from carnet.fhir.fhirpath import Frame, Item, Run, model, read, truth
from carnet.fhir.fhirpath.compiler import Compiler
from carnet.fhir.validation import contained

# Rest of the path, severity, issue code, sentence, key of the rule.
Problem = tuple[str, str, str, str, str]
Problems = list[Problem]
Walk = Callable[[Any, Any, Frame, Problems, str], None]

MAX_ISSUES: Final = 200
NESTED: Final = frozenset(("Resource", "xhtml"))
# In Python, for what they cost where much is contained.
WRITTEN: Final[dict[str, Run]] = {"dom-3": contained.referred, "ref-1": contained.there}
NARRATIVE: Final = frozenset(("txt-1", "txt-2"))  # told with the structure


@cache
def corrections() -> dict[str, dict[str, dict[str, Any]]]:
    """Of invariants, by key, the expression to use, or none; of extensions, where they may stand."""
    text = (files(__package__) / "corrections.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def compiled(expression: str) -> Run:
    """A rule's function; R4's rules use `as` as search parameters do."""
    return Compiler(search=True).compile(read(expression))


def broken(rule: Run, item: Item, frame: Frame) -> bool:
    """Whether a rule does not hold of an item."""
    focus = [item]
    frame.context = focus
    try:
        return truth(rule(focus, frame)) is not True
    except errors.CarnetError:
        return True


def sentence(key: str, human: str) -> str:
    """What people read of a broken rule."""
    return f"{key}: {human}" if human else f"{key}: this rule of the type does not hold."


def check(resource: dict[str, Any], frame: Frame) -> Problems:
    """The rules that a resource breaks, but for those of resources that stand in it."""
    found: Problems = []
    kind = resource["resourceType"]
    item = (kind, resource, None)
    for rule in _rules(load().shapes[kind].invariants):
        _held(rule, item, "", frame, found)
    _walk(kind, resource, frame, found, "")
    return found


Rule = tuple[Run, str, str, str]  # function, severity, sentence, key


def _rules(invariants: tuple[Invariant, ...]) -> tuple[Rule, ...]:
    return _compiled_rules(invariants)


@cache
def _compiled_rules(invariants: tuple[Invariant, ...]) -> tuple[Rule, ...]:
    made = []
    for invariant in invariants:
        if invariant.key in NARRATIVE:
            continue
        correction = corrections()["invariants"].get(invariant.key)
        expression = invariant.expression
        if correction is not None:
            expression = correction.get("expression", "")
        if expression:
            text = sentence(invariant.key, invariant.human)
            run = WRITTEN.get(invariant.key) or compiled(expression)
            made.append((run, invariant.severity, text, invariant.key))
    return tuple(made)


def _held(rule: Rule, item: Item, tail: str, frame: Frame, found: Problems) -> None:
    run, severity, text, key = rule
    most = (
        2 * MAX_ISSUES if severity == "error" else MAX_ISSUES
    )  # no warning takes an error's place
    if len(found) < most and broken(run, item, frame):
        found.append((tail, severity, "invariant", text, key))


# ---------------------------------------------------------------- down the tree

# For a key of JSON: type of the item, rules, whether to go into it, what it adds to the path.
Step = tuple[str, tuple[Rule, ...], bool, str, bool]


@cache
def _steps(kind: str) -> dict[str, Step]:
    """Where rules stand below a type, by the keys of its JSON."""
    steps: dict[str, Step] = {}
    shape = load().shapes.get(kind)
    for element in shape.elements if shape else ():
        for child in model().children(kind)[element.name]:
            if child.kind in NESTED and not element.invariants:
                continue
            rules = _rules(_all(element, child.kind))
            into = not child.primitive and child.kind != "Resource" and _ruled(child.kind)
            if rules or into:
                tail = f".{element.name}" + (f".ofType({child.kind})" if element.choice else "")
                steps[child.key] = (child.kind, rules, into, tail, child.primitive)
                if child.primitive and rules:
                    steps[child.sibling] = (child.kind, rules, False, tail, True)
    return steps


def _all(element: Element, kind: str) -> tuple[Invariant, ...]:
    """The rules of an element and those of its type."""
    shape = load().shapes.get(kind)
    inner = shape.invariants if shape is not None and kind != "Resource" else ()
    keys = {i.key for i in element.invariants}
    return (*element.invariants, *(i for i in inner if i.key not in keys))


@cache
def _ruled(kind: str) -> bool:
    """Whether some rule stands at or below a type."""
    seen: set[str] = set()
    queue = [kind]
    while queue:
        name = queue.pop()
        if name in seen or name in NESTED:
            continue
        seen.add(name)
        for element in load().shapes[name].elements:
            if element.invariants:
                return True
            for child in model().children(name)[element.name]:
                shape = load().shapes.get(child.kind)
                if shape is not None and shape.invariants and child.kind != "Resource":
                    return True
                if not child.primitive and child.kind != "Extension":
                    queue.append(child.kind)
    return False


def _walk(kind: str, value: dict[str, Any], frame: Frame, found: Problems, tail: str) -> None:
    steps = _steps(kind)
    for key, inner in value.items():
        step = steps.get(key)
        if step is None:
            continue
        name, rules, into, more, primitive = step
        if primitive:
            _primitive(value, key, name, rules, frame, found, tail + more)
        elif type(inner) is list:
            for at, one in enumerate(inner):
                here = f"{tail}{more}[{at}]"
                for rule in rules:
                    _held(rule, (name, one, None), here, frame, found)
                if into:
                    _walk(name, one, frame, found, here)
        else:
            for rule in rules:
                _held(rule, (name, inner, None), tail + more, frame, found)
            if into:
                _walk(name, inner, frame, found, tail + more)


def _primitive(
    value: dict[str, Any],
    key: str,
    name: str,
    rules: tuple[Rule, ...],
    frame: Frame,
    found: Problems,
    tail: str,
) -> None:
    if key[0] == "_":
        if key[1:] in value:
            return  # told with its value
        values: Any = None
        siblings: Any = value[key]
    else:
        values, siblings = value[key], value.get("_" + key)
    if type(values) is list or type(siblings) is list:
        many = max(len(values or ()), len(siblings or ()))
        for at in range(many):
            one = values[at] if values and at < len(values) else None
            beside = siblings[at] if siblings and at < len(siblings) else None
            for rule in rules:
                _held(rule, (name, one, beside), f"{tail}[{at}]", frame, found)
    else:
        for rule in rules:
            _held(rule, (name, values, siblings), tail, frame, found)
