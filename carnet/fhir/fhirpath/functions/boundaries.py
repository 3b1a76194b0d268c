# SPDX-License-Identifier: EUPL-1.2
"""The least and the greatest value that something written so precisely may stand for."""

from calendar import monthrange
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

from carnet.fhir.fhirpath import moments, quantities
from carnet.fhir.fhirpath.compiler import Builder, Compiler, single
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.refusals import WrongType
from carnet.fhir.fhirpath.tree import Node
from carnet.fhir.fhirpath.values import (
    DATE,
    DATETIME,
    EXACT,
    MOMENTS,
    NOTHING,
    QUANTITY,
    Item,
    Items,
    Quantity,
    boolean,
    decimal,
    integer,
    quantity,
)

MOST: Final = 31  # digits after the point
STEPS: Final = {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6}  # digits of a date → numbers it has
CLOCK_STEPS: Final = {2: 1, 4: 2, 6: 3, 9: 3}
EARLIEST, LATEST = 14 * 60, -12 * 60  # zones where a day starts first and ends last


def _boundary(high: bool) -> Builder:
    def made(c: Compiler, run: Run, *precision: Node) -> Run:
        wanted = c.compile(precision[0]) if precision else None

        def bound(items: Items, frame: Frame) -> Items:
            item = single(run(items, frame))
            if item is None or item[1] is None:
                return NOTHING
            digits = None
            if wanted is not None:
                asked = single(wanted(items, frame))
                if asked is None:
                    return NOTHING
                if type(asked[1]) is not int:
                    raise WrongType("FHIRPath: a precision is a whole number.")
                digits = asked[1]
            return _of(item, digits, high)

        return bound

    return made


def _of(item: Item, digits: int | None, high: bool) -> Items:
    kind, value, _ = item
    if kind in MOMENTS:
        return _moment(item, digits, high)
    if type(value) is int or type(value) is Decimal:
        found = _number(Decimal(value), digits, high)
        return NOTHING if found is None else decimal(found)
    measured = quantity(item)
    if measured is None:
        raise WrongType("FHIRPath: boundaries are those of numbers, quantities, dates and times.")
    found = _number(Decimal(measured.value), digits, high)
    if found is None:
        return NOTHING
    made = Quantity(found, measured.unit, measured.calendar, measured.system)
    return [(QUANTITY, made, None)]


def _number(value: Decimal, digits: int | None, high: bool) -> Decimal | None:
    """Half a step away; the end farther from zero is rounded, the nearer one cut."""
    digits = 8 if digits is None else digits
    if not 0 <= digits <= MOST:
        return None
    half = Decimal(5).scaleb(min(0, int(value.as_tuple().exponent)) - 1)
    end = EXACT.add(value, half if high else -half)
    farther = (end >= 0) == high
    rounding = ROUND_HALF_UP if farther else ROUND_DOWN
    return end.quantize(Decimal(1).scaleb(-digits), rounding, EXACT)


def _moment(item: Item, digits: int | None, high: bool) -> Items:
    moment = moments.of(item[0], item[1])
    if moment is None:
        return NOTHING
    kind = moments.KIND.get(item[0], item[0])
    steps = CLOCK_STEPS if moment.clock else STEPS
    if digits is None:
        digits = 9 if moment.clock else 8 if kind == DATE else 17
    wanted = steps.get(digits)
    if wanted is None or (kind == DATE and digits > 8):
        return NOTHING
    numbers = list(moment.numbers)
    if not moment.clock and len(numbers) == 4:  # FHIR has no hour without its minutes
        numbers.append(0)
    while len(numbers) < wanted:
        numbers.append(_filled(numbers, moment.clock, high))
    whole = digits in (9, 17)
    if whole and moment.digits < 3:
        end = Decimal("0.999") if high and moment.digits == 0 else Decimal(0)
        last = Decimal(numbers[-1])
        numbers[-1] = (last + end if last == int(last) else last).quantize(Decimal("0.001"))
    zone = moment.zone
    if zone is None and not moment.clock and wanted > 3:
        zone = LATEST if high else EARLIEST
    made = moments.Moment(
        tuple(numbers[:wanted]),
        zone if wanted > 3 else None,
        moment.clock,
        max(3, moment.digits) if whole else 0,
    )
    return [(kind if wanted > 3 or kind != DATETIME else DATE, moments.written(made), None)]


def _filled(numbers: list[int | Decimal], clock: bool, high: bool) -> int:
    """The number that comes next in a date or time, at its least or greatest."""
    place = len(numbers) + (3 if clock else 0)
    if place == 1:
        return 12 if high else 1
    if place == 2:
        return monthrange(int(numbers[0]), int(numbers[1]))[1] if high else 1
    return (23 if place == 3 else 59) if high else 0


def _precision(c: Compiler, run: Run) -> Run:
    def told(items: Items, frame: Frame) -> Items:
        item = single(run(items, frame))
        if item is None or item[1] is None:
            return NOTHING
        if item[0] in MOMENTS:
            moment = moments.of(item[0], item[1])
            if moment is None:
                return NOTHING
            steps = CLOCK_STEPS if moment.clock else STEPS
            fine = 3 if moment.digits else 0
            return integer(
                next(d for d, count in steps.items() if count == len(moment.numbers)) + fine
            )
        if type(item[1]) is int or type(item[1]) is Decimal:
            return integer(max(0, -int(Decimal(item[1]).as_tuple().exponent)))
        raise WrongType("FHIRPath: precision() is that of numbers, dates and times.")

    return told


def _comparable(c: Compiler, run: Run, other: Node) -> Run:
    right = c.compile(other)

    def told(items: Items, frame: Frame) -> Items:
        ours, theirs = single(run(items, frame)), single(right(items, frame))
        if ours is None or theirs is None:
            return NOTHING
        one, two = quantity(ours), quantity(theirs)
        return boolean(one is not None and two is not None and quantities.comparable(one, two))

    return told


FUNCTIONS: Final[dict[tuple[str, int], Callable[..., Run]]] = {
    ("lowBoundary", 0): _boundary(high=False),
    ("lowBoundary", 1): _boundary(high=False),
    ("highBoundary", 0): _boundary(high=True),
    ("highBoundary", 1): _boundary(high=True),
    ("precision", 0): _precision,
    ("comparable", 1): _comparable,
}
