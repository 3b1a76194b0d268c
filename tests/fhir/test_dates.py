# SPDX-License-Identifier: EUPL-1.2
"""The stretch of time each way of writing a date covers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.fhir import dates


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "since", "until"),
    [
        ("2010", "2010-01-01", "2011-01-01"),
        ("2010-12", "2010-12-01", "2011-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2010-05-01T10:20", "2010-05-01T10:20", "2010-05-01T10:21"),
        ("2010-05-01T10:20Z", "2010-05-01T10:20", "2010-05-01T10:21"),
        ("2010-05-01T10:20:30", "2010-05-01T10:20:30", "2010-05-01T10:20:31"),
        ("2010-05-01T10:20:30+02:00", "2010-05-01T08:20:30", "2010-05-01T08:20:31"),
        ("2010-01-01T00:00:00+14:00", "2009-12-31T10:00:00", "2009-12-31T10:00:01"),
        ("2010-05-01T10:20:30.5Z", "2010-05-01T10:20:30.500000", "2010-05-01T10:20:30.600000"),
        ("2010-05-01T10:20:30.123Z", "2010-05-01T10:20:30.123000", "2010-05-01T10:20:30.124000"),
        (
            "2010-05-01T10:20:30.1234567Z",
            "2010-05-01T10:20:30.123456",
            "2010-05-01T10:20:30.123457",
        ),
        ("2016-12-31T23:59:60Z", "2017-01-01", "2017-01-01T00:00:01"),
    ],
)
def test_a_date_covers_all_that_its_precision_leaves_open(
    written: str, since: str, until: str
) -> None:
    assert dates.span(written) == (utc(since), utc(until))


@pytest.mark.parametrize("written", ["9999", "9999-12", "9999-12-31", "9999-12-31T23:59:59Z"])
def test_the_end_of_the_calendar_is_an_open_end(written: str) -> None:
    assert dates.span(written)[1] == dates.LATEST


@pytest.mark.parametrize(
    "written", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-11:00", "0001", "0001-01"]
)
def test_no_zone_pushes_a_date_off_the_calendar(written: str) -> None:
    since, until = dates.span(written)
    assert dates.EARLIEST <= since <= until <= dates.LATEST


@pytest.mark.parametrize(
    "written",
    ["", "10", "2010-13", "2010-02-30", "2010-1-1", "2010-05-01T25:00", "0000", "x", "٢٠١٠"],
)
def test_what_is_no_date_is_refused(written: str) -> None:
    with pytest.raises(dates.NotADate):
        dates.span(written)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 6))
def test_an_instant_is_inside_the_stretch_it_is_written_as(moment: datetime, digits: int) -> None:
    written = moment.strftime("%Y").zfill(4) + moment.strftime("-%m-%dT%H:%M:%S")
    if digits:
        written += "." + f"{moment.microsecond:06}"[:digits]
    since, until = dates.span(written + "Z")
    assert since <= moment <= until
    assert until - since <= timedelta(seconds=1)
