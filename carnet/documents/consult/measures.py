# SPDX-License-Identifier: EUPL-1.2
"""From Observations to curves, by plain functions: one unit, no point twice, nothing dropped unsaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from carnet.access.door import Stored
from carnet.documents import nomenclature, units
from carnet.documents.consult.lines import (
    LOINC,
    decimal,
    document_of,
    first,
    result_of,
)
from carnet.documents.pages import Aside, Curve, Point, Why

VOID = ("entered-in-error", "cancelled")  # Observations whose value counts for nothing


@dataclass(frozen=True, slots=True)
class Measure:
    """One value of one code, as an Observation or a component of it has it."""

    rid: int  # of the Observation: what came first
    code: str  # LOINC
    label: str
    at: datetime  # aware, UTC
    value: Decimal | None  # None for <0.5 and for words
    text: str  # as written, with its comparator, without its unit
    unit: str  # UCUM, or "?" and the text of another writing
    low: Decimal | None  # in the unit of the value
    high: Decimal | None
    interpretation: str | None
    document: str  # "" when it was measured outside a document
    by_patient: bool
    place: str  # who measured it, for a value outside a document


@dataclass(frozen=True, slots=True)
class Replaced:
    """What replaces a document: where it is, when, when the viewer sees it."""

    id: str = ""
    at: datetime | None = None


# ------------------------------------------------------------------------------------ what was told


def measures(stored: Stored) -> Iterator[Measure]:
    """The values of one Observation that have a LOINC code; those of the panels read as one figure."""
    resource = stored.resource
    if resource.get("status") in VOID:
        return
    line = result_of(stored, resource)
    told: dict[str, Any] = {
        "rid": stored.rid,
        "at": line.at,
        "document": document_of(resource) or "",
        "by_patient": _by_patient(resource),
        "place": _performer(resource),
    }
    if line.code and line.value:
        value = _of(resource, line.code)
        yield Measure(**told, code=line.code, label=line.label, text=line.value, **value)
    for component in resource.get("component", []):
        codings = component.get("code", {}).get("coding", [])
        code = next((str(each.get("code")) for each in codings if each.get("system") == LOINC), "")
        quantity = component.get("valueQuantity", {})
        if code in heads() and "value" in quantity:
            text = f"{quantity.get('comparator', '')}{quantity['value']}"
            label = line_label(code) or str(component["code"].get("text") or code)
            yield Measure(**told, code=code, label=label, text=text, **_of(component, code))


def _of(holder: Mapping[str, Any], code: str) -> dict[str, Any]:
    """Number, unit, range in that unit and flag of an Observation or of a component."""
    quantity = holder.get("valueQuantity", {})
    unit = units.of(quantity) if quantity else units.UNKNOWN
    spread = first(holder.get("referenceRange"))
    ends: dict[str, Decimal | None] = {}
    for end in ("low", "high"):
        bound = spread.get(end, {})
        number = decimal(bound.get("value"))
        said = bound.get("unit") or bound.get("code")
        if number is not None and said:  # an end without a unit is in that of the value
            number = units.convert(code, number, units.of(bound), unit)
        ends[end] = number
    flag = first(first(holder.get("interpretation")).get("coding")).get("code")
    value = None if quantity.get("comparator") else decimal(quantity.get("value"))
    return {
        "value": value,
        "unit": unit,
        "low": ends["low"],
        "high": ends["high"],
        "interpretation": str(flag) if flag else None,
    }


def _by_patient(resource: Mapping[str, Any]) -> bool:
    return any(
        str(each.get("reference", "")).startswith("Patient/")
        for each in resource.get("performer", [])
    )


def _performer(resource: Mapping[str, Any]) -> str:
    said = (str(each.get("display", "")) for each in resource.get("performer", []))
    return next((each for each in said if each), "")


# ------------------------------------------------------------------------------------------ figures


@cache
def _figures() -> dict[str, dict[str, Any]]:
    return {each["code"]: each for each in nomenclature.table("figures")["figure"]}


@cache
def heads() -> dict[str, str]:
    """The figure in which a code is a line, by that code."""
    return {line["code"]: code for code, each in _figures().items() for line in each["lines"]}


def codes(code: str) -> tuple[str, ...]:
    """Every code to look for, to draw the figure of one; the lines first."""
    figure = _figures().get(heads().get(code, code))
    if figure is None:
        return (code,)
    return (*(line["code"] for line in figure["lines"]), figure["code"])


def line_label(code: str) -> str:
    """What a line of a figure is called."""
    lines = _figures().get(heads().get(code, ""), {}).get("lines", [])
    return next((str(line["label"]) for line in lines if line["code"] == code), "")


def figure(
    code: str,
    found: Sequence[Measure],
    replaced: Mapping[str, Replaced],
    places: Mapping[str, str],
) -> Curve | None:
    """The curve of a code, with the other lines of its figure; None when it has no point."""
    known = _figures().get(heads().get(code, code))
    if known is None:
        return curve(code, [each for each in found if each.code == code], replaced, places)
    lines = []
    for line in known["lines"]:
        own = [each for each in found if each.code == line["code"]]
        drawn = curve(line["code"], own, replaced, places)
        if drawn is not None:
            lines.append(replace(drawn, label=line["label"]))
    if not lines:
        return None
    main, *beside = lines
    label, joint = known["label"], known["joint"] if beside else ""
    if not beside:
        label = f"{label} ({main.label.lower()})"
    return replace(
        main, code=known["code"], label=label, beside=tuple(beside), joint=joint, line=main.label
    )


# ------------------------------------------------------------------------------------------- curves


def curve(
    code: str,
    found: Iterable[Measure],
    replaced: Mapping[str, Replaced],
    places: Mapping[str, str],
) -> Curve | None:
    """One series of one code; None when no value can be a point.

    replaced: by id of a document, what replaces it. places: establishment by id of a document.
    The unit is that of the last value, among the values that most of the others can be compared with.
    """
    ordered = sorted(found, key=lambda each: (each.at, each.rid))
    live = [each for each in ordered if each.document not in replaced]
    numbers = [each for each in live if each.value is not None]
    unit = _unit(code, numbers)
    if unit is None:
        return None
    points = _points(code, numbers, unit, places)
    drawn = {each.unit for each in numbers if units.convertible(code, each.unit, unit)}
    ranges = [each for each in points if each.low is not None or each.high is not None]
    last = next(each for each in reversed(numbers) if each.unit in drawn)
    return Curve(
        code,
        last.label,
        units.shown(unit),
        ranges[-1].low if ranges else None,
        ranges[-1].high if ranges else None,
        points,
        tuple(_asides(ordered, drawn, replaced, places)),
    )


def _unit(code: str, numbers: Sequence[Measure]) -> str | None:
    """The unit of the last value of the largest family of units that convert into one another."""
    families: dict[str, list[Measure]] = {}
    for each in numbers:
        head = next((one for one in families if units.convertible(code, each.unit, one)), each.unit)
        families.setdefault(head, []).append(each)
    if not families:
        return None
    chosen = max(families.values(), key=lambda one: (len(one), one[-1].at, one[-1].rid))
    return chosen[-1].unit


def _points(
    code: str, numbers: Sequence[Measure], unit: str, places: Mapping[str, str]
) -> tuple[Point, ...]:
    """Oldest first; the same value at the same instant is one point, of the document it came with first.

    The other documents that say it are named beside.
    """
    once: dict[tuple[datetime, Decimal], Point] = {}
    also: dict[tuple[datetime, Decimal], dict[str, str]] = {}
    for each in numbers:
        assert each.value is not None
        value = units.convert(code, each.value, each.unit, unit)
        if value is None:
            continue
        ends = (
            None if end is None else units.convert(code, end, each.unit, unit)
            for end in (each.low, each.high)
        )
        low, high = ends
        point = Point(
            each.at,
            value,
            each.document,
            places.get(each.document, "") if each.document else each.place,
            low,
            high,
            each.interpretation,
            "" if each.unit == unit else _written(each),
            each.by_patient,
        )
        first = once.setdefault((each.at, value), point)
        if point.document and point.document != first.document:
            also.setdefault((each.at, value), {})[point.document] = point.place
    told = (replace(each, also=tuple(also.get(key, {}).items())) for key, each in once.items())
    return tuple(_disputed(sorted(told, key=lambda point: point.at)))


def _disputed(points: Sequence[Point]) -> Iterator[Point]:
    """Points, told apart when another document says otherwise of the same instant."""
    sources: dict[datetime, set[str]] = {}
    for point in points:
        sources.setdefault(point.at, set()).add(point.document)
    for point in points:
        yield replace(point, disputed=len(sources[point.at]) > 1)


def _asides(
    ordered: Iterable[Measure],
    drawn: set[str],
    replaced: Mapping[str, Replaced],
    places: Mapping[str, str],
) -> Iterator[Aside]:
    """What has no point, each with why; told once when two documents say the same."""
    told: set[tuple[object, ...]] = set()
    for each in ordered:
        why = _why(each, drawn, replaced)
        if why is None:
            continue
        # A struck value is told with each report that was struck out.
        key = (each.at, each.text, each.unit, why, each.document if why == "replaced" else "")
        if key in told:
            continue
        told.add(key)
        by = replaced.get(each.document, Replaced())
        place = places.get(each.document, "") if each.document else each.place
        yield Aside(
            each.at, _written(each), why, each.document, place, each.by_patient, by.id, by.at
        )


def _why(each: Measure, drawn: set[str], replaced: Mapping[str, Replaced]) -> Why | None:
    if each.document in replaced:
        return "replaced"
    if each.value is None:
        return "bound" if each.text[:1] in ("<", ">") else "text"
    return None if each.unit in drawn else "unit"


def _written(each: Measure) -> str:
    return f"{each.text} {units.shown(each.unit)}".strip()
