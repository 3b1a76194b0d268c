# SPDX-License-Identifier: EUPL-1.2
"""Units as reports write them, and values of one LOINC code told in one unit.

A unit is UCUM, or French writing of it (nomenclature/units.toml); one that is neither stays as it is
and is comparable with itself alone. A mass and an amount of substance meet under a LOINC code whose
substance is known (nomenclature/substances.toml), never otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from carnet.documents import nomenclature
from carnet.fhir import ucum

UCUM = "http://unitsofmeasure.org"
UNKNOWN = "?"  # before a unit that is not UCUM
POWER = re.compile("(?:[x×]?)10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
PLAIN = str.maketrans("µμéÉ", "uueE")
INTERNATIONAL = re.compile(r"(?<![A-Za-z\[])([munkM]?)U\.?I\.?(?![A-Za-z\]])")


@cache
def ucum_of(written: str) -> str:
    """A unit in UCUM; "?" and the text itself when it is not understood."""
    known = nomenclature.table("units")["written"]
    if not written.strip():
        return UNKNOWN  # not the unity: 0.45 and 45 % would be one thing when no unit was said
    if written in known:
        return str(known[written])
    if ucum.known(written) and not (written.isdigit() and written != "1"):
        return written
    text = POWER.sub(lambda found: "10*" + found[1].translate(RAISED), "".join(written.split()))
    text = text.translate(RAISED).translate(PLAIN)
    text = text.replace("°C", "Cel").replace("℃", "Cel").replace("°F", "[degF]")
    text = INTERNATIONAL.sub(r"\1[IU]", text)
    text = str(known.get(text, text))
    if ucum.known(text) and not (text.isdigit() and text != "1"):
        return text
    return UNKNOWN + " ".join(written.split())


def of(quantity: Mapping[str, Any]) -> str:
    """The unit of a Quantity, in UCUM: its code when it is one, else as it is written."""
    code, written = str(quantity.get("code") or ""), str(quantity.get("unit") or "")
    if code and quantity.get("system") == UCUM:
        found = ucum_of(code)
        if not found.startswith(UNKNOWN):
            return found
    return ucum_of(written or code)


def shown(unit: str) -> str:
    """A unit as people read it."""
    if unit.startswith(UNKNOWN):
        return unit.removeprefix(UNKNOWN)
    return nomenclature.unit(unit)


def convertible(code: str, source: str, target: str) -> bool:
    """Whether values of a LOINC code in one unit can be told in the other."""
    return _relation(code, source, target) is not None


def convert(code: str, value: Decimal, source: str, target: str) -> Decimal | None:
    """A value of a LOINC code in another unit; None when it cannot be told."""
    if source == target:
        return value
    relation = _relation(code, source, target)
    return None if relation is None else ucum.scaled(value, *relation)


@cache
def _relation(code: str, source: str, target: str) -> tuple[Fraction, Fraction] | None:
    if source == target:
        return Fraction(1), Fraction(0)
    if source.startswith(UNKNOWN) or target.startswith(UNKNOWN):
        return None
    if code in nomenclature.table("substances")["unlike"]["codes"] and (
        ("mol" in source) is not ("mol" in target)
    ):
        return None
    if ucum.convertible(source, target):
        return ucum.relation(source, target)
    substance = _substances().get(code)
    if substance is None:
        return None
    here, there = (_weighed(ucum.parse(unit), substance) for unit in (source, target))
    if here is None or there is None or here.dimensions != there.dimensions:
        return None
    return here.factor / there.factor, Fraction(0)


def _weighed(unit: ucum.Unit, substance: Mapping[str, Any]) -> ucum.Unit | None:
    """The unit with its moles or equivalents of a substance turned into grams."""
    powers = dict(unit.dimensions)
    factor = unit.factor
    for amount, share in (("mol", 1), ("eq", substance.get("equivalents"))):
        if amount in powers:
            if powers[amount] != 1 or share is None:
                return None
            del powers[amount]
            factor *= Fraction(str(substance["mass"])) / share
            powers["g"] = powers.get("g", 0) + 1
    return ucum.Unit(
        factor, tuple(sorted((name, power) for name, power in powers.items() if power))
    )


@cache
def _substances() -> dict[str, dict[str, Any]]:
    table = nomenclature.table("substances")["substance"]
    return {code: each for each in table for code in each["codes"]}
