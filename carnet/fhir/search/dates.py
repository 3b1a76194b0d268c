# SPDX-License-Identifier: EUPL-1.2
"""Search by date: every precision, every prefix.

Source: FHIR R4, Search, "date". A date is a half-open range; prefixes compare ranges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from carnet import errors
from carnet.fhir.search.query import Place

SHAPE = re.compile(
    r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?"
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,9})?)?(Z|[+ -][0-9]{2}:[0-9]{2})?)?)?)?",
    re.ASCII,
)


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
    found = SHAPE.fullmatch(text)
    if not found:
        raise WrongDate
    prefix, year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        start = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
            int(second or 0), int(float(fraction or 0) * 1_000_000), tzinfo=UTC,
        )  # fmt: skip
        if zone and zone != "Z":
            # A plus sign that was not escaped in the URL arrives as a space.
            sign = -1 if zone[0] == "-" else 1
            start -= sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        if not month:
            end = start.replace(year=start.year + 1)
        elif not day:
            end = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        elif not hour:
            end = start + timedelta(days=1)
        elif not second:
            end = start + timedelta(minutes=1)
        elif not fraction:
            end = start + timedelta(seconds=1)
        else:
            end = start + timedelta(microseconds=10 ** max(0, 7 - len(fraction)))
    except (ValueError, OverflowError):
        raise WrongDate from None
    return DateRange(prefix or "eq", start, end)


@dataclass(frozen=True, slots=True)
class DateFilter:
    """Any of the values."""

    param: str
    number: int
    values: tuple[DateRange, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        if self.param == place.principal:
            return "(" + " OR ".join(self._compare("r", values, name)) + ")"
        values[f"{name}n"] = self.number
        compared = " OR ".join(self._compare("d", values, name))
        return (
            "EXISTS (SELECT 1 FROM record.idx_date d WHERE d.cid = r.cid AND d.rid = r.rid"
            f" AND d.param = %({name}n)s::smallint AND ({compared}))"
        )

    def _compare(self, alias: str, values: dict[str, object], name: str) -> list[str]:
        parts = []
        for place, value in enumerate(self.values):
            lo, hi = f"%({name}l{place})s::timestamptz", f"%({name}h{place})s::timestamptz"
            values[f"{name}l{place}"] = value.lo
            values[f"{name}h{place}"] = value.hi
            parts.append(_comparison(value, alias, lo, hi, values, f"{name}a{place}"))
        return parts


def _comparison(
    value: DateRange, alias: str, lo: str, hi: str, values: dict[str, object], name: str
) -> str:
    known = f"{alias}.lo <> '-infinity'"
    inside = f"({alias}.lo >= {lo} AND {alias}.hi <= {hi})"
    match value.prefix:
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
            return f"({alias}.lo >= {hi})"
        case "eb":
            return f"({known} AND {alias}.hi <= {lo})"
        case _:  # ap: a tenth of the distance to now on each side, as FHIR suggests; a day at least
            margin = max(abs(datetime.now(UTC) - value.lo) / 10, timedelta(days=1))
            values[f"{name}l"] = value.lo - min(margin, value.lo - datetime.min.replace(tzinfo=UTC))
            values[f"{name}h"] = value.hi + margin
            return (
                f"({known} AND {alias}.lo < %({name}h)s::timestamptz"
                f" AND {alias}.hi > %({name}l)s::timestamptz)"
            )


@dataclass(frozen=True, slots=True)
class LastUpdated:
    """`_lastUpdated`: an instant, compared with the same ranges."""

    values: tuple[DateRange, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        parts = []
        for number, value in enumerate(self.values):
            values[f"{name}l{number}"] = value.lo
            values[f"{name}h{number}"] = value.hi
            lo, hi = f"%({name}l{number})s::timestamptz", f"%({name}h{number})s::timestamptz"
            inside = f"(r.upd >= {lo} AND r.upd < {hi})"
            parts.append(
                {
                    "eq": inside, "ap": inside, "ne": f"NOT {inside}",
                    "gt": f"r.upd >= {hi}", "sa": f"r.upd >= {hi}", "ge": f"r.upd >= {lo}",
                    "lt": f"r.upd < {lo}", "eb": f"r.upd < {lo}", "le": f"r.upd < {hi}",
                }[value.prefix]
            )  # fmt: skip
        return "(" + " OR ".join(parts) + ")"
