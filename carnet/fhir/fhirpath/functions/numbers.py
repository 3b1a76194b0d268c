# SPDX-License-Identifier: EUPL-1.2
"""Numbers. What has no real value (a root of -1) is nothing; so is what overflows."""

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any, Final

from carnet.fhir.fhirpath.compiler import Builder, Compiler, single
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.refusals import WrongType
from carnet.fhir.fhirpath.tree import Node
from carnet.fhir.fhirpath.values import (
    EXACT,
    NOTHING,
    QUANTITY,
    ROUNDED,
    Items,
    Quantity,
    decimal,
    integer,
)

Number = int | Decimal
MOST_DIGITS: Final = 28


def _number(items: Items) -> Any:
    item = single(items)
    if item is None or item[1] is None:
        return None
    if type(item[1]) not in (int, Decimal, Quantity):
        raise WrongType("FHIRPath: this function takes a number.")
    return item[1]


def _on_number(function: Callable[..., Items]) -> Builder:
    def made(c: Compiler, run: Run, *arguments: Node) -> Run:
        runs = [c.compile(node) for node in arguments]

        def result(items: Items, frame: Frame) -> Items:
            number = _number(run(items, frame))
            values = [_number(argument(items, frame)) for argument in runs]
            if number is None or None in values:
                return NOTHING
            if type(number) is Quantity and function is not _abs:
                raise WrongType("FHIRPath: this function takes a number without a unit.")
            try:
                return function(number, *values)
            except ArithmeticError:
                return NOTHING

        return result

    return made


def _of(value: Number) -> Items:
    return integer(value) if type(value) is int else decimal(Decimal(value))


def _abs(number: Number | Quantity) -> Items:
    if isinstance(number, Quantity):
        value = number.value
        return [(QUANTITY, replace(number, value=-value if value < 0 else value), None)]
    return _of(-number if number < 0 else number)


def _whole(rounding: str) -> Callable[[Number], Items]:
    return lambda number: integer(int(Decimal(number).to_integral_value(rounding, EXACT)))


def _round(number: Number, digits: int = 0) -> Items:
    if type(digits) is not int or not 0 <= digits <= MOST_DIGITS:
        raise WrongType("FHIRPath: round() takes a number of digits from 0 to 28.")
    if type(number) is int:
        return _of(number) if digits == 0 else decimal(Decimal(number))
    return decimal(Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, EXACT))


def _log(number: Number, base: Number) -> Items:
    top, bottom = ROUNDED.ln(Decimal(number)), ROUNDED.ln(Decimal(base))
    found = ROUNDED.divide(top, bottom)
    # A logarithm of a power of the base is whole; its rounded quotient may miss it by a hair.
    near = found.to_integral_value()
    return decimal(near if ROUNDED.power(Decimal(base), near) == number else found)


def _power(number: Number, exponent: Number) -> Items:
    if type(number) is int and type(exponent) is int and 0 <= exponent <= 64:
        return integer(number**exponent)
    return decimal(ROUNDED.power(Decimal(number), Decimal(exponent)))


FUNCTIONS: Final[dict[tuple[str, int], Builder]] = {
    ("abs", 0): _on_number(_abs),
    ("ceiling", 0): _on_number(_whole(ROUND_CEILING)),
    ("floor", 0): _on_number(_whole(ROUND_FLOOR)),
    ("truncate", 0): _on_number(_whole(ROUND_DOWN)),
    ("round", 0): _on_number(_round),
    ("round", 1): _on_number(_round),
    ("exp", 0): _on_number(lambda n: decimal(ROUNDED.exp(Decimal(n)))),
    ("ln", 0): _on_number(lambda n: decimal(ROUNDED.ln(Decimal(n)))),
    ("log", 1): _on_number(_log),
    ("power", 1): _on_number(_power),
    ("sqrt", 0): _on_number(lambda n: decimal(ROUNDED.sqrt(Decimal(n)))),
}
