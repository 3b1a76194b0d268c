# SPDX-License-Identifier: EUPL-1.2
"""The French clock."""

from datetime import UTC, date, datetime

import pytest

from carnet.population.clock import at, paris, stamp


@pytest.mark.parametrize(
    ("utc", "shown"),
    [
        ("2026-01-15T07:00:00+00:00", "20260115080000+0100"),
        ("2026-07-15T07:00:00+00:00", "20260715090000+0200"),
        # 2026: summer time from Sunday 29 March 1:00 UTC to Sunday 25 October 1:00 UTC
        ("2026-03-29T00:59:59+00:00", "20260329015959+0100"),
        ("2026-03-29T01:00:00+00:00", "20260329030000+0200"),
        ("2026-10-25T00:59:59+00:00", "20261025025959+0200"),
        ("2026-10-25T01:00:00+00:00", "20261025020000+0100"),
        # a year whose 31 March is itself a Sunday
        ("2024-03-31T01:00:00+00:00", "20240331030000+0200"),
    ],
)
def test_summer_time_follows_the_european_rule(utc: str, shown: str) -> None:
    assert stamp(datetime.fromisoformat(utc)) == shown


def test_a_time_of_day_is_kept_through_utc() -> None:
    for day in (date(2026, 2, 3), date(2026, 8, 3)):
        moment = at(day, 8, 40)
        assert moment.tzinfo is UTC
        assert f"{paris(moment):%d %H:%M}" == "03 08:40"
