# SPDX-License-Identifier: EUPL-1.2
"""Codes, dates, numbers and references, from the words of FHIR to those of CDA."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import Any, Final

from carnet.composing.cda.elements import Element, tag

LOINC: Final = "2.16.840.1.113883.6.1"
SNOMED: Final = "2.16.840.1.113883.6.96"
OID: Final = re.compile("[0-2](\\.(0|[1-9][0-9]*))+")
MOST: Final = 10**12
DIGITS: Final = 12  # after the point
FHIR: Final = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)


@cache
def table(name: str) -> dict[str, Any]:
    """A table of codes.toml."""
    file = resources.files(__package__).joinpath("codes.toml")
    return dict(tomllib.loads(file.read_text("utf-8"))[name])


def system(uri: str) -> tuple[str, str | None] | None:
    """OID and name of a code system; None for one that has no OID we know."""
    known = table("systems").get(uri)
    if known is not None:
        return str(known[0]), str(known[1])
    oid = uri.removeprefix("urn:oid:")
    return (oid, None) if OID.fullmatch(oid) else None


def listed(found: object) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def mapping(found: object) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return found if isinstance(found, Mapping) else {}


def codings(concept: object) -> Iterator[tuple[str, str, str | None, str]]:
    """(code, OID, name of the system, display) of what a concept says in systems we can write."""
    for each in listed(mapping(concept).get("coding")):
        found = system(str(each.get("system", "")))
        if found and each.get("code"):
            yield str(each["code"]), *found, str(each.get("display") or "")


def said(concept: object) -> str:
    """What a concept is called: its words, else those of its code, else its code."""
    held = mapping(concept)
    shown = [str(each.get("display") or "") for each in listed(held.get("coding"))]
    codes = [str(each.get("code") or "") for each in listed(held.get("coding"))]
    return str(held.get("text") or next(filter(None, [*shown, *codes]), ""))


def coded(name: str, concept: object, anchor: str = "", kind: str | None = None) -> Element:
    """A concept as a code, its other codes as translations; without a code, its words by their anchor."""
    found = list(codings(concept))
    words = tag("originalText", tag("reference", value=f"#{anchor}")) if anchor else None
    if not found:
        return tag(name, words, kind=kind, nullFlavor="UNK")
    first, *others = found
    return tag(
        name,
        words,
        *(_code("translation", *each) for each in others),
        kind=kind,
        **_attributes(*first),
    )


def code(name: str, value: str, oid: str, label: str, system_name: str | None = None) -> Element:
    """A code that is ours to choose."""
    return _code(name, value, oid, system_name, label)


def loinc(value: str, label: str) -> Element:
    """The code of a section or of an observation."""
    return code("code", value, LOINC, label, "LOINC")


def _code(name: str, value: str, oid: str, system_name: str | None, label: str) -> Element:
    return tag(name, **_attributes(value, oid, system_name, label))


def _attributes(value: str, oid: str, system_name: str | None, label: str) -> dict[str, Any]:
    return {
        "code": value, "displayName": label or None, "codeSystem": oid, "codeSystemName": system_name,
    }  # fmt: skip


def number(value: object) -> str | None:
    """A decimal as CDA writes it, without an exponent; None for what no dose or delay is."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found) > MOST or found.as_tuple().exponent < -DIGITS:  # type: ignore[operator]
        return None
    return f"{found:f}"


def stamp(at: datetime) -> str:
    """An instant, to the second and with its zone."""
    return at.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")


def date(text: object) -> str | None:
    """A FHIR date, dateTime or instant as CDA writes it, as precise as it was; None for anything else."""
    parts = FHIR.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        return None
    digits = "".join(each for each in parts.groups()[:6] if each)
    zone = parts[7]
    if zone and len(digits) > len("20260101"):
        return digits + ("+0000" if zone == "Z" else zone.replace(":", ""))
    return digits


def interval(name: str, low: object, high: object, *, kind: str | None = None) -> Element:
    """An interval; an end nobody said is unknown."""
    bounds = [
        tag(end, value=found) if (found := date(value)) else tag(end, nullFlavor="UNK")
        for end, value in (("low", low), ("high", high))
        if end == "low" or value is not None
    ]
    return tag(name, *bounds, kind=kind)
