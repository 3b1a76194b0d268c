# SPDX-License-Identifier: EUPL-1.2
"""Items of a collection, and what they are worth to FHIRPath's own types.

An item is a tuple: the name of its type, its value as in JSON, and, for a primitive of FHIR, what
its `_name` sibling holds. Types of FHIR go by their names (`string`, `Quantity`, `Patient.contact`),
those of FHIRPath by theirs (`System.String`). Dates stay the texts they were written as; decimals
are exact.
"""

from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any, Final

Item = tuple[str, Any, dict[str, Any] | None]
Items = list[Item]

BOOLEAN: Final = "System.Boolean"
STRING: Final = "System.String"
INTEGER: Final = "System.Integer"
DECIMAL: Final = "System.Decimal"
DATE: Final = "System.Date"
DATETIME: Final = "System.DateTime"
TIME: Final = "System.Time"
QUANTITY: Final = "System.Quantity"
SYSTEM: Final = frozenset((BOOLEAN, STRING, INTEGER, DECIMAL, DATE, DATETIME, TIME, QUANTITY))

UCUM: Final = "http://unitsofmeasure.org"
MOST_DIGITS: Final = 60  # before or after the point
EXACT: Final = Context(prec=120, Emax=MAX_EMAX, Emin=MIN_EMIN)
ROUNDED: Final = Context(prec=28)  # of what no decimal holds exactly: a third, a root

# What FHIR's primitives are to FHIRPath; every other primitive is a String.
SYSTEM_OF: Final = {
    "boolean": BOOLEAN, "integer": INTEGER, "positiveInt": INTEGER, "unsignedInt": INTEGER,
    "decimal": DECIMAL, "date": DATE, "dateTime": DATETIME, "instant": DATETIME, "time": TIME,
}  # fmt: skip
MOMENTS: Final = frozenset(("date", "dateTime", "instant", "time", DATE, DATETIME, TIME))
QUANTITIES: Final = frozenset(
    ("Quantity", "Age", "Duration", "Distance", "Count", "SimpleQuantity", "MoneyQuantity")
)

CALENDAR: Final = {
    **{f"{unit}{s}": unit for s in ("", "s")
       for unit in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")},
}  # fmt: skip

TRUE: Final[Items] = [(BOOLEAN, True, None)]
FALSE: Final[Items] = [(BOOLEAN, False, None)]
NOTHING: Final[Items] = []


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and its unit: a UCUM expression, or a word of the calendar."""

    value: Decimal | int
    unit: str
    calendar: bool = False  # `1 year`, not `1 'a'`
    system: str = UCUM  # where a Quantity of FHIR has another, its code is compared as it is

    def __str__(self) -> str:
        if self.calendar:
            return f"{written(self.value)} {self.unit}{'' if self.value == 1 else 's'}"
        return f"{written(self.value)} '{self.unit}'"


def written(number: Decimal | int) -> str:
    """A number without exponent."""
    return format(number, "f") if type(number) is Decimal else str(number)


def text(value: str) -> Items:
    """A collection of one String."""
    return [(STRING, value, None)]


def integer(value: int) -> Items:
    """A collection of one Integer, or nothing beyond what an Integer of FHIRPath holds."""
    return [(INTEGER, value, None)] if -2_147_483_648 <= value <= 2_147_483_647 else NOTHING


def decimal(value: Decimal) -> Items:
    """A collection of one Decimal, or nothing beyond what is reckoned with here."""
    fits = (
        value.is_finite() and -MOST_DIGITS <= value.adjusted() <= MOST_DIGITS
    ) or value.is_zero()
    return [(DECIMAL, value, None)] if fits else NOTHING


def boolean(value: bool | None) -> Items:
    """A collection of one Boolean, empty for what is not known."""
    return NOTHING if value is None else TRUE if value else FALSE


def is_value(value: Any) -> bool:
    """Whether an item has a value of its own: no object, and not extensions alone."""
    return value is not None and type(value) is not dict


def quantity(item: Item) -> Quantity | None:
    """What an item is as a Quantity: FHIR's, FHIRPath's, or a number, whose unit is one."""
    kind, value, _ = item
    if type(value) is Quantity:
        return value
    if type(value) is dict and kind in QUANTITIES:
        number: Any = value.get("value")
        if type(number) not in (int, Decimal) or "comparator" in value:
            return None
        code, system = value.get("code"), value.get("system")
        if code is not None and system is not None:
            return Quantity(number, code, system=system)
        unit = value.get("unit")
        return Quantity(number, unit or "1", system=UCUM if unit is None else "")
    if type(value) is int or type(value) is Decimal:
        return Quantity(value, "1")
    return None


def system_kind(item: Item) -> str | None:
    """The type of FHIRPath an item stands for; None for what has none."""
    kind, value, _ = item
    if kind in SYSTEM:
        return kind
    if type(value) is dict:
        return QUANTITY if kind in QUANTITIES else None
    return None if value is None else SYSTEM_OF.get(kind, STRING)
