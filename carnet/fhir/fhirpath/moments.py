# SPDX-License-Identifier: EUPL-1.2
"""Dates and times as FHIRPath has them: as precise as they are written, and compared no further.

`@2018-03 < @2018-03-01` is not known: the month may start before its first day or after. A second
and its fractions are one precision. Of two times of which one alone has a zone, the other stands
anywhere on Earth: they compare when more than fourteen hours part them.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from carnet.fhir.fhirpath.refusals import WrongType
from carnet.fhir.fhirpath.values import CALENDAR, DATE, DATETIME, TIME, Quantity

SHAPE: Final = re.compile(
    r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?"
    r"(?:T(?:([01][0-9]|2[0-3])(?::([0-5][0-9])(?::([0-5][0-9]|60)(\.[0-9]{1,30})?)?)?"
    r"(Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?)?)?"
)
CLOCK: Final = re.compile(
    r"([01][0-9]|2[0-3])(?::([0-5][0-9])(?::([0-5][0-9]|60)(\.[0-9]{1,30})?)?)?"
)
FARTHEST: Final = timedelta(hours=14)  # of a clock from UTC
KIND: Final = {"date": DATE, "dateTime": DATETIME, "instant": DATETIME, "time": TIME}

# UCUM's own units of time that are worth as much as the calendar's; its year and month are not.
DEFINITE: Final = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second",
                   "ms": "millisecond"}  # fmt: skip
MILLISECONDS: Final = {"week": 604_800_000, "day": 86_400_000, "hour": 3_600_000,
                       "minute": 60_000, "second": 1_000, "millisecond": 1}  # fmt: skip
MONTHS: Final = {"year": 12, "month": 1}


@dataclass(frozen=True, slots=True)
class Moment:
    """Numbers as far as they are written: year, month, day, hour, minute, second (or from hour)."""

    numbers: tuple[int | Decimal, ...]
    zone: int | None  # minutes east of UTC
    clock: bool  # a time of day, without a day
    digits: int = 0  # of the fraction of the second

    @property
    def start(self) -> datetime:
        """Its first moment, as its own clock shows it."""
        if self.clock:
            filled = (1, 1, 1, *self.numbers, 0, 0)[:6]
        else:
            filled = (*self.numbers, *(1, 1, 1, 0, 0, 0)[len(self.numbers) :])
        year, month, day, hour, minute, second = filled
        whole = datetime(int(year), int(month), int(day), int(hour), int(minute))  # noqa: DTZ001
        return whole + timedelta(microseconds=int(second * 1_000_000))


@lru_cache(maxsize=4096)
def parse(text: str, clock: bool = False) -> Moment | None:
    """The moment a text says; None when it says none."""
    found = (CLOCK if clock else SHAPE).fullmatch(text)
    if found is None:
        return None
    if clock:
        *parts, fraction = found.groups()
        zone = None
    else:
        *parts, fraction, shown = found.groups()
        if parts[3] is not None and parts[2] is None:
            return None
        zone = _zone(shown)
    numbers: list[int | Decimal] = [int(p) for p in parts if p is not None]
    if fraction:
        numbers[-1] = Decimal(f"{int(numbers[-1])}{fraction}")
    made = Moment(tuple(numbers), zone, clock, len(fraction) - 1 if fraction else 0)
    try:
        made.start  # noqa: B018  # the 30th of February is no day
    except (ValueError, OverflowError):
        return None
    return made


def of(kind: str, text: str) -> Moment | None:
    """The moment of an item, by its type."""
    return parse(text, KIND.get(kind, kind) == TIME)


def _zone(shown: str | None) -> int | None:
    if shown is None or shown == "Z":
        return None if shown is None else 0
    minutes = int(shown[1:3]) * 60 + int(shown[4:6])
    return -minutes if shown[0] == "-" else minutes


def compare(left: Moment, right: Moment) -> int | None:
    """-1, 0 or 1; None where their precisions leave it open."""
    ours, theirs = left.numbers, right.numbers
    if not left.clock and len(ours) > 3 and len(theirs) > 3 and left.zone != right.zone:
        if left.zone is None or right.zone is None:
            apart = _utc(left) - _utc(right)
            return None if abs(apart) <= FARTHEST else 1 if apart > timedelta() else -1
        ours, theirs = _shifted(left), _shifted(right)
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            return -1 if mine < other else 1
    return 0 if len(ours) == len(theirs) else None


def _utc(moment: Moment) -> datetime:
    try:
        return moment.start - timedelta(minutes=moment.zone or 0)
    except OverflowError:
        return moment.start


def _shifted(moment: Moment) -> tuple[int | Decimal, ...]:
    """The numbers of a moment as a clock of UTC shows them."""
    there = _utc(moment)
    numbers = (there.year, there.month, there.day, there.hour, there.minute)
    return (*numbers, *moment.numbers[5:])  # zones are whole minutes


def add(kind: str, text: str, quantity: Quantity, sign: int) -> str | None:
    """A moment and a stretch of time, to the moment's precision; None past the calendar's ends."""
    unit = _unit(quantity)
    moment = of(kind, text)
    if moment is None:
        return None
    count = sign * int(quantity.value)
    try:
        return written(_moved(moment, count, unit))
    except (OverflowError, ValueError):
        return None


def _unit(quantity: Quantity) -> str:
    unit = quantity.unit
    found = unit if quantity.calendar else DEFINITE.get(unit) or CALENDAR.get(unit)
    if found is None:
        raise WrongType(
            "FHIRPath adds to dates years, months, weeks, days, hours, minutes, seconds and"
            " milliseconds; of UCUM's units wk, d, h, min, s and ms."
        )
    return found


def _moved(moment: Moment, count: int, unit: str) -> Moment:
    precision = len(moment.numbers)
    if moment.clock:
        if unit in MONTHS:
            raise WrongType("FHIRPath adds no year or month to a time of day.")
        by = _toward_zero(count * MILLISECONDS[unit], (3_600_000, 60_000, 1)[precision - 1])
        return _kept(moment, moment.start + timedelta(milliseconds=by % 86_400_000))
    if precision < 3:  # of a year or a month, only whole ones are added
        months = count * MONTHS[unit] if unit in MONTHS else _months(count, unit, precision)
        return _by_months(moment, _toward_zero(months, 12 if precision == 1 else 1))
    if unit in MONTHS:
        return _by_months(moment, count * MONTHS[unit])
    finest = (86_400_000, 3_600_000, 60_000, 1)[precision - 3]
    by = _toward_zero(count * MILLISECONDS[unit], finest)
    return _kept(moment, moment.start + timedelta(milliseconds=by))


def _months(count: int, unit: str, precision: int) -> int:
    """Days as months of thirty and years of 365, where nothing finer is kept."""
    days = abs(count) * MILLISECONDS[unit] // 86_400_000
    months = days // 365 * 12 if precision == 1 else days // 30
    return months if count >= 0 else -months


def _toward_zero(number: int, step: int) -> int:
    whole = abs(number) // step * step
    return whole if number >= 0 else -whole


def _by_months(moment: Moment, months: int) -> Moment:
    year, month = int(moment.numbers[0]), int((*moment.numbers, 1)[1])
    years, month = divmod(year * 12 + month - 1 + months, 12)
    if not 1 <= years <= 9999:
        raise OverflowError
    numbers: list[int | Decimal] = list(moment.numbers)
    numbers[0] = years
    if len(numbers) > 1:
        numbers[1] = month + 1
    if len(numbers) > 2:  # the 31st of a month of thirty is its last day
        numbers[2] = min(int(numbers[2]), monthrange(years, month + 1)[1])
    return Moment(tuple(numbers), moment.zone, clock=False, digits=moment.digits)


def _kept(moment: Moment, there: datetime) -> Moment:
    """A point in time, as precise as a moment was."""
    second: int | Decimal = there.second
    digits = moment.digits
    if digits or there.microsecond:
        digits = max(digits, 3)
        second = Decimal(there.second) + Decimal(there.microsecond) / 1_000_000
    hours = (there.hour, there.minute, second)
    if moment.clock:
        return Moment(hours[: len(moment.numbers)], None, clock=True, digits=digits)
    numbers = (there.year, there.month, there.day, *hours)[: len(moment.numbers)]
    return Moment(numbers, moment.zone, clock=False, digits=digits)


def written(moment: Moment) -> str:
    """A moment as it is written in FHIRPath, without @ and T."""
    numbers = moment.numbers
    day, time = ((), numbers) if moment.clock else (numbers[:3], numbers[3:])
    text = "-".join(f"{int(n):0{2 if i else 4}d}" for i, n in enumerate(day))
    if time:
        parts = [f"{int(n):02d}" for n in time[:2]]
        if len(time) > 2:
            parts.append(_second(time[2], moment.digits))
        text += ("" if moment.clock else "T") + ":".join(parts)
        text += zone(moment.zone)
    return text


def _second(second: int | Decimal, digits: int) -> str:
    return f"{second:0{3 + digits}.{digits}f}" if digits else f"{int(second):02d}"


def zone(minutes: int | None) -> str:
    """A zone as it is written: nothing, Z, or +02:00."""
    if minutes is None or minutes == 0:
        return "" if minutes is None else "Z"
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"
