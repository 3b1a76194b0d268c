# SPDX-License-Identifier: EUPL-1.2
"""From one type into another; what cannot be converted is nothing, not an error."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from carnet.fhir import ucum
from carnet.fhir.fhirpath import moments, quantities
from carnet.fhir.fhirpath.compiler import TYPE_INFO, Builder, Compiler, single
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.model import model
from carnet.fhir.fhirpath.tree import Node
from carnet.fhir.fhirpath.values import (
    CALENDAR,
    DATE,
    DATETIME,
    FALSE,
    NOTHING,
    QUANTITY,
    STRING,
    SYSTEM,
    TIME,
    TRUE,
    Item,
    Items,
    Quantity,
    boolean,
    decimal,
    integer,
    quantity,
    system_kind,
    text,
    written,
)

YES: Final = frozenset(("true", "t", "yes", "y", "1", "1.0"))
NO: Final = frozenset(("false", "f", "no", "n", "0", "0.0"))
WHOLE: Final = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,60}(?:\.[0-9]{1,60})?", re.ASCII)
MEASURE: Final = re.compile(
    r"(?P<value>[+-]?[0-9]{1,60}(?:\.[0-9]{1,60})?)\s*"
    r"(?:'(?P<unit>[^']+)'|(?P<word>[a-zA-Z]+))?",
    re.ASCII,
)

Convert = Callable[[Item], Items]


def to_boolean(item: Item) -> Items:
    """1, true, yes and y in any case; 0, false, no and n."""
    value = item[1]
    if type(value) is bool:
        return TRUE if value else FALSE
    if type(value) in (int, Decimal):
        return TRUE if value == 1 else FALSE if value == 0 else NOTHING
    if type(value) is str:
        word = value.lower()
        return TRUE if word in YES else FALSE if word in NO else NOTHING
    return NOTHING


def to_integer(item: Item) -> Items:
    """Of a whole number, a text of digits, a boolean."""
    value = item[1]
    if type(value) in (int, bool):
        return integer(int(value))
    if type(value) is str and WHOLE.fullmatch(value):
        return integer(int(value))
    return NOTHING


def to_decimal(item: Item) -> Items:
    """Of a number, a text of digits and a point, a boolean."""
    value = item[1]
    if type(value) in (int, bool, Decimal):
        return decimal(Decimal(value))
    if type(value) is str and NUMBER.fullmatch(value):
        return decimal(Decimal(value))
    return NOTHING


def to_string(item: Item) -> Items:
    """As it is written in FHIRPath."""
    value = item[1]
    if type(value) is bool:
        return text("true" if value else "false")
    if type(value) is int or type(value) is Decimal:
        return text(written(value))
    if type(value) is str:
        return text(value)
    measured = quantity(item)
    return NOTHING if measured is None else text(str(measured))


def to_date(item: Item) -> Items:
    """Of a date, the day of a date and time, a text."""
    kind, value = system_kind(item), item[1]
    if kind in (DATE, DATETIME, STRING) and type(value) is str:
        day = value.partition("T")[0] if kind == DATETIME else value
        if "T" not in day and moments.parse(day) is not None:
            return [(DATE, day, None)]
    return NOTHING


def to_datetime(item: Item) -> Items:
    """Of a date, a date and time, a text."""
    kind, value = system_kind(item), item[1]
    if kind in (DATE, DATETIME, STRING) and type(value) is str:
        moment = value.removesuffix("T")
        if moments.parse(moment) is not None:
            return [(DATETIME, moment, None)]
    return NOTHING


def to_time(item: Item) -> Items:
    """Of a time or a text."""
    kind, value = system_kind(item), item[1]
    if kind in (TIME, STRING) and type(value) is str:
        bare = value.removeprefix("T")
        if moments.parse(bare, clock=True) is not None:
            return [(TIME, bare, None)]
    return NOTHING


def to_quantity(item: Item) -> Items:
    """Of a number, whose unit is one, a quantity, a boolean, a text: `4 days`, `4 'mg'`."""
    value = item[1]
    if type(value) is bool:
        return [(QUANTITY, Quantity(Decimal(int(value)), "1"), None)]
    if type(value) is str:
        made = _measure(value)
        return NOTHING if made is None else [(QUANTITY, made, None)]
    found = quantity(item)
    return NOTHING if found is None else [(QUANTITY, found, None)]


def _measure(value: str) -> Quantity | None:
    found = MEASURE.fullmatch(value.strip())
    if found is None:
        return None
    number = Decimal(found["value"])
    if found["word"] is not None:
        unit = CALENDAR.get(found["word"])
        return None if unit is None else Quantity(number, unit, calendar=True)
    return Quantity(number, found["unit"] or "1")


def _to(convert: Convert) -> Builder:
    def made(c: Compiler, run: Run) -> Run:
        def converted(items: Items, frame: Frame) -> Items:
            item = single(run(items, frame))
            return NOTHING if item is None or item[1] is None else convert(item)

        return converted

    return made


def _converts(convert: Convert) -> Builder:
    def made(c: Compiler, run: Run) -> Run:
        def told(items: Items, frame: Frame) -> Items:
            item = single(run(items, frame))
            return NOTHING if item is None else boolean(item[1] is not None and bool(convert(item)))

        return told

    return made


def _in_unit(c: Compiler, run: Run, unit: Node) -> Run:
    wanted = c.compile(unit)

    def converted(items: Items, frame: Frame) -> Items:
        item, name = single(run(items, frame)), single(wanted(items, frame))
        if item is None or name is None or type(name[1]) is not str:
            return NOTHING
        found = to_quantity(item)
        if not found:
            return NOTHING
        target = Quantity(0, CALENDAR.get(name[1], name[1]), calendar=name[1] in CALENDAR)
        try:
            scale, shift = quantities.relation(found[0][1], target)
        except (ucum.NotUcum, ucum.NotConvertible):
            return NOTHING
        value = ucum.scaled(Decimal(found[0][1].value), scale, shift)
        return [(QUANTITY, Quantity(value, target.unit, target.calendar), None)]

    return converted


def _converts_in_unit(c: Compiler, run: Run, unit: Node) -> Run:
    converted = _in_unit(c, run, unit)

    def told(items: Items, frame: Frame) -> Items:
        return boolean(bool(converted(items, frame))) if run(items, frame) else NOTHING

    return told


def _type(c: Compiler, run: Run) -> Run:
    """Namespace and name of the type of each item."""

    def told(items: Items, frame: Frame) -> Items:
        found: Items = []
        for kind, _, _ in run(items, frame):
            info: dict[str, Any]
            if kind in SYSTEM:
                info = {"namespace": "System", "name": kind.removeprefix("System.")}
            else:
                shape = model().definitions.shapes.get(kind)
                name = shape.base if shape is not None and "." in kind else kind
                info = {"namespace": "FHIR", "name": name}
            found.append((TYPE_INFO, info, None))
        return found

    return told


TO: Final[dict[str, Convert]] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Decimal": to_decimal,
    "String": to_string,
    "Date": to_date,
    "DateTime": to_datetime,
    "Time": to_time,
    "Quantity": to_quantity,
}

FUNCTIONS: Final[dict[tuple[str, int], Builder]] = {
    **{(f"to{name}", 0): _to(convert) for name, convert in TO.items()},
    **{(f"convertsTo{name}", 0): _converts(convert) for name, convert in TO.items()},
    ("toQuantity", 1): _in_unit,
    ("convertsToQuantity", 1): _converts_in_unit,
    ("type", 0): _type,
}
