# SPDX-License-Identifier: EUPL-1.2
"""`near`: places within a distance of a point, `latitude|longitude[|distance[|unit]]`.

    near=48.8534|2.3488|10|km

Without a distance, 25 km; without a unit, kilometres. On a sphere of 6,371 km, within 0.6 % of the truth.
Source: FHIR R4, Location, "Positional Searching".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from carnet import errors
from carnet.fhir import ucum
from carnet.fhir.search import numbers, ordered
from carnet.fhir.search.query import Place

RADIUS = 6371.0  # kilometres
DISTANCE = 25.0  # kilometres, when none is said
STEP = 10_000_000  # to a degree: a centimetre
DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,30})?", re.ASCII)
LENGTH = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,30})?", re.ASCII)


class WrongPoint(errors.Invalid):
    """near is latitude|longitude|distance|unit, in degrees, and no name; the last two may be left out."""


def kept(degrees: Decimal) -> int:
    """A latitude or a longitude, as it is kept."""
    return round(Fraction(degrees) * STEP)


@dataclass(frozen=True, slots=True)
class Around:
    """A point, and how far from it: degrees, kilometres."""

    latitude: float
    longitude: float
    distance: float


def read(text: str) -> Around:
    """One value of `near`."""
    parts = [*text.replace(" ", "+").split("|"), "", ""][:4]
    if text.count("|") not in (1, 2, 3) or not all(map(DEGREES.fullmatch, parts[:2])):
        raise WrongPoint
    latitude, longitude = map(float, parts[:2])
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise WrongPoint
    if not parts[2]:
        return Around(latitude, longitude, DISTANCE)
    unit = parts[3] or "km"
    if not LENGTH.fullmatch(parts[2]) or not ucum.convertible(unit, "km"):
        raise WrongPoint
    scale, _ = ucum.relation(unit, "km")
    return Around(latitude, longitude, float(Fraction(parts[2]) * scale))


@dataclass(frozen=True, slots=True)
class NearFilter:
    """Near any of the points."""

    number: int
    points: tuple[Around, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        tag = numbers.valued(place.hasher, place.rtype_number, self.number)
        latitude, longitude = (
            f"radians({ends[0]}::float8 / {STEP})"
            for ends in (ordered.written("n"), ordered.based("n"))
        )
        compared = []
        for at, point in enumerate(self.points):
            for key, value in (
                ("a", point.latitude), ("o", point.longitude), ("d", point.distance),
            ):  # fmt: skip
                values[f"{name}{key}{at}"] = value
            a, o, d = (f"%({name}{key}{at})s::float8" for key in "aod")
            haversine = (
                f"sin(({latitude} - radians({a})) / 2) ^ 2 + cos(radians({a})) * cos({latitude})"
                f" * sin(({longitude} - radians({o})) / 2) ^ 2"
            )
            compared.append(f"2 * {RADIUS} * asin(least(1, sqrt({haversine}))) <= {d}")
        return numbers.row(place, values, name, [tag], " OR ".join(compared))
