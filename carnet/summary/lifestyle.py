# SPDX-License-Identifier: EUPL-1.2
"""How the patient lives: tobacco, alcohol, exercise… The last that was said of each. FHIR R4, Observation.

What is of somebody else (`focus`), not final, without a value or with a reason for having none is no line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from carnet.summary.facts import LOINC, Fact, codings, listed, mapping, moment, name, notes, rules
from carnet.summary.pages import Line, Section

SAID = frozenset({"final", "amended", "corrected"})
EARLY = "preliminary"  # said, and not yet answered for
VALUES = ("valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger")
MONTH = timedelta(days=30.4375)
YES_NO = {True: "oui", False: "non"}


@cache
def labels() -> dict[str, str]:
    """Each code that is looked for, with what it is called."""
    return {each["code"]: each["label"] for each in rules("lifestyle")["habit"]}


def lifestyle(facts: Iterable[Fact], now: datetime, *, more: bool = False) -> Section:
    """The habits of a record; a line has what was said last of one, by whoever said it."""
    by: dict[str, list[Fact]] = {}
    for each in facts:
        code = habit(each.own)
        if code and tells(each.own):
            by.setdefault(code, []).append(each)
    found = [_line(code, by[code], now) for code in labels() if code in by]
    return Section(tuple(found), more=more)


def habit(own: Mapping[str, Any]) -> str:
    """The habit an Observation is of, "" for none."""
    wanted = labels()
    found = (value for system, value in codings(own.get("code")) if system == LOINC)
    return next((each for each in found if each in wanted), "")


def tells(own: Mapping[str, Any]) -> bool:
    """Whether an Observation says something of this patient, and stands by it."""
    if own.get("status") not in SAID | {EARLY} or own.get("modifierExtension"):
        return False
    return not (own.get("focus") or own.get("dataAbsentReason")) and bool(value(own))


def value(own: Mapping[str, Any]) -> str:
    """Its value as it is read; "" for none that is read here."""
    if "valueBoolean" in own:
        return YES_NO.get(own["valueBoolean"], "")
    if "valueInteger" in own:
        return str(own["valueInteger"])
    if "valueQuantity" in own:
        amount = mapping(own["valueQuantity"])
        if amount.get("value") is None:
            return ""
        unit = str(amount.get("unit") or amount.get("code") or "").strip("{}")
        said = f"{amount.get('comparator', '')}{amount['value']}".replace(".", ",")
        return f"{said} {unit}".strip()
    return name(own.get("valueCodeableConcept")) or str(own.get("valueString") or "")


def _at(fact: Fact) -> datetime:
    """When it was so: as observed, else as written."""
    period = mapping(fact.own.get("effectivePeriod"))
    said = fact.own.get("effectiveDateTime") or period.get("end") or period.get("start")
    return moment(said) or fact.at or datetime.min.replace(tzinfo=UTC)


def _line(code: str, facts: Sequence[Fact], now: datetime) -> Line:
    ordered = sorted(facts, key=lambda each: (_at(each), each.stored.rid), reverse=True)
    last = ordered[0]
    at = _at(last)
    same = [each for each in ordered if _at(each) == at]
    told = list(dict.fromkeys(value(each.own) for each in same))
    sources = [each.source(said=value(each.own) if len(told) > 1 else "") for each in same]
    own = last.own
    line = Line(
        labels()[code],
        since=str(own.get("effectiveDateTime") or mapping(own.get("effectivePeriod")).get("start") or ""),
        details=(value(own), *notes(own)[:2]),
        sources=tuple(sources),
        old=now - at > rules("lifestyle")["ages"]["habit"] * MONTH,
        unsure=own.get("status") == EARLY or _doubtful(own),
    )  # fmt: skip
    return replace(line, conflicts=("values",)) if len(told) > 1 else line


def _doubtful(own: Mapping[str, Any]) -> bool:
    """A quantity that is only a bound is no measure of a habit."""
    return any(mapping(own.get(each)).get("comparator") for each in VALUES) or bool(
        listed(own.get("component"))
    )
