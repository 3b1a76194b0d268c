# SPDX-License-Identifier: EUPL-1.2
"""A record to take away, with what its rights say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from carnet.access import stepup
from carnet.access.door import Visit
from carnet.export import take
from carnet.export.take import Choice
from carnet.rest.acts import Streamed
from carnet.rights import told


async def rights(visit: Visit, patient: str) -> tuple[list[dict[str, Any]], list[Choice]]:
    """What the person decided of who reads, as the export writes it."""
    resources, lines = await told.told(visit, patient)
    return resources, [Choice(one.what, one.who, one.since, one.until, one.how) for one in lines]


def taken(visit: Visit, patient: str = "") -> AsyncIterator[bytes]:
    """The bytes of the archive of a record; "" is the visitor's own."""
    stepup.fresh(visit.actor, visit.door.clock())
    return take.taken(visit, patient, rights)


async def operation(visit: Visit, id: str) -> Streamed:
    """GET Patient/[id]/$take-away: the archive, for the person and who represents them fully."""
    return Streamed("application/zip", take.NAME, taken(visit, id))
