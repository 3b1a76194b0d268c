# SPDX-License-Identifier: EUPL-1.2
"""Quantities compared and reckoned with, by UCUM. Units of different things give no answer."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from carnet.fhir import ucum
from carnet.fhir.fhirpath.values import EXACT, ROUNDED, UCUM, Quantity

# The calendar's words in UCUM. A year and a month of the calendar are no number of days.
UNITS: Final = {"week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
                "millisecond": "ms", "year": "a", "month": "mo"}  # fmt: skip
VAGUE: Final = frozenset(("year", "month"))


def _unit(quantity: Quantity) -> str:
    return UNITS[quantity.unit] if quantity.calendar else quantity.unit


def relation(left: Quantity, right: Quantity, loose: bool = False) -> tuple[Fraction, Fraction]:
    """(scale, shift) from the left unit to the right; ucum.NotConvertible when there is none.

    loose: a year of the calendar may stand for UCUM's, as equivalence has it.
    """
    if left.unit == right.unit and left.calendar == right.calendar and left.system == right.system:
        return Fraction(1), Fraction(0)
    if left.system != UCUM or right.system != UCUM:
        raise ucum.NotConvertible
    if not loose and left.calendar != right.calendar and VAGUE & {left.unit, right.unit}:
        raise ucum.NotConvertible
    if not loose and left.calendar and right.calendar:
        vague = [unit in VAGUE for unit in (left.unit, right.unit)]
        if any(vague) and not all(vague):
            raise ucum.NotConvertible
        if all(vague):
            return (Fraction(12) if left.unit == "year" else Fraction(1, 12)), Fraction(0)
    return ucum.relation(_unit(left), _unit(right))


def compare(left: Quantity, right: Quantity) -> int | None:
    """-1, 0 or 1; None where their units cannot be compared."""
    try:
        scale, shift = relation(left, right)
    except (ucum.NotUcum, ucum.NotConvertible):
        return None
    ours, theirs = Fraction(left.value) * scale + shift, Fraction(right.value)
    return 0 if ours == theirs else -1 if ours < theirs else 1


def comparable(left: Quantity, right: Quantity) -> bool:
    """Whether their units measure the same."""
    try:
        relation(left, right)
    except (ucum.NotUcum, ucum.NotConvertible):
        return False
    return True


def equivalent(left: Quantity, right: Quantity) -> bool:
    """Whether they are the same to the precision of the less precise of them."""
    try:
        scale, shift = relation(left, right, loose=True)
    except (ucum.NotUcum, ucum.NotConvertible):
        return False
    ours, theirs = Fraction(left.value), Fraction(right.value)
    # The step of each, in the unit of the right one: the coarser decides.
    step = max(_step(left.value) * abs(scale), _step(right.value))
    return round((ours * scale + shift) / step) == round(theirs / step)


def _step(number: Decimal | int) -> Fraction:
    exponent = int(number.as_tuple().exponent) if type(number) is Decimal else 0
    return Fraction(10) ** min(exponent, 0)


def plus(left: Quantity, right: Quantity, sign: int) -> Quantity | None:
    """Their sum in the unit of the left, or the difference."""
    try:
        scale, shift = relation(right, left)
    except (ucum.NotUcum, ucum.NotConvertible):
        return None
    value = ucum.scaled(Decimal(right.value), scale, shift)
    total = EXACT.add(Decimal(left.value), value if sign > 0 else value.copy_negate())
    return Quantity(total, left.unit, left.calendar, left.system)


def times(left: Quantity, right: Quantity) -> Quantity | None:
    """Their product."""
    return _combined(left, right, EXACT.multiply(Decimal(left.value), Decimal(right.value)), ".")


def over(left: Quantity, right: Quantity) -> Quantity | None:
    """Their quotient; none by zero."""
    if right.value == 0:
        return None
    return _combined(left, right, ROUNDED.divide(Decimal(left.value), Decimal(right.value)), "/")


def _combined(left: Quantity, right: Quantity, value: Decimal, sign: str) -> Quantity | None:
    if left.system != UCUM or right.system != UCUM:
        return None
    ours, theirs = _unit(left), _unit(right)
    if theirs == "1":
        unit = ours
    elif ours == "1" and sign == ".":
        unit = theirs
    elif ours == theirs and sign == "/":
        unit = "1"
    else:
        unit = f"{_grouped(ours)}{sign}{_grouped(theirs)}"
    return Quantity(value, unit) if ucum.known(unit) else None


def _grouped(unit: str) -> str:
    return f"({unit})" if set("./") & set(unit) else unit
