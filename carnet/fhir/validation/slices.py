# SPDX-License-Identifier: EUPL-1.2
"""Whose slice an item is: discriminators compiled into functions of an item.

A discriminator is a path into the item and what is looked at there: its value or pattern, whether it
is there, its type, the profile it conforms to. An item is of a slice when all agree.

Source: FHIR R4, Profiling, 5.1.0.12 (discriminators).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from carnet.fhir.definitions import load
from carnet.fhir.fhirpath import Child, Item, model
from carnet.fhir.fhirpath.compiler import gather
from carnet.fhir.fhirpath.functions.fhir import target_of
from carnet.fhir.validation.matching import contains, same
from carnet.fhir.validation.snapshots import (
    Json,
    OfR4,
    Part,
    Snapshots,
    code_of,
    profiles_of,
    value_of,
)

if TYPE_CHECKING:
    from carnet.fhir.validation.profiles import Context

# None: it hangs on a value set that is not known.
Matches = Callable[[Item, "Context"], bool | None]
Step = Callable[[list[Item], "Context"], list[Item]]


class NoPath(Exception):
    """The path of a discriminator leads to no element."""


def every(answers: Iterable[bool | None]) -> bool | None:
    """True when all are, false when one is, otherwise not known."""
    told: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            told = None
    return told


def some(answers: Iterable[bool | None]) -> bool | None:
    """True when one is, not known when one may be, otherwise false."""
    told: bool | None = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            told = None
    return told


STEP: Final = re.compile(
    r"\$this|resolve\(\)|extension\('([^']*)'\)|ofType\(([A-Za-z]+)\)|([A-Za-z]+)"
)


def collect(way: Child, parent: dict[str, Any], items: list[Item]) -> None:
    """Add the items one way of writing an element gives."""
    gather(way, parent, items)


def matcher(snapshots: Snapshots, slicing: Json, part: Part, kinds: tuple[str, ...]) -> Matches:
    """Whether an item is of a slice."""
    made = [
        _discriminator(snapshots, d["type"], d["path"], part, kinds)
        for d in slicing.get("discriminator", ())
    ]
    if not made:  # told by the slice's own content, or by nothing
        return _by_content(part)
    # A discriminator the slice says nothing of tells nothing, where another tells it.
    tests = [test for test, telling in made if telling] or [test for test, _ in made]
    if len(tests) == 1:
        return tests[0]
    return lambda item, context: every(test(item, context) for test in tests)


def _by_content(part: Part) -> Matches:
    expected = _expected(part)
    return expected if expected is not None else lambda item, context: False


def _discriminator(
    snapshots: Snapshots, kind: str, path: str, part: Part, kinds: tuple[str, ...]
) -> tuple[Matches, bool]:
    """Whether an item agrees with a slice in one place; and whether the slice says anything of it."""
    steps: list[Step] = []
    places = [_pointed(snapshots, part)]  # the elements of the slice the path ends at
    resolved = False
    for found in STEP.finditer(path):
        word, url, cast, name = found[0], found[1], found[2], found[3]
        if word == "$this":
            continue
        if word == "resolve()":
            steps.append(_resolve)
            resolved = True
        elif url is not None:
            steps.append(_extension(url))
            places = [p for place in places for p in _extensions(snapshots, place, url)]
        elif cast is not None:
            steps.append(_cast(cast))
        else:
            steps.append(_child(name))
            places = [p for place in places for p in _children(snapshots, place, name)]
            if not places and not resolved:
                raise NoPath
    test, telling = _test(snapshots, kind, path, part, places, resolved)

    def matches(item: Item, context: Context) -> bool | None:
        items = [item]
        for step in steps:
            items = step(items, context)
        return test(items, context)

    return matches, telling


def _pointed(snapshots: Snapshots, part: Part) -> Part:
    """What a slice is, where it points to an element of another profile."""
    for url in (u for t in part.types() for u in profiles_of(t)):
        whole, _, element = url.partition("#")
        root = snapshots.of(whole) if element else None
        found = snapshots.element(root, element) if root is not None else None
        if found is not None:
            return found
    return part


Test = Callable[[list[Item], "Context"], bool | None]


def _test(
    snapshots: Snapshots, kind: str, path: str, part: Part, places: list[Part], resolved: bool
) -> tuple[Test, bool]:
    absent = bool(places) and any(p.data.get("max") == "0" for p in places)
    match kind:
        case "exists":
            return (lambda items, context: bool(items) != absent), True
        case "type":
            return _type_test(snapshots, places, resolved), True
        case "profile":
            return _profile_test(places, resolved, absent)
    if path == "url" and not any(_expected(p) for p in places):
        url = _url(part)
        if url is not None:
            return (lambda items, context: any(i[1] == url for i in items)), True
    if absent:
        return (lambda items, context: not items), True
    checks = [e for e in (_expected(p) for p in places) if e is not None]
    if not checks:
        needed = any(p.data.get("min", 0) > 0 for p in places)
        return (lambda items, context: bool(items) and bool(places)), needed
    return (
        lambda items, context: some(
            every(check(item, context) for check in checks) for item in items
        )
    ), True


def _url(part: Part) -> str | None:
    """The address of the extension a slice is for."""
    for t in part.types():
        for profile in t.get("profile", ()):
            return str(profile).partition("|")[0]
    return None


def _type_test(snapshots: Snapshots, places: list[Part], resolved: bool) -> Test:
    kinds: set[str] = set()
    for place in places:
        for t in place.types():
            if resolved or (code_of(t) in {"Reference", "canonical"} and resolved):
                for url in t.get("targetProfile", ()):
                    kinds.add(_type_of(snapshots, url))
            else:
                kinds.add(code_of(t))
                # `resource` narrowed by a profile: the type of the profile
                if code_of(t) in {"Resource", "DomainResource"}:
                    kinds |= {_type_of(snapshots, url) for url in t.get("profile", ())}
        if not place.types() and place.name in load().types:
            kinds.add(place.name)
    kinds -= {"Resource", "DomainResource"} if len(kinds) > 1 else set()
    known = model()
    return lambda items, context: any(
        any(known.is_a(item[0], kind) for kind in kinds) for item in items
    )


def _type_of(snapshots: Snapshots, url: str) -> str:
    structure = snapshots.structures.structure(url)
    if structure is not None:
        return str(structure["type"])
    return url.rpartition("/")[2].partition("|")[0]


def _profile_test(places: list[Part], resolved: bool, absent: bool) -> tuple[Test, bool]:
    key = "targetProfile" if resolved else "profile"
    urls = [
        u
        for place in places
        for t in place.types()
        for u in (t.get(key, ()) if resolved else profiles_of(t))
    ]
    if absent:
        return (lambda items, context: not items), True

    def test(items: list[Item], context: Context) -> bool | None:
        told: bool | None = False
        for item in items:
            for url in urls:
                if not context.profiles.known(url):
                    told = None  # it may conform to a profile that nobody brought
                    continue
                problems = context.profiles.conforms(url, item, context)
                if problems is None or all(p[1] != "error" for p in problems):
                    return True
        return told

    return test, bool(urls)


# ---------------------------------------------------------------- what a slice expects somewhere


def _expected(part: Part) -> Matches | None:
    """A test of one item by the fixed values, patterns and codes at or below an element."""
    if (fixed := value_of(part.data, "fixed")) is not None:
        value = fixed[1]
        return lambda item, context: same(item[1], value)
    if (pattern := value_of(part.data, "pattern")) is not None:
        wanted = pattern[1]
        return lambda item, context: contains(item[1], wanted)
    tests: list[Matches] = []
    for inner in part.parts or ():
        step = _child(inner.name.removesuffix("[x]"))
        for one in (inner, *(s for s in inner.slices if s.data.get("min", 0) > 0)):
            found = _expected(one)
            if found is not None:
                tests.append(_somewhere(step, found))
    binding: Json = part.data.get("binding") or {}
    own = not isinstance(binding, OfR4)
    if own and binding.get("strength") == "required" and "valueSet" in binding:
        value_set = binding["valueSet"]
        tests.append(lambda item, context: context.terminology.member(value_set, item))
    if not tests:
        return None
    return lambda item, context: every(test(item, context) for test in tests)


def _somewhere(step: Step, test: Matches) -> Matches:
    return lambda item, context: some(test(one, context) for one in step([item], context))


# ---------------------------------------------------------------- steps


def _child(name: str) -> Step:
    def step(items: list[Item], context: Context) -> list[Item]:
        found: list[Item] = []
        for kind, value, sibling in items:
            holder = value
            if type(value) is not dict:
                if sibling is None:
                    continue
                holder, kind = sibling, "Element"
            for way in model().children(kind).get(name, ()):
                gather(way, holder, found)
        return found

    return step


def _cast(kind: str) -> Step:
    return lambda items, context: [i for i in items if model().is_a(i[0], kind)]


def _extension(url: str) -> Step:
    def step(items: list[Item], context: Context) -> list[Item]:
        return [
            ("Extension", one, None)
            for _, value, sibling in items
            for one in ((value if type(value) is dict else sibling) or {}).get("extension", ())
            if one.get("url") == url
        ]

    return step


def _resolve(items: list[Item], context: Context) -> list[Item]:
    return [t for i in items if (t := target_of(i, context.frame)) is not None]


def _children(snapshots: Snapshots, part: Part, name: str) -> list[Part]:
    """The children of that name; of a choice, its types too where each is said apart."""
    found = [p for p in snapshots.open(part) if p.name.removesuffix("[x]") == name]
    return [*found, *(s for p in found if p.name.endswith("[x]") for s in p.slices)]


def _extensions(snapshots: Snapshots, part: Part, url: str) -> list[Part]:
    return [
        one
        for holder in _children(snapshots, part, "extension")
        for one in _slices(holder)
        if _url(one) == url
    ]


def _slices(part: Part) -> Iterator[Part]:
    """The slices of an element, and those within them."""
    for one in part.slices:
        yield one
        yield from _slices(one)
