# SPDX-License-Identifier: EUPL-1.2
"""Sweep the attachments: a file that no row names, a day after it was written, goes.

A file is written before the commit that names it, so a transaction that was undone or a process that was
killed leaves one behind. This is the platform's work: it sees which addresses are named, nothing else.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import LiteralString

from psycopg.rows import scalar_row

from carnet.access.door.decide import Door
from carnet.access.seal import SET
from carnet.fhir.search.scope import Scope, context_parts

OLD = 24 * 3600.0  # seconds a file may wait for the commit that names it
TOGETHER = 1000  # files asked about at once

NAMED: LiteralString = "SELECT address FROM record.attachment WHERE address = ANY (%s)"


async def sweep(door: Door, older_than: float = OLD) -> int:
    """Remove orphan files; returns how many. Index attachment_address."""
    removed = 0
    old = iter(await asyncio.to_thread(lambda: list(door.attachments.older_than(older_than))))
    while batch := list(islice(old, TOGETHER)):
        async with door.pool.connection() as conn, conn.transaction():
            parts = context_parts(Scope(), platform=True)
            await conn.execute(SET, (door.context(conn, parts),))
            async with conn.cursor(row_factory=scalar_row) as cur:
                await cur.execute(NAMED, (batch,))
                named = {bytes(address) for address in await cur.fetchall()}
        for address in batch:
            if address not in named:
                await asyncio.to_thread(door.attachments.remove, address)
                removed += 1
    return removed
