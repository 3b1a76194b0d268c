# SPDX-License-Identifier: EUPL-1.2
"""Where the demonstration's pharmacies and general practices stand, and when they open (nearby.toml)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from carnet.directory.near import ROLES
from carnet.population.data import table
from carnet.population.people import Establishment, Professional

PHARMACY: Final = "SA33"
GENERAL: Final = ("SM26", "SM53", "SM54")  # TRE_R38: general medicine


def address(place: Establishment) -> dict[str, Any]:
    """Where a place is, as FHIR writes it."""
    return {
        "line": [f"{place.address.number} {place.address.street}"],
        "city": place.address.town.name,
        "postalCode": place.address.town.postal_code,
    }


def location(place: Establishment, staff: Iterable[Professional]) -> dict[str, Any] | None:
    """The Location of a pharmacy or a general practice; None for any other place."""
    role = _role(place, staff)
    known = table("nearby")
    if role is None or place.address.town.code not in known["towns"]:
        return None
    latitude, longitude = known["towns"][place.address.town.code]
    aside = (int(place.finess[-4:-1]) % 21 - 10) / 1000  # of a degree
    return {
        "resourceType": "Location",
        "id": f"{place.key}-place",
        "status": "active",
        "name": place.name,
        "type": [{"coding": [{"system": ROLES, "code": role}]}],
        "telecom": [{"system": "phone", "value": place.phone}],
        "address": address(place),
        "position": {
            "latitude": round(latitude + aside, 4),
            "longitude": round(longitude - aside, 4),
        },
        "managingOrganization": {"reference": f"Organization/{place.key}"},
        "hoursOfOperation": [
            {
                "daysOfWeek": each["days"],
                "openingTime": each["opens"],
                "closingTime": each["closes"],
            }
            for each in known["hours"]
            if each["role"] == role
        ],
    }


def _role(place: Establishment, staff: Iterable[Professional]) -> str | None:
    if place.kind == PHARMACY:
        return "PHARM"
    general = any(each.specialty in GENERAL for each in staff)
    return "FMC" if place.setting == "AMBULATOIRE" and general else None
