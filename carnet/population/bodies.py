# SPDX-License-Identifier: EUPL-1.2
"""How tall and heavy a person is, and their blood pressure, on any day: slow, and the same for all who ask.

Demonstration values, from measures.toml.
"""

from datetime import datetime
from itertools import pairwise

from carnet.population.chance import around
from carnet.population.data import table
from carnet.population.people import Person

YEAR = 365.25 * 86_400.0  # seconds
KNOT = 60 * 86_400.0  # seconds
GROWN = 18.0  # years


def age(person: Person, at: datetime) -> float:
    """Years and a fraction."""
    return (at.date() - person.birth_date).days / 365.25


def height(seed: int, person: Person, at: datetime) -> float:
    """Centimetres."""
    own = max(-2.2, min(2.2, around(seed, person.key, "height")))
    years = age(person, at)
    adult = table("measures")["adult"]
    if years >= GROWN:
        lost = max(0.0, years - 60.0) * 0.09
        mean: float = adult[person.sex.value]["height"]
        return mean + own * float(adult["spread"]["height"]) - lost
    return _growth(person, years, 1) * (1.0 + 0.034 * own)


def weight(seed: int, person: Person, at: datetime) -> float:
    """Kilograms, with the slow ups and downs of a year."""
    own = max(-1.9, min(2.4, around(seed, person.key, "weight")))
    years = age(person, at)
    if years < GROWN:
        tall = max(-2.2, min(2.2, around(seed, person.key, "height")))
        return _growth(person, years, 2) * (1.0 + 0.06 * tall + 0.05 * own)
    adult = table("measures")["adult"]
    index = adult[person.sex.value]["index"] + own * adult["spread"]["index"]
    index += sum(more for key, more in adult["heavier"].items() if key in person.profiles)
    wet = 1.3 if "heart_failure" in person.profiles else 0.7
    metres = height(seed, person, at) / 100.0
    return float(index * metres * metres + wet * slow(seed, person, "weight", at))


def pressure(seed: int, person: Person, at: datetime) -> tuple[int, int]:
    """Systolic and diastolic, mmHg; those treated are mostly below 140."""
    years = age(person, at)
    high = 11.0 if "hypertension" in person.profiles else 0.0
    systolic = 112.0 + 0.22 * max(0.0, years - 20.0) + high
    systolic += 6.0 * around(seed, person.key, "pressure") + 5.0 * slow(seed, person, "sys", at)
    diastolic = 0.46 * systolic + 17.0 + 3.0 * slow(seed, person, "dia", at)
    return round(systolic), round(diastolic)


def slow(seed: int, person: Person, what: str, at: datetime) -> float:
    """A number around 0 that moves slowly, with a little of the day in it."""
    seconds = at.timestamp()
    knot, part = divmod(seconds, KNOT)
    path = (seed, person.key, what)
    before, after = around(*path, int(knot)), around(*path, int(knot) + 1)
    return before + (after - before) * part / KNOT + 0.45 * around(*path, int(seconds))


def _growth(person: Person, years: float, column: int) -> float:
    points = table("measures")["growth"][person.sex.value]
    for one, other in pairwise(points):
        if years <= other[0]:
            part = max(0.0, years - one[0]) / (other[0] - one[0])
            return float(one[column] + (other[column] - one[column]) * part)
    return float(points[-1][column])
