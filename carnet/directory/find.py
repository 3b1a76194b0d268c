# SPDX-License-Identifier: EUPL-1.2
"""Find a professional or a place of the directory by an identifier.

An RPPS number is written bare or as an IDNPS, a FINESS number bare or as an IDNST: the same person, the
same place. Source: ANS, Annuaire Santé; CI-SIS, identifiers of professionals and structures.
"""

from __future__ import annotations

from carnet.access.door import DIRECTORY, Address, Unit, Visit
from carnet.fhir.search.query import Query
from carnet.fhir.search.tokens import TokenFilter
from carnet.rest.acts import Resolver

TYPES = (
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "HealthcareService",
    "Location",
    "Endpoint",
)
RPPS = ("https://rpps.esante.gouv.fr", "http://rpps.fr", "urn:oid:1.2.250.1.71.4.2.1")
FINESS = (
    "https://finess.esante.gouv.fr",
    "http://finess.sante.gouv.fr",
    "urn:oid:1.2.250.1.71.4.2.2",
)


def resolver(rtype: str) -> Resolver:
    """What answers `rtype?identifier=system|value` from the directory."""

    async def by_identifier(unit: Unit, system: str, value: str) -> Address | None:
        found = await unit.find(_asked(unit.visit, rtype, system, value))
        if len(found) != 1:
            return None
        return Address(DIRECTORY, found[0].rid, rtype, found[0].id)

    return by_identifier


async def professional(visit: Visit, rpps: int) -> str | None:
    """`Practitioner/{id}` of a professional; None when the directory has none, or several."""
    found = (await visit.search(_asked(visit, "Practitioner", RPPS[0], f"{rpps:011d}"))).matches
    return f"Practitioner/{found[0].id}" if len(found) == 1 else None


def _asked(visit: Visit, rtype: str, system: str, value: str) -> Query:
    number = visit.door.definitions.params[rtype]["identifier"].number
    wanted = TokenFilter(number, forms(system, value))
    return Query(rtype, (wanted,), compartments=(DIRECTORY,), count=2)


def forms(system: str, value: str) -> tuple[tuple[str | None, str], ...]:
    """The ways one number is written; a number of no national register has its own alone."""
    for systems, first in ((RPPS, "8"), (FINESS, "1")):
        if system in systems:
            long = len(value) == (12 if systems is RPPS else 10) and value.startswith(first)
            bare = value[1:] if system == systems[-1] and long else value
            return (
                *((each, bare) for each in systems),
                (systems[-1], first + bare),
            )
    return ((system or None, value),)
