# SPDX-License-Identifier: EUPL-1.2
"""Search by date: every precision, every prefix.

Source: FHIR R4, Search, "date". A date is a half-open range; prefixes compare ranges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from carnet import errors
from carnet.fhir import dates
from carnet.fhir.search.query import Place

PREFIX = re.compile("(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)", re.DOTALL)
DAY = timedelta(days=1)
NEVER, FOREVER = "-infinity", "infinity"


class WrongDate(errors.Invalid):
    """A date is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss][zone], after an optional prefix."""


@dataclass(frozen=True, slots=True)
class DateRange:
    """One value: prefix and half-open range, aware UTC."""

    prefix: str
    lo: datetime
    hi: datetime


def read(text: str) -> DateRange:
    """One value of a date parameter; without a zone, UTC."""
    found = PREFIX.fullmatch(text)
    assert found is not None
    # A plus sign that was not escaped in the URL arrives as a space.
    written = found[2][:-6] + found[2][-6:].replace(" ", "+", 1)
    try:
        lo, hi = dates.span(written)
    except dates.NotADate:
        raise WrongDate from None
    return DateRange(found[1] or "eq", lo, hi)


def bound(moment: datetime) -> str:
    """An end as PostgreSQL compares it; the very ends of the calendar stand for none."""
    if moment == dates.EARLIEST:
        return NEVER
    return FOREVER if moment == dates.LATEST else moment.isoformat()


@dataclass(frozen=True, slots=True)
class DateFilter:
    """Any of the values."""

    param: str
    number: int
    values: tuple[DateRange, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        if self.param == place.principal:
            return "(" + " OR ".join(self._compare("r", place, values, name)) + ")"
        values[f"{name}n"] = self.number
        compared = " OR ".join(self._compare("d", place, values, name))
        return (
            "EXISTS (SELECT 1 FROM record.idx_date d WHERE d.cid = r.cid AND d.rid = r.rid"
            f" AND d.param = %({name}n)s::smallint AND ({compared}))"
        )

    def _compare(self, alias: str, place: Place, values: dict[str, object], name: str) -> list[str]:
        parts = []
        for number, value in enumerate(self.values):
            lo, hi = value.lo, value.hi
            if value.prefix == "ap":
                lo, hi = around(value, place.clock())
            values[f"{name}l{number}"], values[f"{name}h{number}"] = bound(lo), bound(hi)
            low, high = f"%({name}l{number})s::timestamptz", f"%({name}h{number})s::timestamptz"
            parts.append(_comparison(value.prefix, alias, low, high))
        return parts


def _comparison(prefix: str, alias: str, lo: str, hi: str) -> str:
    # A row without a date has both ends at -infinity; a period without a start has one.
    known = f"{alias}.hi <> '-infinity'"
    inside = f"({known} AND {alias}.lo >= {lo} AND {alias}.hi <= {hi})"
    match prefix:
        case "eq":
            return inside
        case "ne":
            return f"({known} AND NOT {inside})"
        case "gt":
            return f"({known} AND {alias}.hi > {hi})"
        case "lt":
            return f"({known} AND {alias}.lo < {lo})"
        case "ge":
            return f"({known} AND ({alias}.hi > {hi} OR {inside}))"
        case "le":
            return f"({known} AND ({alias}.lo < {lo} OR {inside}))"
        case "sa":
            return f"({known} AND {alias}.lo >= {hi})"
        case "eb":
            return f"({known} AND {alias}.hi <= {lo})"
        case _:  # ap, on the widened range, and what overlaps (po, of _filter alone)
            return f"({known} AND {alias}.lo < {hi} AND {alias}.hi > {lo})"


def around(value: DateRange, now: datetime) -> tuple[datetime, datetime]:
    """The range of `ap`: a tenth of the distance to now on each side, as FHIR suggests; a day at least."""
    margin = max(abs(now - value.lo) / 10, DAY)
    lo = value.lo - min(margin, value.lo - dates.EARLIEST)
    return lo, value.hi + min(margin, dates.LATEST - value.hi)


@dataclass(frozen=True, slots=True)
class LastUpdated:
    """`_lastUpdated`: an instant, compared with the same ranges."""

    values: tuple[DateRange, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        parts = []
        for number, value in enumerate(self.values):
            lo, hi = value.lo, value.hi
            if value.prefix == "ap":
                lo, hi = around(value, place.clock())
            values[f"{name}l{number}"], values[f"{name}h{number}"] = bound(lo), bound(hi)
            low, high = f"%({name}l{number})s::timestamptz", f"%({name}h{number})s::timestamptz"
            inside = f"(r.upd >= {low} AND r.upd < {high})"
            parts.append(
                {
                    "eq": inside, "ap": inside, "ne": f"NOT {inside}",
                    "gt": f"r.upd >= {high}", "sa": f"r.upd >= {high}", "ge": f"r.upd >= {low}",
                    "lt": f"r.upd < {low}", "eb": f"r.upd < {low}", "le": f"r.upd < {high}",
                }[value.prefix]
            )  # fmt: skip
        return "(" + " OR ".join(parts) + ")"
