# SPDX-License-Identifier: EUPL-1.2
"""Units of measure: what a UCUM expression is worth, and a value from one unit into another.

    convert(Decimal("0.97"), "g/L", "mg/dL")  # Decimal("97")

Exact: factors are fractions, values decimals. Source: UCUM, The Unified Code for Units of Measure;
values in ucum.toml. Three departures, each on the side of not converting:

- `mol`, `eq` and `osm` are dimensions of their own. UCUM makes the mole a number, so that a count of
  cells would turn into millimoles, and one equivalent one mole, which is false of calcium.
- An annotation is worth one, as in UCUM, wherever it stands.
- A special unit (`[pH]`, `B`, `[p'diop]`…) is converted within itself only; Cel, [degF] and [degRe]
  into each other and into kelvins, and only where they stand alone.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache
from importlib import resources

LONGEST = 200  # characters of an expression
DEEPEST = 20  # parentheses one in another
GREATEST = 30  # exponent
NUMBER = re.compile("[0-9]+")
POWER = re.compile(r"(10[*^])([+-]?[0-9]+)?")
ATOM = re.compile(r"(.*?[^0-9+-])([+-]?[0-9]+)?", re.DOTALL)
OWN = ("mol", "eq", "osm")  # dimensions of their own
SAME = {"[IU]": "[iU]"}  # two codes of one arbitrary unit
ZERO = {"Cel": "273.15", "degF": "459.67", "degRe": "218.52"}  # kelvins' zero, in each
EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)

Dimensions = tuple[tuple[str, int], ...]


class NotUcum(ValueError):
    """This is not a UCUM expression."""


class NotConvertible(ValueError):
    """These units measure different things."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What an expression is worth: a factor on a product of base units.

    shift: the value of zero in the base unit, for temperatures alone; other units have none.
    """

    factor: Fraction
    dimensions: Dimensions
    shift: Fraction = Fraction(0)


@lru_cache(4096)
def parse(expression: str) -> Unit:
    """The unit of an expression; NotUcum when it is none. `""` is the unity."""
    if len(expression) > LONGEST or not expression.isascii() or not expression.isprintable():
        raise NotUcum(expression[:LONGEST])
    alone = _special(expression)
    if alone is not None:
        return alone
    found, end = _term(expression, 0, 0)
    if end != len(expression):
        raise NotUcum(expression)
    return found


def known(expression: str) -> bool:
    """Whether this is a UCUM expression."""
    try:
        parse(expression)
    except NotUcum:
        return False
    return True


def convertible(source: str, target: str) -> bool:
    """Whether a value in one unit can be told in the other."""
    try:
        return parse(source).dimensions == parse(target).dimensions
    except NotUcum:
        return False


def convert(value: Decimal, source: str, target: str) -> Decimal:
    """The value in another unit, with as many digits as it deserves; see `scaled`."""
    if source == target:
        return value
    return scaled(value, *relation(source, target))


@lru_cache(4096)
def relation(source: str, target: str) -> tuple[Fraction, Fraction]:
    """(scale, shift): a value of the source times scale plus shift is the same in the target."""
    here, there = parse(source), parse(target)
    if here.dimensions != there.dimensions:
        raise NotConvertible(f"{source} {target}")
    return here.factor / there.factor, (here.shift - there.shift) / there.factor


def scaled(value: Decimal, scale: Fraction, shift: Fraction = Fraction(0)) -> Decimal:
    """value × scale + shift, to the digit in which the last digit of the value falls.

    Its step is never finer than a tenth of the step of the value, so that no precision is invented
    and the way back gives the same value. A power of ten moves the point and keeps every digit.
    """
    if scale == 1 and not shift:
        return value
    step = int(value.as_tuple().exponent)
    if not shift and (power := _power_of_ten(scale)) is not None:
        moved = value.scaleb(power, EXACT)
        whole = step >= 0  # zeros at the end of a whole number say nothing of its precision
        return _plain(moved.normalize(EXACT) if whole else moved)
    exact = Fraction(value) * scale + shift
    return _plain(_rounded(exact, _floor_log10(abs(scale) * Fraction(10) ** step)))


def _rounded(exact: Fraction, exponent: int) -> Decimal:
    """To the nearest multiple of a power of ten, halves to the even one."""
    return Decimal(round(exact / Fraction(10) ** exponent)).scaleb(exponent, EXACT)


def _plain(value: Decimal) -> Decimal:
    """Without an exponent above zero: 15E+4 is 150000."""
    return (
        value.quantize(Decimal(1), context=EXACT) if int(value.as_tuple().exponent) > 0 else value
    )


def _power_of_ten(scale: Fraction) -> int | None:
    power = _floor_log10(scale)
    return power if Fraction(10) ** power == scale else None


def _floor_log10(number: Fraction) -> int:
    """The exponent of the first digit of a number above zero."""
    power = len(str(number.numerator)) - len(str(number.denominator))
    return power if Fraction(10) ** power <= number else power - 1


# -------------------------------------------------------------------------------------- expressions


def _term(text: str, at: int, depth: int) -> tuple[Unit, int]:
    """A product of components from a place of the text; where it ends."""
    if depth > DEEPEST:
        raise NotUcum(text)
    factor, powers = Fraction(1), dict[str, int]()
    sign = 1
    if text[at : at + 1] == "/":
        sign, at = -1, at + 1
    elif at == len(text) and not depth:
        return Unit(factor, ()), at
    while True:
        part, at = _component(text, at, depth)
        factor *= part.factor**sign
        for name, power in part.dimensions:
            powers[name] = powers.get(name, 0) + sign * power
        follows = text[at : at + 1]
        if follows not in (".", "/"):
            break
        sign, at = 1 if follows == "." else -1, at + 1
    return Unit(factor, tuple(sorted((n, p) for n, p in powers.items() if p))), at


def _component(text: str, at: int, depth: int) -> tuple[Unit, int]:
    """One unit, number, annotation or parenthesis; where it ends."""
    if text[at : at + 1] == "(":
        found, at = _term(text, at + 1, depth + 1)
        if text[at : at + 1] != ")":
            raise NotUcum(text)
        return found, _after_annotation(text, at + 1)
    end = _end(text, at)
    word, after = text[at:end], _after_annotation(text, end)
    if not word and after == end:
        raise NotUcum(text)
    return _simple(word) if word else Unit(Fraction(1), ()), after


def _after_annotation(text: str, at: int) -> int:
    """Past an annotation, if there is one."""
    if text[at : at + 1] != "{":
        return at
    close = text.find("}", at)
    if close < 0 or "{" in text[at + 1 : close]:
        raise NotUcum(text)
    return close + 1


def _end(text: str, at: int) -> int:
    """Where a simple unit ends; what is in brackets belongs to it."""
    while at < len(text):
        if text[at] == "[":
            at = text.find("]", at)
            if at < 0:
                raise NotUcum(text)
        elif text[at] in "./(){}":
            break
        at += 1
    return at


@cache
def _simple(word: str) -> Unit:
    """A number, a power of ten, or a unit with its exponent."""
    if NUMBER.fullmatch(word):
        if not int(word):
            raise NotUcum(word)
        return Unit(Fraction(int(word)), ())
    found = POWER.fullmatch(word) or ATOM.fullmatch(word)
    if found is None:
        raise NotUcum(word)
    power = int(found[2] or 1)
    if abs(power) > GREATEST:
        raise NotUcum(word)
    unit = Unit(Fraction(10), ()) if POWER.fullmatch(word) else _atom(found[1])
    dimensions = tuple((name, each * power) for name, each in unit.dimensions if power)
    return Unit(unit.factor**power, dimensions)


@cache
def _atom(code: str) -> Unit:
    """A unit of the table, or a prefix before one that takes prefixes."""
    bare = _bare(code)
    if bare is not None:
        return bare
    table = _table()
    for length in (1, 2):
        prefix, rest = table["prefixes"].get(code[:length]), code[length:]
        if prefix is not None and (
            rest in table["metric"] or rest in table["base"] or rest in table["prefixed"]
        ):
            unit = _bare(rest)
            assert unit is not None
            return Unit(Fraction(prefix) * unit.factor, unit.dimensions)
    raise NotUcum(code)


@cache
def _bare(code: str) -> Unit | None:
    table = _table()
    if code in table["base"] or code in OWN:
        return Unit(Fraction(1), ((code, 1),))
    if code in table["arbitrary"] or code in table["special"]:
        return Unit(Fraction(1), ((SAME.get(code, code), 1),))
    worth = table["metric"].get(code) or table["plain"].get(code)
    if worth is None:
        return None
    value, _, expression = worth.partition(" ")
    unit, _ = _term(expression, 0, 0)
    return Unit(Fraction(value) * unit.factor, unit.dimensions)


def _special(code: str) -> Unit | None:
    """A temperature that stands alone."""
    function, _, rest = _table()["special"].get(code, "").partition(" ")
    if function not in ZERO:
        return None
    value, _, expression = rest.partition(" ")
    unit, _ = _term(expression, 0, 0)
    degree = Fraction(value) * unit.factor
    return Unit(degree, unit.dimensions, Fraction(ZERO[function]) * degree)


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files(__package__).joinpath("ucum.toml").read_text("utf-8"))
