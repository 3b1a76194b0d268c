# SPDX-License-Identifier: EUPL-1.2
"""Search parameters compiled: their FHIRPath, once per type and branch by branch, and composite ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Final

from carnet import errors
from carnet.fhir import paths
from carnet.fhir.definitions import Element, SearchParameter, load
from carnet.fhir.search.converters import CONVERTERS, MORE, TEXTS, Convert
from carnet.fhir.search.extracted import Extracted

COLUMNS: Final = frozenset({"_id", "_lastUpdated"})
EMPTY: Final = frozenset(("id", "extension"))  # an element of these alone has no value


@dataclass(frozen=True, slots=True)
class Rule:
    """One branch of an expression, for the parameters that have it."""

    run: paths.Run
    params: tuple[str, ...]
    converters: dict[str, Convert]
    systems: dict[str, str]  # code system implied by a code element's binding
    text: bool = False  # `:text` looks here
    type: str = ""  # of the parameters


# What a component of a composite may have.
FOUND: Final = tuple(map(attrgetter, "tokens references strings dates numbers quantities".split()))


@dataclass(frozen=True, slots=True)
class Joined:
    """One branch of a composite parameter: elements, and what is read in each for each component."""

    param: str
    run: paths.Run
    # what says that it is the same as another's, its function, and what becomes of its values
    components: tuple[tuple[str, paths.Run, dict[str, Convert], dict[str, str]], ...]

    def extract(
        self,
        focus: paths.Items,
        frame: paths.Frame,
        out: Extracted,
        read: dict[tuple[int, str], Extracted | None],
    ) -> None:
        """Add what each element has, where it has something for every component.

        read: components already read, by element: several composites have the same ones.
        """
        for item in self.run(focus, frame):
            parts: list[Extracted] = []
            # The last is the one that is often absent.
            for name, run, converters, systems in reversed(self.components):
                key = (id(item[1]), name)
                if key not in read:
                    read[key] = self._part(item, frame, run, converters, systems)
                part = read[key]
                if part is None:
                    break
                parts.append(part)
            else:
                out.present.add(self.param)
                out.composites.append((self.param, tuple(reversed(parts))))

    def _part(
        self,
        item: paths.Item,
        frame: paths.Frame,
        run: paths.Run,
        converters: dict[str, Convert],
        systems: dict[str, str],
    ) -> Extracted | None:
        part: Extracted | None = None
        for kind, value, _ in run([item], frame):
            convert = converters.get(kind)
            if convert is not None and value is not None:
                part = part or Extracted()
                convert(self.param, value, part, systems)
        return part if part is not None and any(found(part) for found in FOUND) else None


@cache
def joined_of(name: str) -> dict[str, tuple[Joined, ...]]:
    """The composite parameters of a type, by the JSON key they start from."""
    params = load().params[name]
    kinds = {each.url: each.type for each in params.values()}
    return _composed(name, params.values(), kinds)


def _composed(
    name: str, params: Iterable[SearchParameter], kinds: Mapping[str, str]
) -> dict[str, tuple[Joined, ...]]:
    """Composite parameters, by the JSON key they start from; kinds: of parameters, by address."""
    model, made = paths.model(), dict[str, list[Joined]]()
    for param in params:
        if param.type != "composite":
            continue
        for branch in _own_branches(param, name, model):
            ends = paths.elements(branch, name, model)
            inner = next((end.children for end in ends if end.children), None)
            if inner is None:
                inner = ends[0].types[0].code if ends else name
            components = []
            for each in param.components:
                kind = kinds[each.definition]
                # R4 writes the type dateTime with a capital there.
                node = paths.read(each.expression.replace("DateTime", "dateTime"))
                systems = _systems(paths.elements(node, inner, model)) if kind == "token" else {}
                said = f"{kind} {each.expression}"
                components.append((said, paths.compiled(node), CONVERTERS[kind], systems))
            joined = Joined(param.code, paths.compiled(branch), tuple(components))
            for key in _keys(branch, name, model):
                made.setdefault(key, []).append(joined)
    return {key: tuple(them) for key, them in made.items()}


@dataclass(frozen=True, slots=True)
class Apart:
    """A parameter of the installation, by itself: what it finds changes no other's values."""

    code: str
    rules: tuple[Rule, ...]
    joined: tuple[Joined, ...]

    def extract(self, focus: paths.Items, frame: paths.Frame, out: Extracted) -> None:
        """Add what it finds; nothing where its expression fails on this resource."""
        found = Extracted()
        try:
            for rule in self.rules:
                for kind, value, _ in rule.run(focus, frame):
                    if value is None or (type(value) is dict and value.keys() <= EMPTY):
                        continue
                    found.present.add(self.code)
                    convert = rule.converters.get(kind) or MORE.get(rule.type, {}).get(kind)
                    if convert is not None:
                        convert(self.code, value, found, rule.systems)
                    if rule.text and kind in TEXTS:
                        TEXTS[kind](rule.params, value, found)
            for joined in self.joined:
                joined.extract(focus, frame, found, {})
        except errors.CarnetError:
            return
        for each in fields(Extracted):
            kept, more = getattr(out, each.name), getattr(found, each.name)
            kept.update(more) if isinstance(kept, set) else kept.extend(more)


_apart: dict[tuple[str, int], tuple[tuple[SearchParameter, ...], tuple[Apart, ...]]] = {}
MOST_APART: Final = 2000  # types and sets of parameters kept compiled


def own_rules(name: str, own: tuple[SearchParameter, ...]) -> tuple[Apart, ...]:
    """Parameters of an installation, compiled for a type; kept for as long as the tuple is."""
    held = _apart.get((name, id(own)))
    if held is not None and held[0] is own:
        return held[1]
    if len(_apart) > MOST_APART:
        _apart.clear()
    made = tuple(_compiled_apart(name, param) for param in own)
    _apart[name, id(own)] = own, made
    return made


def _compiled_apart(name: str, param: SearchParameter) -> Apart:
    rules = tuple(
        {id(rule): rule for them in _grouped(name, [param]).values() for rule in them}.values()
    )
    kinds = {each.definition: each.kind for each in param.components}
    joined = tuple(
        {id(one): one for them in _composed(name, [param], kinds).values() for one in them}.values()
    )
    return Apart(param.code, rules, joined)


@cache
def heads(name: str, code: str) -> tuple[str, ...]:
    """The parameters under which what `:text` of a token parameter looks into is kept."""
    found = {
        rule.params[0]
        for rules in rules_of(name).values()
        for rule in rules
        if rule.text and code in rule.params
    }
    return tuple(sorted(found))


@cache
def identifies(name: str, param: SearchParameter) -> bool:
    """Whether the values of a token parameter are identifiers."""
    model = paths.model()
    ends = [paths.elements(branch, name, model) for branch in _own_branches(param, name, model)]
    if param.own and not all(ends):
        return True  # what an extension has is not told by its path
    return any(each.code == "Identifier" for found in ends for end in found for each in end.types)


@cache
def rules_of(name: str) -> dict[str, tuple[Rule, ...]]:
    """The rules of a type by the JSON key they start from; under "" those always run."""
    return _grouped(name, load().params[name].values())


def _grouped(name: str, params: Iterable[SearchParameter]) -> dict[str, tuple[Rule, ...]]:
    model = paths.model()
    grouped: dict[tuple[paths.Node, str], list[SearchParameter]] = {}
    for param in params:
        if param.code not in COLUMNS and param.type in CONVERTERS:
            for branch in _own_branches(param, name, model):
                grouped.setdefault((branch, param.type), []).append(param)
    rules: dict[str, list[Rule]] = {"": []}
    for (branch, kind), sharing in grouped.items():
        ends = paths.elements(branch, name, model)
        rule = Rule(
            run=paths.compiled(branch),
            params=tuple(each.code for each in sorted(sharing, key=attrgetter("number"))),
            converters=CONVERTERS[kind],
            systems=_systems(ends) if kind == "token" else {},
            text=kind == "token",
            type=kind,
        )
        for key in _keys(branch, name, model):
            rules.setdefault(key, []).append(rule)
    return {key: tuple(made) for key, made in rules.items()}


def _own_branches(param: SearchParameter, name: str, model: paths.Model) -> Iterable[paths.Node]:
    """The branches of a parameter's expression that speak of this type."""
    if not param.expression:
        return
    for branch in paths.branches(paths.read(param.expression)):
        first, _ = paths.start(branch)
        if first is None or not model.is_type(first.name) or model.is_a(name, first.name):
            yield branch


def _keys(branch: paths.Node, name: str, model: paths.Model) -> Iterable[str]:
    """The JSON keys without one of which a branch finds nothing."""
    first, second = paths.start(branch)
    if first is None:
        return ("",)
    element = second if model.is_type(first.name) else first
    # After a function (`Observation.extension('…').value`) what is named is not the type's own element.
    if element is None or (element is second and element.of is not first):
        return ("",)
    return {child.key for child in model.children(name).get(element.name, ())}


def _systems(ends: tuple[Element, ...]) -> dict[str, str]:
    """For each code a bound `code` element may have, its system, where there is but one."""
    known: dict[str, str] = {}
    value_sets = load().value_sets
    for end in ends:
        if end.binding is None or end.binding.value_set not in value_sets:
            continue
        for system, codes in value_sets[end.binding.value_set].systems.items():
            for code in codes:
                known[code] = "" if known.get(code, system) != system else system
    return {code: system for code, system in known.items() if system}
