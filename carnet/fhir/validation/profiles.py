# SPDX-License-Identifier: EUPL-1.2
"""Profiles compiled into functions: what a snapshot asks beyond what its type already does.

The structure of the type and R4's own rules are checked elsewhere: a profile's functions look only at
the elements it narrows, so that one that adds three rules costs three rules.

Source: FHIR R4, Profiling (slicing, discriminators), ElementDefinition, Conformance rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from carnet import errors
from carnet.fhir.definitions import Element, load
from carnet.fhir.fhirpath import Child, Frame, Item, Terminology, model
from carnet.fhir.fhirpath.equality import order
from carnet.fhir.fhirpath.functions.fhir import target_of
from carnet.fhir.validation import bindings, slices
from carnet.fhir.validation.invariants import broken, compiled, sentence
from carnet.fhir.validation.matching import contains, same
from carnet.fhir.validation.snapshots import (
    STRUCTURE,
    SYSTEM_TYPE,
    Json,
    Part,
    Snapshots,
    code_of,
    profiles_of,
    value_of,
)

# Rest of the path, severity, issue code, sentence, rule.
Problem = tuple[str, str, str, str, str]
Found = list[Problem] | None
Check = Callable[[Item, "Context"], Found]


class Profiles(Protocol):
    """Who validates against a profile by its address."""

    def conforms(self, url: str, item: Item, context: Context) -> Found: ...
    def known(self, url: str) -> bool: ...


@dataclass(slots=True)
class Context:
    """One resource being validated."""

    frame: Frame
    terminology: Terminology
    profiles: Profiles
    depth: int = 0  # of profiles one inside another


MOST_PROFILES: Final = 12
MIN_LENGTH: Final = STRUCTURE + "minLength"


@dataclass(frozen=True, slots=True)
class Compiler:
    """Makes the functions of one profile."""

    snapshots: Snapshots

    def root(self, root: Part) -> Check:
        """The function of a whole profile."""
        return self._item(root, None, (root.name,)) or _fine

    def element(self, root: Part, id: str) -> Check | None:
        """The function of one element of a profile, which another profile points to."""
        part = self.snapshots.element(root, id)
        if part is None:
            return None
        kind = root.name
        for name in id.split(".")[1:]:
            ways = model().children(kind).get(name.partition(":")[0].removesuffix("[x]"))
            if not ways:
                return None
            kind = ways[0].kind
        return self._item(part, None, (kind,)) or _fine

    # ------------------------------------------------------------ one item

    def _item(self, part: Part, base: Element | None, kinds: tuple[str, ...]) -> Check | None:
        """What one item of an element must be, beyond its base; None when nothing."""
        rules: list[Check] = []
        rules += self._types(part, base)
        rule = part.id or part.name
        if (fixed := value_of(part.data, "fixed")) is not None:
            rules.append(_value(fixed[1], same, rule, "This element has a value of its own here."))
        if (pattern := value_of(part.data, "pattern")) is not None:
            rules.append(_value(pattern[1], contains, rule, "This element holds a given pattern."))
        rules += self._bounds(part, rule)
        rules += self._binding(part, base, rule)
        rules += self._constraints(part, base, kinds)
        inner = self._inside(part, kinds)
        if inner is not None:
            rules.append(inner)
        if not rules:
            return None
        if len(rules) == 1:
            return rules[0]
        return _every(tuple(rules))

    def _types(self, part: Part, base: Element | None) -> list[Check]:
        types = part.types()
        if (
            not types
            or base is None
            or any(t.get("code", "").startswith(SYSTEM_TYPE) for t in types)
        ):
            return []
        made: list[Check] = []
        codes = frozenset(code_of(t) for t in types)
        allowed = frozenset(t.code.removeprefix("System.") for t in base.types)
        if base.types and not allowed <= codes and "Element" not in codes:
            made.append(_of_types(codes, part.id))
        # Extensions are held to their definitions wherever they stand: see extensions.py.
        profiles = {
            code_of(t): tuple(profiles_of(t))
            for t in types
            if t.get("profile") and code_of(t) != "Extension"
        }
        narrowed = {code: urls for code, urls in profiles.items() if not _of_r4(urls, base)}
        if narrowed:
            made.append(_of_profiles(narrowed))
        targets = [t for t in types if code_of(t) == "Reference" and t.get("targetProfile")]
        if targets:
            urls = tuple(u for t in targets for u in t["targetProfile"])
            known = {STRUCTURE + n for t in base.types for n in t.targets}
            if not known or not known <= set(urls):
                made.append(self._targets(urls, part.id))
        ways = {way for t in types for way in t.get("aggregation", ())}
        if ways and all(t.get("aggregation") for t in types if code_of(t) == "Reference"):
            made.append(_aggregated(frozenset(ways), part.id))
        return made

    def _targets(self, urls: tuple[str, ...], rule: str) -> Check:
        """A reference's target must be of one of some types, or conform to one of some profiles."""
        kinds: dict[str, list[str]] = {}
        for url in urls:
            structure = self.snapshots.structures.structure(url)
            kind = structure["type"] if structure else url.removeprefix(STRUCTURE).partition("|")[0]
            if kind not in load().shapes:
                return _fine  # a profile nobody brought may be of any type
            kinds.setdefault(kind, []).append(url)
        return _target(kinds, rule)

    def _bounds(self, part: Part, rule: str) -> list[Check]:
        made: list[Check] = []
        if "maxLength" in part.data:
            made.append(_longest(part.data["maxLength"], rule))
        for extension in part.data.get("extension", ()):
            if extension.get("url") == MIN_LENGTH and "valueInteger" in extension:
                made.append(_shortest(extension["valueInteger"], rule))
        for prefix, sign in (("minValue", 1), ("maxValue", -1)):
            if (bound := value_of(part.data, prefix)) is not None:
                kind = bound[0][0].lower() + bound[0][1:]
                kind = kind if kind in load().shapes else bound[0]
                made.append(_bound((kind, bound[1], None), sign, rule))
        return made

    def _binding(self, part: Part, base: Element | None, rule: str) -> list[Check]:
        binding = part.data.get("binding")
        if binding is None or "valueSet" not in binding:
            return []
        own = base.binding if base is not None else None
        value_set = binding["valueSet"].partition("|")[0]
        strength = binding.get("strength") or (own.strength if own is not None else "")
        if strength not in bindings.HELD:
            return []
        if own is not None and (own.value_set, own.strength) == (value_set, strength):
            return []  # looked at with the structure, or with R4's own bindings
        return [bindings.bound_to(value_set, strength, rule)]

    def _constraints(self, part: Part, base: Element | None, kinds: tuple[str, ...]) -> list[Check]:
        known = {"ele-1", "ext-1"}
        if base is not None:
            known |= {i.key for i in base.invariants}
        for kind in kinds:
            shape = load().shapes.get(kind)
            known |= {i.key for i in shape.invariants} if shape else set()
        return [
            _constraint(rule)
            for rule in part.data.get("constraint", ())
            if rule["key"] not in known and "expression" in rule
        ]

    # ------------------------------------------------------------ children

    def _inside(self, part: Part, kinds: tuple[str, ...]) -> Check | None:
        """The children of an item, by the type it turns out to be of."""
        if not part.parts:
            return None
        by_kind: dict[str, tuple[ChildCheck, ...]] = {}
        for kind in kinds:
            checks = [self._child(inner, kind) for inner in part.parts]
            found = tuple(c for c in checks if c is not None)
            if found:
                by_kind[kind] = found
        if not by_kind:
            return None

        def inside(item: Item, context: Context) -> Found:
            kind, value, sibling = item
            checks = by_kind.get(kind)
            if checks is None:
                return None
            if type(value) is not dict:
                value = sibling if sibling is not None else {}
            found: Found = None
            for check in checks:
                problems = check(value, context)
                if problems is not None:
                    found = problems if found is None else found + problems
            return found

        return inside

    def _child(self, part: Part, parent: str) -> ChildCheck | None:
        name = part.name.removesuffix("[x]")
        base = next(model().named(parent, name), None)
        ways = model().children(parent).get(name)
        if base is None or not ways:
            return None
        kinds = tuple(dict.fromkeys(way.kind for way in ways))
        item = self._item(part, base, kinds)
        least = part.data.get("min", 0)
        most = part.data.get("max", "*")
        limit = None if most == "*" else int(most)
        cut = self._slices(part, base, kinds)
        counted = least > base.min or (limit is not None and (base.max is None or limit < base.max))
        if item is None and cut is None and not counted:
            return None
        return _child_check(part, base, ways, least, limit if counted else None, item, cut)

    def _slices(
        self, part: Part, base: Element, kinds: tuple[str, ...]
    ) -> Callable[[list[Item], Context, Tail], Found] | None:
        """The slices of an element: whose is each item, how many each has, what they must be."""
        slicing = part.data.get("slicing")
        if not part.slices or slicing is None:
            return None
        made = []
        for one in part.slices:
            allowed = {code_of(t) for t in one.types()}
            own = tuple(kind for kind in kinds if kind in allowed) or kinds
            most = one.data.get("max", "*")
            try:
                matches = slices.matcher(self.snapshots, slicing, one, own)
            except slices.NoPath:
                return _untold(f"{part.id}: {NO_PATH}", part.id)
            made.append(
                Slice(
                    one.slice,
                    one.id or f"{part.id}:{one.slice}",
                    one.data.get("min", 0),
                    None if most == "*" else int(most),
                    matches,
                    self._item(one, base, own),
                    self._slices(one, base, own),
                )
            )
        return _sliced(tuple(made), slicing, part.id)


ChildCheck = Callable[[dict[str, Any], Context], Found]
Tail = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice, compiled."""

    name: str
    rule: str
    least: int
    most: int | None
    matches: slices.Matches
    item: Check | None
    inner: Callable[[list[Item], Context, Tail], Found] | None


def _fine(item: Item, context: Context) -> Found:
    return None


def _every(rules: tuple[Check, ...]) -> Check:
    def every(item: Item, context: Context) -> Found:
        found: Found = None
        for rule in rules:
            problems = rule(item, context)
            if problems is not None:
                found = problems if found is None else found + problems
        return found

    return every


def _of_r4(urls: tuple[str, ...], base: Element) -> bool:
    """Whether the profiles of a type are those R4 itself puts there."""
    own = {STRUCTURE + t.profile for t in base.types if t.profile}
    return set(urls) <= own


# ---------------------------------------------------------------- collecting


def _child_check(
    part: Part,
    base: Element,
    ways: tuple[Child, ...],
    least: int,
    most: int | None,
    item: Check | None,
    cut: Callable[[list[Item], Context, Tail], Found] | None,
) -> ChildCheck:
    name, rule = base.name, part.id or part.name
    few: Found = [(f".{name}", "error", "required", _few(least), rule)]
    many: Found = (
        [(f".{name}", "error", "structure", _many(most), rule)] if most is not None else []
    )
    keys = tuple(k for way in ways for k in (way.key, way.sibling) if k)
    nothing = few if least > 0 and not part.slice else None
    empty = cut is None

    def check(parent: dict[str, Any], context: Context) -> Found:
        for key in keys:
            if key in parent:
                break
        else:
            if empty:
                return nothing
        items: list[Item] = []
        for way in ways:
            slices.collect(way, parent, items)
        found: Found = None
        count = len(items)
        if count < least:
            found = few
        if most is not None and count > most:
            found = (found or []) + (many or [])

        def tail(at: int) -> str:
            place = f"[{at}]" if base.many else ""
            chosen = f".ofType({items[at][0]})" if base.choice else ""
            return f".{name}{place}{chosen}"

        if item is not None:
            for at, one in enumerate(items):
                problems = item(one, context)
                if problems is not None:
                    found = (found or []) + _at(tail(at), problems)
        if cut is not None:
            problems = cut(items, context, tail)
            if problems is not None:
                found = (found or []) + problems
        return found

    return check


def _at(tail: str, problems: list[Problem]) -> list[Problem]:
    return [(tail + rest, *more) for rest, *more in problems]  # type: ignore[misc]


def _few(least: int) -> str:
    return (
        "The profile requires this element."
        if least == 1
        else f"The profile requires this element {least} times at least."
    )


def _many(most: int | None) -> str:
    return (
        "The profile does not allow this element."
        if most == 0
        else f"The profile allows this element {most} times at most."
    )


# ---------------------------------------------------------------- slices


def _sliced(
    made: tuple[Slice, ...], slicing: Json, rule: str
) -> Callable[[list[Item], Context, Tail], Found]:
    closed, at_end = slicing.get("rules") == "closed", slicing.get("rules") == "openAtEnd"
    ordered = slicing.get("ordered", False)
    named = tuple(s for s in made if s.name != "@default")
    default = next((s for s in made if s.name == "@default"), None)

    def cut(items: list[Item], context: Context, tail: Tail) -> Found:
        found: list[Problem] = []
        owners: dict[str, list[int]] = {s.name: [] for s in made}
        reached, after = 0, False
        for at, item in enumerate(items):
            for place, one in enumerate(named):
                told = one.matches(item, context)
                if told is None:
                    return [(tail(at), "information", "incomplete", UNTOLD, rule)]
                if told:
                    owners[one.name].append(at)
                    if ordered and place < reached:
                        found.append((tail(at), "error", "structure", ORDER, rule))
                    if at_end and after:
                        found.append((tail(at), "error", "structure", AT_END, rule))
                    reached = max(reached, place)
                    break
            else:
                after = True
                if default is not None:
                    owners["@default"].append(at)
                elif closed:
                    found.append((tail(at), "error", "structure", CLOSED, rule))
        for one in made:
            places = owners[one.name]
            if len(places) < one.least:
                found.append(
                    (_stem(tail, items, rule), "error", "required", _slice_few(one), one.rule)
                )
            if one.most is not None and len(places) > one.most:
                found.append((tail(places[-1]), "error", "structure", _slice_many(one), one.rule))
            if one.item is not None:
                for at in places:
                    problems = one.item(items[at], context)
                    if problems is not None:
                        found += _at(tail(at), problems)
            if one.inner is not None:
                own = [items[at] for at in places]
                problems = one.inner(own, context, lambda n, places=places: tail(places[n]))  # type: ignore[misc]
                if problems is not None:
                    found += problems
        return found or None

    return cut


UNTOLD: Final = "Whose slice this is hangs on a value set that is not known here: not checked."
NO_PATH: Final = "the profile tells its slices by a path that is not there: they are not checked."
ORDER: Final = "The slices of this element come in the order of the profile."
AT_END: Final = "What is in no slice of this element comes after what is."
CLOSED: Final = "This is in none of the slices the profile allows for this element."


def _untold(text: str, rule: str) -> Callable[[list[Item], Context, Tail], Found]:
    """Slices that nothing can tell apart."""

    def cut(items: list[Item], context: Context, tail: Tail) -> Found:
        return [(tail(0), "information", "incomplete", text, rule)] if items else None

    return cut


def _stem(tail: Tail, items: list[Item], rule: str) -> str:
    """The path of an element of which there may be none."""
    if items:
        return tail(0).partition("[")[0].partition(".ofType")[0]
    return "." + rule.rpartition(".")[2].partition(":")[0].removesuffix("[x]")


def _slice_few(one: Slice) -> str:
    return f"The profile requires the slice {one.name} of this element, {one.least} at least."


def _slice_many(one: Slice) -> str:
    if one.most == 0:
        return f"The profile does not allow the slice {one.name} of this element."
    return f"The profile allows the slice {one.name} of this element {one.most} times at most."


# ---------------------------------------------------------------- rules of one item


def _value(expected: Any, agrees: Callable[[Any, Any], bool], rule: str, text: str) -> Check:
    problem: Found = [("", "error", "value", text, rule)]

    def check(item: Item, context: Context) -> Found:
        return None if agrees(item[1], expected) else problem

    return check


def _of_types(codes: frozenset[str], rule: str) -> Check:
    text = f"The profile allows this element as {', '.join(sorted(codes))}."
    problem: Found = [("", "error", "structure", text, rule)]
    known = model()

    def check(item: Item, context: Context) -> Found:
        kind = item[0]
        if kind in codes or any(known.is_a(kind, code) for code in codes):
            return None
        return problem

    return check


def _of_profiles(profiles: dict[str, tuple[str, ...]]) -> Check:
    known = model()

    def check(item: Item, context: Context) -> Found:
        urls = profiles.get(item[0]) or next(
            (found for code, found in profiles.items() if known.is_a(item[0], code)), None
        )
        if urls is None:
            return None
        return _one_of(urls, item, context)

    return check


def _one_of(urls: tuple[str, ...], item: Item, context: Context) -> Found:
    """Conformance to one profile at least; the problems told are those of the first."""
    if context.depth >= MOST_PROFILES:
        return None
    first: Found = None
    for url in urls:
        if not context.profiles.known(url):
            return None
        problems = context.profiles.conforms(url, item, context)
        if problems is None or all(p[1] != "error" for p in problems):
            return problems
        first = first or problems
    return first


def _target(kinds: dict[str, list[str]], rule: str) -> Check:
    text = f"The profile allows references to {', '.join(sorted(kinds))} here."
    problem: Found = [(".reference", "error", "structure", text, rule)]
    known = model()

    def check(item: Item, context: Context) -> Found:
        target = target_of(item, context.frame)
        if target is None or target[0] not in load().types:
            return None
        urls = [u for kind, found in kinds.items() if known.is_a(target[0], kind) for u in found]
        if not urls:
            return problem
        if not target[1] or any(u.startswith(STRUCTURE) for u in urls):
            return None  # told by its type alone, or no profile is asked of it
        problems = _one_of(tuple(urls), target, context)
        wrong = next((p for p in problems or () if p[1] == "error"), None)
        if wrong is None:
            return None
        told = f"What this refers to does not conform to its profile: at {wrong[0] or 'its root'},"
        return [(".reference", "error", "structure", f"{told} {wrong[3]}", rule)]

    return check


def _aggregated(ways: frozenset[str], rule: str) -> Check:
    """How a reference may point: to what is contained, to the Bundle's own, or elsewhere."""
    text = f"The profile allows references that are {', '.join(sorted(ways))} here."
    problem: Found = [(".reference", "error", "structure", text, rule)]

    def check(item: Item, context: Context) -> Found:
        reference = item[1].get("reference") if type(item[1]) is dict else None
        if type(reference) is not str:
            return None
        if reference.startswith("#"):
            return None if "contained" in ways else problem
        if "referenced" in ways:
            return None
        resolver = context.frame.resolver
        bundled = resolver is not None and resolver(reference) is not None
        return None if bundled and "bundled" in ways else problem

    return check


def _longest(most: int, rule: str) -> Check:
    problem: Found = [("", "error", "too-long", f"The profile allows {most} characters.", rule)]

    def check(item: Item, context: Context) -> Found:
        return problem if type(item[1]) is str and len(item[1]) > most else None

    return check


def _shortest(least: int, rule: str) -> Check:
    text = f"The profile asks for {least} characters at least."
    problem: Found = [("", "error", "value", text, rule)]

    def check(item: Item, context: Context) -> Found:
        return problem if type(item[1]) is str and len(item[1]) < least else None

    return check


def _bound(limit: Item, sign: int, rule: str) -> Check:
    text = f"The profile allows values from {limit[1]}." if sign > 0 else (
        f"The profile allows values up to {limit[1]}."
    )  # fmt: skip
    problem: Found = [("", "error", "value", text, rule)]

    def check(item: Item, context: Context) -> Found:
        try:
            found = order(item, limit)
        except errors.CarnetError:
            return None
        return problem if found is not None and found * sign < 0 else None

    return check


def _constraint(rule: Json) -> Check:
    key, severity = rule["key"], rule.get("severity", "error")
    text = sentence(key, rule.get("human", ""))
    problem: Found = [("", severity, "invariant", text, key)]
    try:
        run = compiled(rule["expression"])
    except errors.CarnetError as error:
        told = f"{key}: this rule of the profile cannot be read: {error}"
        unread: Found = [("", "information", "not-supported", told, key)]
        return lambda item, context: unread

    def check(item: Item, context: Context) -> Found:
        return problem if broken(run, item, context.frame) else None

    return check
