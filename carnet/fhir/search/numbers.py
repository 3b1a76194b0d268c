# SPDX-License-Identifier: EUPL-1.2
"""Search by number and by quantity: prefixes, the precision its digits imply, units by UCUM.

    value-quantity=5.4|http://unitsofmeasure.org|mg   the same amount, in whatever unit of mass
    value-quantity=gt5.4||mg                          the number beside the unit or code "mg"
    value-quantity=5.4                                the number beside any unit

Source: FHIR R4, Search, "number", "quantity" and "Prefixes": a number asked for is a half-open range of
half a unit of its last digit on each side; with gt, lt, ge, le, sa and eb it is itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from carnet import errors
from carnet.fhir import ucum
from carnet.fhir.search import ordered
from carnet.fhir.search.escapes import cut, unescaped
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array
from carnet.fhir.store.hashes import Hasher

UCUM = "http://unitsofmeasure.org"
SHAPE = re.compile(
    r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?([+-]?[0-9]{1,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?",
    re.ASCII,
)


class WrongNumber(errors.Invalid):
    """A number is digits, a point where it needs one, an exponent if it must, after an optional prefix."""


class WrongQuantity(errors.Invalid):
    """A quantity is a number, number|system|code or number||code."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A number with its prefix; lo, hi: what its digits stand for, half-open."""

    prefix: str
    value: Fraction
    lo: Fraction
    hi: Fraction

    def within(self, scale: Fraction, shift: Fraction) -> Asked:
        """The same in another unit."""
        value, lo, hi = (each * scale + shift for each in (self.value, self.lo, self.hi))
        return Asked(self.prefix, value, lo, hi)

    def sql(self, ends: tuple[str, str], values: dict[str, object], name: str) -> str:
        """A comparison of both ends of a resource's value."""
        low, high = ends
        value, lo, hi = self.value, self.lo, self.hi
        if self.prefix == "ap":
            margin = max(abs(value) / 10, value - lo)
            lo, hi = value - margin, value + margin
        exact = ordered.order(value)
        # Digits beyond those that are kept leave both ends where the number is: it is still itself.
        values[f"{name}v"] = exact
        values[f"{name}l"] = min(ordered.order(lo), exact)
        values[f"{name}h"] = max(ordered.order(hi), exact + 1)
        v, a, b = (f"%({name}{end})s::bigint" for end in "vlh")
        return {
            "eq": f"({low} >= {a} AND {high} < {b})",
            "ne": f"NOT ({low} >= {a} AND {high} < {b})",
            "gt": f"{high} > {v}", "lt": f"{low} < {v}",
            "ge": f"{high} >= {v}", "le": f"{low} <= {v}",
            "sa": f"{low} > {v}", "eb": f"{high} < {v}",
            "ap": f"({low} <= {b} AND {high} >= {a})",
        }[self.prefix]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity asked for; system and code are None where any will do."""

    asked: Asked
    system: str | None = None
    code: str | None = None

    def unit(self, hasher: Hasher, rtype: int) -> tuple[Asked, int | None, bool]:
        """What is compared, the hash its unit bears, and whether in base units."""
        if self.code is None:
            return self.asked, None, False
        if self.system is None:
            return self.asked, named(hasher, rtype, self.code), False
        worth = known(self.system, self.code)
        if worth is None:
            return self.asked, coded(hasher, rtype, self.system, self.code), False
        return (
            self.asked.within(worth.factor, worth.shift),
            measured(hasher, rtype, worth.dimensions),
            True,
        )


def read(text: str) -> Asked:
    """One value of a number parameter."""
    found = SHAPE.fullmatch(text.replace(" ", "+"))  # a plus sign that was not escaped in the URL
    if found is None:
        raise WrongNumber
    prefix, whole, point, exponent = found.groups("")
    value = Fraction(Decimal(whole + point + exponent))
    digits = len(point) - 1 if point else 0
    # FHIR has 1e2 mean 95 to 105: with an exponent, a whole number counts one digit more.
    step = int(exponent[1:] or 0) - (digits or 1) if exponent else -digits
    half = Fraction(10) ** step / 2
    return Asked(prefix or "eq", value, value - half, value + half)


def read_quantity(text: str) -> Amount:
    """One value of a quantity parameter, its escapes read."""
    parts = [unescaped(part) for part in cut(text, "|")]
    if len(parts) == 1:
        return Amount(read(parts[0]))
    if len(parts) != 3 or (parts[1] and not parts[2]):
        raise WrongQuantity
    return Amount(read(parts[0]), parts[1] or None, parts[2] or None)


def known(system: str | None, code: str | None) -> ucum.Unit | None:
    """What a UCUM code is worth; None of any other, and of what is not one."""
    if system != UCUM or code is None:
        return None
    try:
        return ucum.parse(code)
    except ucum.NotUcum:
        return None


# The hashes a value bears in idx_number.tags: what it is a value of, and its units.


@lru_cache(4096)
def valued(hasher: Hasher, rtype: int, param: int) -> int:
    """It is a value of a parameter."""
    return hasher.number(f"{rtype}.{param}n")


@lru_cache(4096)
def named(hasher: Hasher, rtype: int, unit: str) -> int:
    """Its unit, or its unit's code in whatever system, is written so."""
    return hasher.number(f"{rtype}.u{unit}")


def coded(hasher: Hasher, rtype: int, system: str, code: str) -> int:
    """Its unit is this code of a system."""
    return hasher.number(f"{rtype}.u{system}\0{code}")


@lru_cache(4096)
def measured(hasher: Hasher, rtype: int, dimensions: ucum.Dimensions) -> int:
    """It measures what UCUM units of these dimensions measure."""
    return hasher.number(f"{rtype}.u=" + ".".join(f"{name}{power}" for name, power in dimensions))


@dataclass(frozen=True, slots=True)
class NumberFilter:
    """Any of the numbers."""

    number: int
    values: tuple[Asked, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        tag = valued(place.hasher, place.rtype_number, self.number)
        compared = [
            each.sql(ordered.written("n"), values, f"{name}{at}")
            for at, each in enumerate(self.values)
        ]
        return row(place, values, name, [tag], " OR ".join(compared))


@dataclass(frozen=True, slots=True)
class QuantityFilter:
    """Any of the quantities."""

    number: int
    values: tuple[Amount, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        tag = valued(place.hasher, place.rtype_number, self.number)
        compared = [
            compare(place, each, values, f"{name}{at}") for at, each in enumerate(self.values)
        ]
        return row(place, values, name, [tag], " OR ".join(compared))


def compare(place: Place, amount: Amount, values: dict[str, object], name: str) -> str:
    """A comparison of the quantity of a row `n` of idx_number."""
    asked, tag, base = amount.unit(place.hasher, place.rtype_number)
    made = asked.sql(ordered.based("n") if base else ordered.written("n"), values, name)
    if tag is None:
        return made
    values[f"{name}u"] = tag
    return f"(n.tags @> ARRAY[%({name}u)s::bigint] AND {made})"


def row(place: Place, values: dict[str, object], name: str, tags: list[int], compared: str) -> str:
    """The condition that a row of numbers bears these hashes and compares well."""
    values["n_key"] = ordered.key(place.hasher)
    values[f"{name}t"] = array(tags)
    return (
        "EXISTS (SELECT 1 FROM record.idx_number n WHERE n.cid = r.cid AND n.rid = r.rid"
        f" AND n.tags @> %({name}t)s::bigint[] AND ({compared}))"
    )
