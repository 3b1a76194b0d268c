# SPDX-License-Identifier: EUPL-1.2
"""Key results: the last value of each measure of results.toml, and what it was before. FHIR R4, Observation.

A value is compared with an earlier one of the same unit only, and of the same code where the data say so.
Nothing is judged: the flag and the range are those of the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from carnet.summary.facts import (
    LOINC,
    Fact,
    code,
    codings,
    listed,
    mapping,
    moment,
    name,
    of_another,
    rules,
)
from carnet.summary.pages import Value

VOID = frozenset({"entered-in-error", "cancelled", "registered"})


Measures = tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]


@cache
def kept(which: str = "result") -> Measures:
    """(label, codes, parts) of each measure, in the order of the page; `more` are a summary's besides."""
    return tuple(
        (each["label"], tuple(each["codes"]), tuple(each.get("parts", ())))
        for each in rules("results")[which]
    )


@cache
def codes(which: str = "result") -> frozenset[str]:
    """Every LOINC code that is looked for."""
    return frozenset(found for _, whole, parts in kept(which) for found in (*whole, *parts))


@cache
def apart() -> frozenset[str]:
    """Measures whose codes are ways of measuring that make no trend together, by label."""
    data = rules("results")
    return frozenset(
        each["label"] for each in (*data["result"], *data["more"]) if each.get("apart")
    )


@cache
def names(language: str) -> dict[str, str]:
    """Measures in another language, by their label."""
    data = rules("results")
    every = (*data["result"], *data["more"])
    return {each["label"]: each[language] for each in every if language in each}


def results(
    facts: Iterable[Fact], measures: Measures | None = None, *, now: datetime | None = None
) -> tuple[Value, ...]:
    """The last value of each measure, in the order of the data.

    now: what is dated of a later day is told, and stands before nothing.
    """
    measures = kept() if measures is None else measures
    wanted = {found for _, whole, parts in measures for found in (*whole, *parts)}
    by: dict[str, list[Fact]] = {}
    for each in facts:
        if each.own.get("status") in VOID or of_another(each.own):
            continue
        for system, value in codings(each.own.get("code")):
            if system == LOINC and value in wanted:
                by.setdefault(value, []).append(each)
    found = []
    for label, whole, parts in measures:
        held = [each for one in whole for each in by.get(one, [])]
        values = [v for each in held if (v := _value(label, each, each.own, parts)) is not None]
        values += _apart(label, by, parts)
        if values:
            found.append(_settled(values, now))
    return tuple(found)


def _settled(values: Sequence[Value], now: datetime | None) -> Value:
    """The last one that may have been measured; with those of a day to come, which are told."""
    if now is None:
        return _last(values)
    wrong = [each for each in values if to_come(each.at, now)]
    if not wrong:
        return _last(values)
    told = tuple(
        replace(source, said=f"{each.value} {each.unit}".strip())
        for each in wrong
        for source in each.sources
    )
    sound = [each for each in values if each not in wrong]
    last = _last(sound or wrong)
    own = () if not sound else last.sources
    return replace(last, sources=(*own, *told), conflicts=(*last.conflicts, "future"))


def to_come(at: datetime, now: datetime) -> bool:
    """Whether a result is of a day that has not come: a day of the calendar is left to zones."""
    return at - now > timedelta(days=1)


def _last(values: Sequence[Value]) -> Value:
    """The last one, with what was before it; two values of one instant are both told."""
    ordered = sorted(values, key=lambda each: each.at, reverse=True)
    last = ordered[0]
    same = [each for each in ordered if each.at == last.at]
    sources = tuple(dict.fromkeys(s for each in same for s in each.sources))
    shown = {(each.value if each.number is None else each.number, each.unit) for each in same}
    if len(shown) > 1:
        sources = tuple(
            replace(s, said=f"{each.value} {each.unit}".strip())
            for each in same
            for s in each.sources
        )
        if len({unit for _, unit in shown}) < len(shown):  # a value told in two units is no dispute
            return replace(last, sources=sources, conflicts=("values",))
    # Two ways of measuring (a filtration by two formulas) are no trend.
    before = next(
        (
            each
            for each in ordered
            if each.at < last.at
            and each.number is not None
            and each.unit == last.unit
            and (last.label not in apart() or each.code == last.code)
        ),
        None,
    )
    if before is None or last.number is None:
        return replace(last, sources=sources)
    return replace(last, sources=sources, previous=before.number, previous_at=before.at)


def _value(label: str, fact: Fact, own: Mapping[str, Any], parts: Sequence[str]) -> Value | None:
    """One Observation as a value; a panel by its parts."""
    at = _when(fact)
    if parts:
        told: dict[str, Mapping[str, Any]] = {}
        for component in listed(own.get("component")):
            for _, held in codings(component.get("code")):
                told.setdefault(held, mapping(component.get("valueQuantity")))
        if not all(part in told and told[part].get("value") is not None for part in parts):
            return None
        quantities = [told[part] for part in parts]
        joined = "/".join(str(each["value"]) for each in quantities)
        return _made(label, fact, parts, at, joined, _unit(quantities[0]), None, own)
    quantity = mapping(own.get("valueQuantity"))
    value = quantity.get("value")
    number = Decimal(value) if isinstance(value, Decimal | int) else None
    if number is not None:
        text = f"{quantity.get('comparator', '')}{value}"
        exact = None if quantity.get("comparator") else number
        return _made(label, fact, parts, at, text, _unit(quantity), exact, own)
    text = name(own.get("valueCodeableConcept")) or str(
        own.get("valueString") or own.get("valueDateTime") or own.get("valueInteger") or ""
    )
    return _made(label, fact, parts, at, text[:80], "", None, own) if text else None


def _apart(label: str, by: Mapping[str, Sequence[Fact]], parts: Sequence[str]) -> Iterable[Value]:
    """A panel whose parts came as Observations of their own, at one instant."""
    if not parts:
        return
    at: dict[datetime, dict[str, Fact]] = {}
    for part in parts:
        for each in by.get(part, []):
            if mapping(each.own.get("valueQuantity")).get("value") is not None:
                at.setdefault(_when(each), {}).setdefault(part, each)
    for when, held in at.items():
        if len(held) == len(parts):
            quantities = [mapping(held[part].own.get("valueQuantity")) for part in parts]
            text = "/".join(str(each["value"]) for each in quantities)
            first = held[parts[0]]
            yield _made(label, first, parts, when, text, _unit(quantities[0]), None, {})


def _made(
    label: str,
    fact: Fact,
    parts: Sequence[str],
    at: datetime,
    text: str,
    unit: str,
    number: Decimal | None,
    own: Mapping[str, Any],
) -> Value:
    spread = next(iter(listed(own.get("referenceRange"))), {}) if not parts else {}
    flag = next((code(each) for each in listed(own.get("interpretation"))), "")
    source = fact.source()
    first = next(value for system, value in codings(fact.own.get("code")) if system == LOINC)
    return Value(
        code=first,
        label=label,
        value=text,
        unit=unit,
        number=number,
        low=_end(spread, "low", unit),
        high=_end(spread, "high", unit),
        range_text=str(spread.get("text") or ""),
        interpretation=flag or None,
        at=at,
        previous=None,
        previous_at=None,
        sources=(source,),
        declared=source.by != "professional",
    )


def _end(spread: Mapping[str, Any], end: str, unit: str) -> Decimal | None:
    """An end of the range, when it is in the unit of the value or says none."""
    bound = mapping(spread.get(end))
    value = bound.get("value")
    if not isinstance(value, Decimal | int) or _unit(bound) not in ("", unit):
        return None
    return Decimal(value)


def _unit(quantity: Mapping[str, Any]) -> str:
    return str(quantity.get("unit") or quantity.get("code") or "")


def _when(fact: Fact) -> datetime:
    return moment_of(fact.own) or fact.stored.upd


def moment_of(own: Mapping[str, Any]) -> datetime | None:
    """When it was measured; None when it does not say."""
    return (
        moment(own.get("effectiveDateTime"))
        or moment(mapping(own.get("effectivePeriod")).get("start"))
        or moment(own.get("effectiveInstant"))
        or moment(own.get("issued"))
    )


def measured(own: Mapping[str, Any]) -> str | None:
    """The unit of what it says, "" for none; None when it says nothing."""
    if quantity := mapping(own.get("valueQuantity")):
        return _unit(quantity) if quantity.get("value") is not None else None
    parts = [mapping(each.get("valueQuantity")) for each in listed(own.get("component"))]
    if held := next((each for each in parts if each.get("value") is not None), None):
        return _unit(held)
    return "" if any(key.startswith("value") for key in own) else None
