# SPDX-License-Identifier: EUPL-1.2
"""Places of the directory near a postal code: how far as the crow flies, open or not at a moment.

A postal code is where the places of that code are, on average: no map is needed.
Source: FHIR R4, Location (position, hoursOfOperation).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from carnet import errors
from carnet.access.door import DIRECTORY, Visit
from carnet.fhir.search.near import Around, NearFilter
from carnet.fhir.search.query import Filter, Query
from carnet.fhir.search.strings import StringFilter
from carnet.fhir.search.tokens import TokenFilter

HERE: Final = ZoneInfo("Europe/Paris")
ROLES: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
MOST: Final = 1000  # places that are looked at together
RINGS: Final = (3.0, 10.0, 30.0)  # km: the next only when there is little in the one before
ENOUGH: Final = 10
EARTH: Final = 6371.0  # km
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CODE: Final = re.compile(r"[0-9]{5}")


class NotAPostalCode(errors.Invalid):
    """A postal code has five figures."""


@dataclass(frozen=True, slots=True)
class Near:
    """A place. km: from the postal code, None when one of both is not known. hours: whether they are known.

    open: now. next: when it opens, within a week; in France's time.
    """

    name: str
    address: str
    phone: str
    km: float | None
    hours: bool
    open: bool
    next: datetime | None


async def near(visit: Visit, kinds: Sequence[str], code: str, at: datetime) -> Sequence[Near]:
    """Those of some kinds (v3-RoleCode), the open ones first, then the nearest; none is said to be all."""
    if not CODE.fullmatch(code):
        raise NotAPostalCode
    params = visit.door.definitions.params["Location"]
    there = StringFilter(params["address-postalcode"].number, (code,), "exact")
    centre = middle([_point(each) for each in await _found(visit, there)])
    kind = TokenFilter(params["type"].number, tuple((ROLES, each) for each in kinds))
    found: Sequence[Mapping[str, Any]] = ()
    if centre is None:
        found = await _found(visit, there, kind)
    else:
        for km in RINGS:
            around = NearFilter(params["near"].number, (Around(*centre, km),))
            found = await _found(visit, around, kind)
            if len(found) >= ENOUGH:
                break
    places = [_near(each, centre, at.astimezone(HERE)) for each in found]
    return sorted(places, key=_order)


async def _found(visit: Visit, *filters: Filter) -> Sequence[Mapping[str, Any]]:
    query = Query("Location", filters, compartments=(DIRECTORY,), count=MOST)
    found = [each.resource for each in (await visit.search(query)).matches]
    return [each for each in found if each.get("status", "active") == "active"]


def _order(place: Near) -> tuple[bool, float, str]:
    return not place.open, math.inf if place.km is None else place.km, place.name


def middle(points: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    """Of those that are known: latitude and longitude in degrees."""
    known = [each for each in points if each is not None]
    if not known:
        return None
    return sum(each[0] for each in known) / len(known), sum(each[1] for each in known) / len(known)


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Km on a sphere, between two points in degrees."""
    (lat, lon), (lat2, lon2) = ((math.radians(a), math.radians(b)) for a, b in (one, other))
    half = (
        math.sin((lat2 - lat) / 2) ** 2
        + math.cos(lat) * math.cos(lat2) * math.sin((lon2 - lon) / 2) ** 2
    )
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half)))


def opening(hours: Sequence[Mapping[str, Any]], at: datetime) -> tuple[bool, datetime | None]:
    """Whether it is open at a moment of France, and when it opens next within a week, if it is not."""
    starts: list[datetime] = []
    for back in range(-1, 8):
        day = at.date() + timedelta(days=back)
        for each in hours:
            if DAYS[day.weekday()] not in each.get("daysOfWeek", DAYS):
                continue
            bounds = _bounds(each)
            if bounds is None:
                continue
            begin, end = bounds
            start = datetime.combine(day, begin, HERE)
            over = datetime.combine(day + timedelta(days=end <= begin), end, HERE)
            if start <= at < over:
                return True, None
            if start > at:
                starts.append(start)
    return False, min(starts, default=None)


def _bounds(each: Mapping[str, Any]) -> tuple[time, time] | None:
    """Without a beginning or an end: midnight; None for a leap second, which no clock of ours has."""
    if each.get("allDay"):
        return time(0), time(0)
    try:
        begin = time.fromisoformat(str(each.get("openingTime", "00:00:00")))
        return begin, time.fromisoformat(str(each.get("closingTime", "00:00:00")))
    except ValueError:
        return None


def _near(place: Mapping[str, Any], centre: tuple[float, float] | None, at: datetime) -> Near:
    hours = place.get("hoursOfOperation", ())
    is_open, after = opening(hours, at)
    own = place.get("address", {})
    point = _point(place)
    phones = [
        each.get("value", "") for each in place.get("telecom", ()) if each.get("system") == "phone"
    ]
    return Near(
        str(place.get("name", "")),
        ", ".join(
            [*own.get("line", ()), f"{own.get('postalCode', '')} {own.get('city', '')}".strip()]
        ),
        next(iter(phones), ""),
        distance(centre, point) if centre and point else None,
        bool(hours),
        is_open,
        after,
    )


def _point(place: Mapping[str, Any]) -> tuple[float, float] | None:
    position = place.get("position")
    return (float(position["latitude"]), float(position["longitude"])) if position else None
