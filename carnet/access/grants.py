# SPDX-License-Identifier: EUPL-1.2
"""What an access token's grant allows now, read from its row and never from the token.

A grant that was ended, that is over, whose client is no longer live or was given a new revision, or whose
subject ended their connections, is none: within half a second, in every process. docs/decisions/0055.
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg.rows import class_row

from carnet.postgres.pool import Pool

FRESH = 0.5  # seconds a grant is believed
KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What was allowed. kinds: rows of the access matrix, None for all; cid: the record in context."""

    client: str
    client_rev: int
    sub: str
    scope: str
    cid: int | None
    situation: str | None
    kinds: list[int] | None
    writes: bool
    until: datetime | None
    acr: str
    authenticated: datetime


CURRENT: LiteralString = """
    SELECT a.client, c.rev AS client_rev, a.sub, a.scope, a.cid, a.situation, a.kinds, a.writes,
           a.until, a.acr, a.authenticated
      FROM access.allowed a
      JOIN access.client c ON c.id = a.client AND c.state = 'live'
      JOIN access.subject s ON s.sub = a.sub AND s.rev = a.sub_rev
     WHERE a.id = %s AND a.ended_at IS NULL
"""


class Grants:
    """The grants as they are, each asked again twice a second at most."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool, self._clock = pool, clock
        self._known: OrderedDict[str, tuple[float, Grant | None]] = OrderedDict()

    async def current(self, id: str) -> Grant | None:
        """The grant of a token; None when it no longer allows anything. Primary key."""
        found = self._known.get(id)
        if found is None or time.monotonic() - found[0] >= FRESH:
            found = (time.monotonic(), await self._read(id))
            self._known[id] = found
            self._known.move_to_end(id)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        grant = found[1]
        if grant is None or (grant.until is not None and grant.until <= self._clock()):
            return None
        return grant

    async def _read(self, id: str) -> Grant | None:
        async with (
            self._pool.connection() as conn,
            conn.cursor(row_factory=class_row(Grant)) as cur,
        ):
            await cur.execute(CURRENT, (uuid.UUID(id),))
            return await cur.fetchone()
