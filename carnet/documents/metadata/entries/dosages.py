# SPDX-License-Identifier: EUPL-1.2
"""How a treatment is taken: doses, rhythm, route, as Dosage. Source: IHE PCC, Medications; FHIR R4."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from carnet.documents.cda.datatypes import Interval, Quantity, bare
from carnet.documents.cda.statements import Statement, Timing
from carnet.documents.metadata.entries import products
from carnet.documents.metadata.pieces import Json, concept, kept, quantity

# HL7 v3 TimingEvent that FHIR's EventTiming has under the same code.
EVENTS: Final = frozenset(
    {"AC", "ACD", "ACM", "ACV", "C", "CD", "CM", "CV", "HS", "PC", "PCD", "PCM", "PCV", "WAKE"}
)
# Meals themselves: FHIR wants no offset from them (tim-9).
MEALS: Final = frozenset({"C", "CM", "CD", "CV"})
# Those it has not, in words.
BETWEEN: Final = {
    "IC": "entre les repas",
    "ICM": "entre le petit déjeuner et le déjeuner",
    "ICD": "entre le déjeuner et le dîner",
    "ICV": "entre le dîner et le coucher",
}
MAX_DAYS: Final = 36_500
MAX_MINUTES: Final = 10_000
UNITS: Final = frozenset({"s", "min", "h", "d", "wk", "mo", "a"})
# Days of what is counted in whole days.
DAYS: Final = {"d": 1, "wk": 7}
HOURS_A_DAY: Final = 24
SUBORDINATE: Final = ("1.2.250.1.213.1.1.3.42.1", "1.2.250.1.213.1.1.3.83.1")
# Doses that follow one another, and a product taken with another. Source: IHE PCC, Medications.
TAPERED: Final = "1.3.6.1.4.1.19376.1.5.3.1.4.8"
# A condition that says the patient takes it when there is need.
AS_NEEDED: Final = re.compile(r"\b(si|en cas|au besoin|à la demande)\b", re.IGNORECASE)


def of(statement: Statement, told: list[str]) -> list[Json]:
    """The dosage of a treatment, or those of its steps in order. told: what the patient is told.

    Steps that begin at different times follow one another; others are taken together.
    """
    steps = [each for each in statement.inside() if is_step(each)]
    own = _dosage(statement, told)
    if not steps:
        return [own] if own else []
    found = [_step(own, _dosage(each, [])) for each in steps]
    found = [each for each in found if each]
    if told and found:
        found[0] = {**found[0], "patientInstruction": "\n".join(told)}
    if statement.dose is not None or _rhythms(statement):
        found.insert(0, own)
    follow = statement.is_a(TAPERED) or len({_begins(each) for each in found}) > 1
    if follow and len(found) > 1:
        found = [{"sequence": rank, **each} for rank, each in enumerate(found, 1)]
    return found


def is_step(statement: Statement) -> bool:
    """Whether it says how the treatment that holds it is taken, not a treatment of its own."""
    if statement.kind != "substanceAdministration" or statement.negated or statement.null:
        return False
    return statement.is_a(*SUBORDINATE)


def _step(whole: Json, part: Json) -> Json:
    """A step, with what the whole says of all of them."""
    if not part:
        return part
    common: Json = {
        key: whole[key]
        for key in ("site", "route", "maxDosePerPeriod", "additionalInstruction")
        if key in whole
    }
    return {**common, **part}


def _begins(dosage: Json) -> str | None:
    bounds = dosage.get("timing", {}).get("repeat", {}).get("boundsPeriod", {})
    found = bounds.get("start")
    return str(found) if found else None


def text(statement: Statement) -> str | None:
    """The dose and the rhythm in words, from the codes."""
    parts = []
    dose = statement.dose
    if isinstance(dose, Quantity):
        parts.append(_amount(dose))
    elif isinstance(dose, Interval):
        same = dose.low == dose.high
        parts.append(_amount(dose.low) if same else f"{_amount(dose.low)} à {_amount(dose.high)}")
    for timing in statement.timings:
        if timing.every is not None:
            parts.append(f"toutes les {_amount(timing.every)}")
    return ", ".join(parts) or None


def _dosage(statement: Statement, told: list[str]) -> Json:
    dose, rate, most = statement.dose, statement.rate, statement.most
    given: Json = {}
    if isinstance(dose, Quantity) and dose.comparator:  # one end of a range
        end = "low" if dose.comparator.startswith(">") else "high"
        given["doseRange"] = {end: quantity(bare(dose))}
    elif isinstance(dose, Quantity):
        given["doseQuantity"] = quantity(dose)
    elif isinstance(dose, Interval):
        if dose.low == dose.high:
            given["doseQuantity"] = quantity(dose.low)
        else:
            given["doseRange"] = {"low": quantity(dose.low), "high": quantity(dose.high)}
    if isinstance(rate, Quantity):
        given["rateQuantity"] = quantity(bare(rate))
    elif isinstance(rate, Interval):
        if rate.low == rate.high:
            given["rateQuantity"] = quantity(rate.low)
        else:
            given["rateRange"] = {"low": quantity(rate.low), "high": quantity(rate.high)}
    condition = {"text": statement.precondition} if statement.precondition else None
    needed = condition is not None and AS_NEEDED.search(statement.precondition or "")
    return kept(
        {
            "text": None if _is_name(statement) else statement.text,
            "patientInstruction": "\n".join(told) or None,
            "additionalInstruction": [condition] if condition and not needed else None,
            "timing": _timing(statement),
            "asNeededCodeableConcept": condition if needed else None,
            "site": concept(statement.approaches[0]) if statement.approaches else None,
            "route": concept(statement.route),
            "doseAndRate": [given] if given else None,
            "maxDosePerPeriod": {
                "numerator": quantity(most.numerator),
                "denominator": quantity(most.denominator),
            }
            if most
            else None,
        }
    )


def _is_name(statement: Statement) -> bool:
    """Whether the text of a line is only the name of its product: no dose stands in it."""
    named = products.product(statement.product)
    found = statement.product.code if statement.product else None
    if named is None:  # the text names it, unless it is a step of what is named above
        return not statement.is_a(*SUBORDINATE) and statement.dose is None
    names = {named.get("text"), *(each.get("display") for each in named.get("coding", []))}
    names |= {found.display, found.original} if found else set()
    return statement.text in names


def _timing(statement: Statement) -> Json | None:
    """One Timing: its bounds, then its rhythm; a rhythm of several kinds stays in words."""
    flat = _flat(statement.timings)
    repeat = _bounds(flat)
    rhythms = _rhythms(statement)
    periods = [each for each in rhythms if each.every is not None]
    events = [each for each in rhythms if each.every is None]
    words: str | None = None
    clock = [_clock(each) for each in periods]
    if len(periods) == 1 and not events:
        repeat |= _rhythm(periods[0])
    elif events and len(periods) <= 1:
        told = _events(events)
        if told is None:
            words = ", ".join(BETWEEN.get(each.event or "", each.event or "") for each in events)
        else:
            repeat |= told | (_rhythm(periods[0]) if periods else {})
    elif periods and not events and all(clock) and len(set(clock)) == len(clock):
        repeat |= {"timeOfDay": sorted(each for each in clock if each)}
        repeat |= {"frequency": 1, "period": 1, "periodUnit": "d"}
    elif rhythms:
        words = text(statement)
    return kept({"repeat": repeat, "code": {"text": words} if words else None}) or None


def _rhythms(statement: Statement) -> list[Timing]:
    return [t for t in _flat(statement.timings) if t.every is not None or t.event]


def _bounds(flat: list[Timing]) -> Json:
    """Between which dates, or how long: an end that is said before one that is counted."""
    found: Json = {}
    for each in flat:
        if each.every is not None or each.event:
            continue
        at, width = each.at, each.width
        if found.get("boundsPeriod", {}).get("end") and not (at and at.high):
            continue
        if at is not None and not at.point:
            end = at.high or _end(at.low, width)
            if end is None and width is not None:
                found = {"boundsDuration": quantity(width)}
            else:
                found = {"boundsPeriod": kept({"start": at.low, "end": end})}
        elif width is not None:
            found = {"boundsDuration": quantity(width)}
    return found


def _end(start: str | None, width: Quantity | None) -> str | None:
    """The last day of so many days from a day on."""
    if start is None or width is None or width.unit not in DAYS or len(start) != len("2025-01-01"):
        return None
    days = width.value * DAYS[width.unit]
    if days != days.to_integral_value() or not 1 <= days <= MAX_DAYS:
        return None
    try:
        return (date.fromisoformat(start) + timedelta(days=int(days) - 1)).isoformat()
    except (ValueError, OverflowError):
        return None


def _flat(timings: tuple[Timing, ...]) -> list[Timing]:
    found: list[Timing] = []
    for each in timings:
        found += _flat(each.parts) if each.parts else [each]
    return found


def _events(timings: list[Timing]) -> Json | None:
    """Moments of the day; None when FHIR has no code for one of them."""
    if not all(each.event in EVENTS for each in timings):
        return None
    made: Json = {"when": list(dict.fromkeys(each.event for each in timings))}
    offsets = {_minutes(each.offset) for each in timings}
    if len(offsets) == 1 and not MEALS & set(made["when"]):
        (offset,) = offsets
        if offset:
            made["offset"] = offset
    return made


def _minutes(offset: Quantity | None) -> int | None:
    """How far from the event; before or after, the event itself says."""
    if offset is None or offset.unit not in ("min", "h"):
        return None
    found = abs(offset.value) * (60 if offset.unit == "h" else 1)
    return int(found) if found == found.to_integral_value() and found <= MAX_MINUTES else None


def _clock(timing: Timing) -> str | None:
    """The time of the day of what comes once a day."""
    every, at = timing.every, timing.at
    daily = every is not None and (int(every.value), every.unit) in ((1, "d"), (HOURS_A_DAY, "h"))
    if not daily or at is None or at.low is None or "T" not in at.low:
        return None
    return at.low[11:19]


def _rhythm(timing: Timing) -> Json:
    every = timing.every
    if every is None or every.unit not in UNITS or every.value <= 0:
        return {}
    made: Json = {"frequency": 1, "period": _plain(every.value), "periodUnit": every.unit}
    times = HOURS_A_DAY / every.value if every.unit == "h" else Decimal(0)
    if timing.institution and times >= 1 and times == times.to_integral_value():
        # So many times a day, at the hours of the place: not every so many hours.
        made = {"frequency": int(times), "period": 1, "periodUnit": "d"}
    if clock := _clock(timing):
        made["timeOfDay"] = [clock]
    return made


def _plain(amount: Decimal) -> Decimal | int:
    return int(amount) if amount == amount.to_integral_value() else amount


def _amount(found: Quantity) -> str:
    unit = (found.unit or "").strip("{}")
    return f"{found.value} {unit}".strip() if unit not in ("", "1") else str(found.value)
