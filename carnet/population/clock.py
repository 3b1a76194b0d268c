# SPDX-License-Identifier: EUPL-1.2
"""The clock of mainland France, by the rule of the European Union (directive 2000/84/CE).

Written here because a bare machine may have no time-zone data, and a seed must always give the same
bytes.
"""

from datetime import UTC, date, datetime, timedelta, timezone

WINTER = timezone(timedelta(hours=1))
SUMMER = timezone(timedelta(hours=2))


def paris(moment: datetime) -> datetime:
    """The same aware moment, as a French clock shows it."""
    utc = moment.astimezone(UTC)
    summer = _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)
    return utc.astimezone(SUMMER if summer else WINTER)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """That time of day in France, never one of the two nights the clocks change, as UTC."""
    winter = datetime(day.year, day.month, day.day, hour, minute, tzinfo=WINTER)
    return winter.replace(tzinfo=paris(winter).tzinfo).astimezone(UTC)


def stamp(moment: datetime) -> str:
    """An HL7 time to the second, with its offset: 20260301071500+0100."""
    return f"{paris(moment):%Y%m%d%H%M%S%z}"


def _last_sunday(year: int, month: int) -> datetime:
    """One in the morning, universal time, of the last Sunday of a month of 31 days."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)
