# SPDX-License-Identifier: EUPL-1.2
"""From elements of a resource to the values of search parameters, by the parameter's type and the element's.

A resource is expected to have passed `validation.structure.check`.

Source: FHIR R4, Search, 3.1.1.4 (string, token, reference, date, number, quantity, uri).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from carnet.fhir import dates
from carnet.fhir.definitions import load
from carnet.fhir.search.extracted import Extracted

UNBOUNDED: Final = Decimal("Infinity")
# One point of SampledData.data; E, U and L there are no numbers, and its text is the sender's.
POINT: Final = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
CURRENCIES: Final = "urn:iso:std:iso:4217"

Convert = Callable[[str, Any, Extracted, dict[str, str]], None]

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
