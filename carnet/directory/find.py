# SPDX-License-Identifier: EUPL-1.2
"""Find a professional or a place of the directory by an identifier."""

from __future__ import annotations

from carnet.access.door import DIRECTORY, Address, Unit
from carnet.fhir.search.query import Query
from carnet.fhir.search.tokens import TokenFilter
from carnet.rest.acts import Resolver

TYPES = ("Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Location")


def resolver(rtype: str) -> Resolver:
    """What answers `rtype?identifier=system|value` from the directory."""

    async def by_identifier(unit: Unit, system: str, value: str) -> Address | None:
        door = unit.visit.door
        number = door.definitions.params[rtype]["identifier"].number
        wanted = TokenFilter(number, ((system or None, value),))
        found = await unit.find(Query(rtype, (wanted,), compartments=(DIRECTORY,), count=2))
        if len(found) != 1:
            return None
        return Address(DIRECTORY, found[0].rid, rtype, found[0].id)

    return by_identifier
