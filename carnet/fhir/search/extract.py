# SPDX-License-Identifier: EUPL-1.2
"""What a resource can be found by: every R4 search parameter of its type, as plain tuples.

Each parameter's FHIRPath is compiled once per type, branch by branch, and a branch is run only when
the resource has the element it starts from. `_id` and `_lastUpdated` are columns of the store, and
`_text`, `_content`, `_query`, `_filter` have no value of their own.

A resource is expected to have passed `validation.structure.check`.

Source: FHIR R4, Search, 3.1.1.4 (string, token, reference, date, number, quantity, uri).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, Final

from carnet import errors
from carnet.fhir import dates, paths
from carnet.fhir.definitions import Element, SearchParameter, load

COLUMNS: Final = frozenset({"_id", "_lastUpdated"})
UNBOUNDED: Final = Decimal("Infinity")
# One point of SampledData.data; E, U and L there are no numbers, and its text is the sender's.
POINT: Final = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
EMPTY: Final = frozenset(("id", "extension"))  # an element of these alone has no value
CURRENCIES: Final = "urn:iso:std:iso:4217"


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a resource is found by; each tuple starts with the parameter's name.

    Intervals of numbers and quantities are those of the resource's own value: a plain value is both
    ends, a Range or SampledData its bounds, "< 5" everything below. The precision that makes 100
    mean 99.5 to 100.5 is that of what is asked, not of what is stored.
    """

    tokens: list[tuple[str, str | None, str]] = field(default_factory=list)
    references: list[tuple[str, str]] = field(default_factory=list)
    identifiers: list[tuple[str, str | None, str]] = field(default_factory=list)
    strings: list[tuple[str, str]] = field(default_factory=list)
    dates: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    numbers: list[tuple[str, Decimal, Decimal]] = field(default_factory=list)
    # (parameter, low, high, system, code, unit as shown)
    quantities: list[tuple[str, Decimal, Decimal, str | None, str | None, str | None]] = field(
        default_factory=list
    )
    uris: list[tuple[str, str]] = field(default_factory=list)
    # What `:text` looks into, under the first of the parameters that share an element (`heads`).
    texts: list[tuple[str, str]] = field(default_factory=list)
    # (parameter, system and code of the identifier's type, value), for `:of-type`
    typed: list[tuple[str, str | None, str, str]] = field(default_factory=list)
    # What each element of a composite parameter has for each of its components, in their order.
    composites: list[tuple[str, tuple[Extracted, ...]]] = field(default_factory=list)
    positions: list[tuple[str, Decimal, Decimal]] = field(
        default_factory=list
    )  # latitude, longitude
    # (parameter, id of what the resource contains), for chains
    contained: list[tuple[str, str]] = field(default_factory=list)
    present: set[str] = field(default_factory=set)  # parameters whose element is there


def extract(
    resource: dict[str, Any],
    only: frozenset[str] | None = None,
    own: tuple[SearchParameter, ...] = (),
) -> Extracted:
    """Every value of every parameter of the resource's type, or of some of them, each once.

    own: parameters of the installation on this type, beside those of R4.
    """
    out = Extracted()
    rules = _rules(resource["resourceType"])
    model = paths.model()
    root: paths.Item = (resource["resourceType"], resource, None)
    frame = paths.Frame(model, root)
    focus = [root]
    composites, read = _joined(resource["resourceType"]), dict[tuple[int, str], Extracted | None]()
    for key in (*resource, ""):
        for rule in rules.get(key, ()):
            if only is not None and only.isdisjoint(rule.params):
                continue
            for kind, value, _ in rule.run(focus, frame):
                if value is None or (type(value) is dict and value.keys() <= EMPTY):
                    continue
                out.present.update(rule.params)
                convert = rule.converters.get(kind)
                if convert is not None:
                    for param in rule.params:
                        convert(param, value, out, rule.systems)
                if rule.text and kind in TEXTS:
                    TEXTS[kind](rule.params, value, out)
        for joined in composites.get(key, ()):
            if only is None or joined.param in only:
                joined.extract(focus, frame, out, read)
    for apart in own_rules(resource["resourceType"], own) if own else ():
        if only is None or apart.code in only:
            apart.extract(focus, frame, out)
    for found in (
        out.tokens, out.references, out.strings, out.uris, out.dates, out.quantities, out.texts,
        out.typed,
    ):  # fmt: skip
        _once(found)
    return out


def _once(found: list[Any]) -> None:
    if len(found) > 1:
        found[:] = dict.fromkeys(found)


# ---------------------------------------------------------------- compiled rules

Convert = Callable[[str, Any, Extracted, dict[str, str]], None]


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
def _joined(name: str) -> dict[str, tuple[Joined, ...]]:
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
        for rules in _rules(name).values()
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
def _rules(name: str) -> dict[str, tuple[Rule, ...]]:
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


# ---------------------------------------------------------------- tokens


def _code_token(param: str, code: str, out: Extracted, systems: dict[str, str]) -> None:
    out.tokens.append((param, systems.get(code), code))


def _plain_token(param: str, text: str, out: Extracted, systems: dict[str, str]) -> None:
    out.tokens.append((param, None, text))


def _boolean_token(param: str, truth: bool, out: Extracted, systems: dict[str, str]) -> None:
    out.tokens.append((param, None, "true" if truth else "false"))


def _number_token(
    param: str, number: int | Decimal, out: Extracted, systems: dict[str, str]
) -> None:
    out.tokens.append((param, None, str(number)))


def _coding_token(param: str, coding: Any, out: Extracted, systems: dict[str, str]) -> None:
    code = coding.get("code")
    if code is not None:
        out.tokens.append((param, coding.get("system"), code))


def _concept_token(param: str, concept: Any, out: Extracted, systems: dict[str, str]) -> None:
    for coding in concept.get("coding", ()):
        code = coding.get("code")
        if code is not None:
            out.tokens.append((param, coding.get("system"), code))


def _identifier_token(param: str, identifier: Any, out: Extracted, systems: dict[str, str]) -> None:
    value = identifier.get("value")
    if value is not None:
        out.tokens.append((param, identifier.get("system"), value))


def _contact_token(param: str, contact: Any, out: Extracted, systems: dict[str, str]) -> None:
    # ContactPoint.system says phone or email: it is no code system.
    value = contact.get("value")
    if value is not None:
        out.tokens.append((param, None, value))


def _typed(params: tuple[str, ...], identifier: Any, out: Extracted) -> None:
    value, kind = identifier.get("value"), identifier.get("type")
    if kind is None:
        return
    if "text" in kind and kind["text"] is not None:
        out.texts.append((params[0], kind["text"]))
    for coding in kind.get("coding", ()):
        code = coding.get("code")
        if code is not None and value is not None:
            out.typed.extend((param, coding.get("system"), code, value) for param in params)


def _concept_texts(params: tuple[str, ...], concept: Any, out: Extracted) -> None:
    text = concept.get("text")
    if text is not None:
        out.texts.append((params[0], text))
    for coding in concept.get("coding", ()):
        _coding_texts(params, coding, out)


def _coding_texts(params: tuple[str, ...], coding: Any, out: Extracted) -> None:
    display = coding.get("display")
    if display is not None:
        out.texts.append((params[0], display))


TEXTS: Final[dict[str, Callable[[tuple[str, ...], Any, Extracted], None]]] = {
    "CodeableConcept": _concept_texts,
    "Coding": _coding_texts,
    "Identifier": _typed,
}


# ---------------------------------------------------------------- references


def _reference(param: str, reference: Any, out: Extracted, systems: dict[str, str]) -> None:
    target = reference.get("reference")
    if target is not None and target.startswith("#"):
        out.contained.append((param, target[1:]))
    elif target is not None and "?" not in target:
        out.references.append((param, target.partition("/_history/")[0]))
    identifier = reference.get("identifier")
    if identifier is not None:
        value = identifier.get("value")
        if value is not None:
            out.identifiers.append((param, identifier.get("system"), value))


def _address_reference(param: str, uri: str, out: Extracted, systems: dict[str, str]) -> None:
    if not uri.startswith("#"):
        out.references.extend((param, one) for one in _versions(uri))


def _resource_reference(param: str, resource: Any, out: Extracted, systems: dict[str, str]) -> None:
    name, kind = resource.get("id"), resource.get("resourceType")
    if name is not None:
        out.references.append((param, f"{kind}/{name}"))


def _versions(canonical: str) -> tuple[str, ...]:
    """A canonical address as written and, when it names a version, without it."""
    bare, bar, _ = canonical.partition("|")
    return (canonical, bare) if bar else (canonical,)


# ---------------------------------------------------------------- strings and addresses

NAME_PARTS: Final = ("text", "family", "given", "prefix", "suffix")
ADDRESS_PARTS: Final = ("text", "line", "city", "district", "state", "postalCode", "country")


def _string(param: str, text: str, out: Extracted, systems: dict[str, str]) -> None:
    out.strings.append((param, text))


def _parts(names: tuple[str, ...]) -> Convert:
    def parts(param: str, value: Any, out: Extracted, systems: dict[str, str]) -> None:
        for name in names:
            text = value.get(name)
            if type(text) is str:
                out.strings.append((param, text))
            elif text:
                out.strings.extend((param, one) for one in text if one is not None)

    return parts


def _uri(param: str, uri: str, out: Extracted, systems: dict[str, str]) -> None:
    out.uris.append((param, uri))


def _canonical(param: str, uri: str, out: Extracted, systems: dict[str, str]) -> None:
    out.uris.extend((param, one) for one in _versions(uri))


# ---------------------------------------------------------------- dates


def _date(param: str, text: str, out: Extracted, systems: dict[str, str]) -> None:
    out.dates.append((param, *dates.span(text)))


def _period(param: str, period: Any, out: Extracted, systems: dict[str, str]) -> None:
    since, until = period.get("start"), period.get("end")
    if since is None and until is None:
        return
    lo = dates.EARLIEST if since is None else dates.span(since)[0]
    hi = dates.LATEST if until is None else dates.span(until)[1]
    out.dates.append((param, lo, max(lo, hi)))


def _timing(param: str, timing: Any, out: Extracted, systems: dict[str, str]) -> None:
    """The outer limits alone: FHIR has the details of a schedule ignored."""
    spans = [dates.span(event) for event in timing.get("event", ()) if event is not None]
    bounds = timing.get("repeat", {}).get("boundsPeriod")
    if bounds is not None:
        inner = Extracted()
        _period(param, bounds, inner, systems)
        spans += [(lo, hi) for _, lo, hi in inner.dates]
    if spans:
        out.dates.append((param, min(lo for lo, _ in spans), max(hi for _, hi in spans)))


# ---------------------------------------------------------------- numbers and quantities


def _number(param: str, number: int | Decimal, out: Extracted, systems: dict[str, str]) -> None:
    value = Decimal(number)
    out.numbers.append((param, value, value))


def _number_range(param: str, bounds: Any, out: Extracted, systems: dict[str, str]) -> None:
    low, high = _bounds(bounds)
    out.numbers.append((param, low, high))


def _quantity(param: str, quantity: Any, out: Extracted, systems: dict[str, str]) -> None:
    number = quantity.get("value")
    if number is None:
        return
    low = high = Decimal(number)
    comparator = quantity.get("comparator", "")
    if comparator.startswith("<"):
        low = -UNBOUNDED
    elif comparator.startswith(">"):
        high = UNBOUNDED
    out.quantities.append((param, low, high, *_unit(quantity)))


def _money(param: str, money: Any, out: Extracted, systems: dict[str, str]) -> None:
    number = money.get("value")
    if number is not None:
        value, currency = Decimal(number), money.get("currency")
        out.quantities.append((param, value, value, CURRENCIES, currency, currency))


def _range(param: str, bounds: Any, out: Extracted, systems: dict[str, str]) -> None:
    low, high = _bounds(bounds)
    unit = bounds.get("low") or bounds.get("high") or {}
    out.quantities.append((param, low, high, *_unit(unit)))


def _sampled(param: str, sampled: Any, out: Extracted, systems: dict[str, str]) -> None:
    """From the least to the greatest of the points measured."""
    origin = sampled.get("origin", {})
    if "value" not in origin:
        return
    points = [Decimal(p) for p in sampled.get("data", "").split() if POINT.fullmatch(p)]
    if points:
        zero, factor = Decimal(origin["value"]), Decimal(sampled.get("factor", 1))
        low, high = sorted((zero + min(points) * factor, zero + max(points) * factor))
        out.quantities.append((param, low, high, *_unit(origin)))


def _bounds(bounds: Any) -> tuple[Decimal, Decimal]:
    low, high = bounds.get("low", {}).get("value"), bounds.get("high", {}).get("value")
    return (
        -UNBOUNDED if low is None else Decimal(low),
        UNBOUNDED if high is None else Decimal(high),
    )


def _unit(quantity: Any) -> tuple[str | None, str | None, str | None]:
    return quantity.get("system"), quantity.get("code"), quantity.get("unit")


def _position(param: str, position: Any, out: Extracted, systems: dict[str, str]) -> None:
    latitude, longitude = position.get("latitude"), position.get("longitude")
    if latitude is not None and longitude is not None:
        out.positions.append((param, Decimal(latitude), Decimal(longitude)))


# ---------------------------------------------------------------- which converter for which type

CONVERTERS: Final[dict[str, dict[str, Convert]]] = {
    "token": {
        "code": _code_token,
        "Coding": _coding_token,
        "CodeableConcept": _concept_token,
        "Identifier": _identifier_token,
        "ContactPoint": _contact_token,
        "boolean": _boolean_token,
        "System.Boolean": _boolean_token,  # what an expression concludes
        "string": _plain_token,
        "id": _plain_token,
        "uri": _plain_token,
    },
    "reference": {
        "Reference": _reference,
        "canonical": _address_reference,
        "uri": _address_reference,
        **dict.fromkeys(load().types, _resource_reference),
    },
    "string": {
        "string": _string,
        "markdown": _string,
        "HumanName": _parts(NAME_PARTS),
        "Address": _parts(ADDRESS_PARTS),
    },
    "date": {
        "date": _date,
        "dateTime": _date,
        "instant": _date,
        "Period": _period,
        "Timing": _timing,
    },
    "number": {"decimal": _number, "integer": _number, "Range": _number_range},
    "quantity": {
        "Quantity": _quantity,
        "Age": _quantity,
        "Duration": _quantity,
        "Money": _money,
        "Range": _range,
        "SampledData": _sampled,
    },
    "uri": {"uri": _uri, "url": _uri, "canonical": _canonical},
    "special": {"Location.position": _position},
}

# What a parameter of an installation may find besides: R4's own have no need of it.
MORE: Final[dict[str, dict[str, Convert]]] = {
    "token": {
        **dict.fromkeys(("integer", "positiveInt", "unsignedInt", "decimal"), _number_token),
        **dict.fromkeys(("markdown", "oid", "uuid", "canonical", "url"), _plain_token),
    },
    "number": dict.fromkeys(("positiveInt", "unsignedInt"), _number),
    "string": dict.fromkeys(("code", "id", "uri", "url", "oid"), _string),
    "uri": dict.fromkeys(("oid", "uuid"), _uri),
    "quantity": dict.fromkeys(("Count", "Distance", "SimpleQuantity", "MoneyQuantity"), _quantity),
}
