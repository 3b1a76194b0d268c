# SPDX-License-Identifier: EUPL-1.2
"""Places near a postal code: how far, and open or not, in summer and in winter, over midnight."""

from datetime import datetime
from typing import Any

import pytest

from carnet.access.door import platform
from carnet.app.demonstration import LOADER
from carnet.app.parts import visit
from carnet.directory.load import load
from carnet.directory.near import (
    HERE,
    ROLES,
    NotAPostalCode,
    distance,
    middle,
    near,
    opening,
)
from tests.space import Space

WEEK = ["mon", "tue", "wed", "thu", "fri"]
SHOP = [{"daysOfWeek": WEEK, "openingTime": "09:00:00", "closingTime": "19:30:00"}]
NIGHT = [{"daysOfWeek": ["sat"], "openingTime": "22:00:00", "closingTime": "06:00:00"}]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HERE)


OPEN: dict[str, tuple[list[dict[str, Any]], str, bool, str | None]] = {
    "in the day": (SHOP, "2026-11-24T10:00", True, None),
    "the minute it opens": (SHOP, "2026-11-24T09:00", True, None),
    "the minute it closes": (SHOP, "2026-11-24T19:30", False, "2026-11-25T09:00"),
    "on a Saturday, until Monday": (SHOP, "2026-11-28T10:00", False, "2026-11-30T09:00"),
    "the day after the clocks change": (SHOP, "2026-03-30T08:59", False, "2026-03-30T09:00"),
    "over midnight": (NIGHT, "2026-11-29T05:59", True, None),
    "after the night": (NIGHT, "2026-11-29T06:00", False, "2026-12-05T22:00"),
    "all day": ([{"daysOfWeek": ["tue"], "allDay": True}], "2026-11-24T23:59", True, None),
    "until a second there is not": (
        [{"daysOfWeek": WEEK, "openingTime": "09:00:00", "closingTime": "23:59:60"}],
        "2026-11-24T10:00",
        False,
        None,
    ),
    "when nobody says": ([], "2026-11-24T10:00", False, None),
}


@pytest.mark.parametrize("when", sorted(OPEN))
def test_it_is_open(when: str) -> None:
    hours, moment, is_open, following = OPEN[when]
    assert opening(hours, at(moment)) == (is_open, following and at(following))


def test_a_distance_is_that_of_the_globe() -> None:
    paris, tours = (48.8566, 2.3522), (47.3941, 0.6848)
    assert distance(paris, paris) == 0
    assert distance(paris, tours) == pytest.approx(205, abs=2)
    assert middle([None, paris, None]) == pytest.approx(paris)
    assert middle([None]) is None


def place(key: str, role: str, north: float, code: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Location",
        "id": key,
        "name": key,
        "type": [{"coding": [{"system": ROLES, "code": role}]}],
        "address": {"line": ["1 rue du Test"], "city": "Ville", "postalCode": code},
        "position": {"latitude": -40 + north, "longitude": 10.0},
        "hoursOfOperation": SHOP,
        **more,
    }


@pytest.mark.anyio
async def test_the_open_ones_come_first_then_the_nearest(space: Space) -> None:
    places = [
        place("near-closed", "PHARM", 0.00, "00701", hoursOfOperation=NIGHT),
        place("near-far", "PHARM", 0.20, "00702"),
        place("near-close", "PHARM", 0.02, "00702"),
        place("near-doctor", "FMC", 0.01, "00702"),
        place("near-ended", "PHARM", 0.01, "00702", status="inactive"),
        place("near-beyond", "PHARM", 3.00, "00702"),
    ]
    await load(visit(space.built, LOADER), places)
    asks = platform.visit(space.built.door, "orientation")
    found = await near(asks, ("PHARM", "OUTPHARM"), "00701", at("2026-11-24T10:00"))
    assert [each.name for each in found] == ["near-close", "near-far", "near-closed"]
    assert found[0].km == pytest.approx(2.2, abs=0.1)
    assert found[0].address == "1 rue du Test, 00702 Ville"
    assert await near(asks, ("PHARM",), "00799", at("2026-11-24T10:00")) == []


@pytest.mark.anyio
@pytest.mark.parametrize("code", ["3700", "370000", "37%00", "", "2A000", "٣٧٠٠٠"])
async def test_a_postal_code_has_five_figures(space: Space, code: str) -> None:
    asks = platform.visit(space.built.door, "orientation")
    with pytest.raises(NotAPostalCode):
        await near(asks, ("PHARM",), code, at("2026-11-24T10:00"))
