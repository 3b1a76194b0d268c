# SPDX-License-Identifier: EUPL-1.2
"""Revisions: raising one ends every token and session of a subject, everywhere, within a second."""

from __future__ import annotations

import time
from collections import OrderedDict

from carnet.access import queries
from carnet.postgres.pool import Pool

FRESH = 0.5  # seconds a revision is believed
KEPT = 10_000


class Revisions:
    """The current revision of subjects, asked again twice a second at most."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: OrderedDict[str, tuple[float, int | None]] = OrderedDict()

    async def current(self, sub: str) -> int | None:
        """The revision a token of this subject must carry; None when there is no such subject."""
        found = self._known.get(sub)
        if found is not None and time.monotonic() - found[0] < FRESH:
            return found[1]
        asked = time.monotonic()
        async with self._pool.connection() as conn:
            rev = await queries.revision(conn, sub)
        self._known[sub] = (asked, rev)
        self._known.move_to_end(sub)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return rev
