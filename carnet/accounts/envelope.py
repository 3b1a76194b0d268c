# SPDX-License-Identifier: EUPL-1.2
"""The postal address of a person, as their record says it, for the envelope of a code."""

from __future__ import annotations

from typing import Any, Final

from carnet.access import audit
from carnet.access.door import Visit, platform

LEAST: Final = 3  # a name, a street or a place, a town


async def address(visit: Visit, cid: int) -> tuple[str, ...]:
    """Name and address, a line each; who looked is written. For an act that decided that its caller may."""
    async with visit.door.pool.connection() as conn, conn.transaction():
        await platform.enter(visit.door, conn)
        patient = await platform.patient(visit.door, conn, cid)
        trace = visit.trace("letter", "operator-posts")
        await audit.write(conn, trace, granted=True, cids=[cid])
    return () if patient is None else lines(patient)


def lines(patient: dict[str, Any]) -> tuple[str, ...]:
    """A Patient's; nothing when no town or no line is known, or when only an old address is."""
    places = [each for each in patient.get("address", []) if each.get("use") != "old"]
    if not places:
        return ()
    best = min(places, key=lambda each: each.get("type") not in ("postal", "both"))
    town = f"{best.get('postalCode', '')} {best.get('city', '')}".strip()
    street = [str(each) for each in best.get("line", [])]
    if not town or not street:
        return ()
    names = patient.get("name") or [{}]
    used = next((each for each in names if each.get("use") == "usual"), names[0])
    name = " ".join([*used.get("given", [])[:1], used.get("family", "")]).strip()
    return tuple(filter(None, (name, *street, town, str(best.get("country", "")))))
