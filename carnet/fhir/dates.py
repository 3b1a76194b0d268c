# SPDX-License-Identifier: EUPL-1.2
"""FHIR's dates and times: how they are written, and the stretch of time each of them covers.

"2010" is the whole year, "2010-05-01T10:00:00+02:00" one second. A stretch is half open, in UTC;
a time written without a zone is taken as UTC, since a server has no other place to stand.

Source: FHIR R4, Datatypes (date, dateTime, instant, time) and Search, "date".
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from carnet import errors

# Ends of an open stretch: what PostgreSQL and Python both hold without overflow.
EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
LATEST: Final = datetime.max.replace(tzinfo=UTC)

TICK: Final = timedelta(microseconds=1)
SHAPE: Final = re.compile(
    r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01])"
    r"(?:T([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]|60)(\.[0-9]{1,30})?)?"
    r"(Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?)?)?)?"
)


class NotADate(errors.Invalid):
    """A date is YYYY, YYYY-MM, YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss with its zone."""


@lru_cache(maxsize=4096)  # the same instant stands in many resources of a visit
def span(text: str) -> tuple[datetime, datetime]:
    """The stretch of time a date covers: first instant, and the first one after it."""
    found = SHAPE.fullmatch(text)
    if found is None:
        raise NotADate
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        if hour is None:
            return _days(int(year), int(month or 0), int(day or 0))
        start = datetime(
            int(year), int(month), int(day), int(hour), int(minute), tzinfo=_zone(zone)
        )
    except ValueError:
        raise NotADate from None
    if second is None:
        length = timedelta(minutes=1)
    else:
        after, length = timedelta(seconds=int(second)), timedelta(seconds=1)
        if fraction is not None:
            digits = fraction[1:7]
            after += timedelta(microseconds=int(digits.ljust(6, "0")))
            length = timedelta(microseconds=10 ** (6 - len(digits)))
        start = _later(start, after)
    return _utc(start), _utc(_later(start, length))


# 0 stands for a month or day that is not written.
def _days(year: int, month: int, day: int) -> tuple[datetime, datetime]:
    start = date(year, month or 1, day or 1)
    if day:
        after = None if start == date.max else start + timedelta(days=1)
    elif month and month < 12:
        after = date(year, month + 1, 1)
    else:
        after = None if year == date.max.year else date(year + 1, 1, 1)
    return _midnight(start), LATEST if after is None else _midnight(after)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _zone(zone: str | None) -> timezone:
    if zone is None or zone == "Z":
        return UTC
    sign = -1 if zone[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])))


def _later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return LATEST


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first and last hours of the calendar, seen from far away
        return EARLIEST if moment.year == 1 else LATEST
