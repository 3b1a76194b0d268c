# SPDX-License-Identifier: EUPL-1.2
"""A record is a set of compartments: what is decided of one is decided of all, and told apart again.

What is said is written in the compartment that was named. What ends by it ends in all of them: the rows
of the others are remembered as they were (migration 0018), and given back when the merge is undone.
Source: docs/decisions/0021.
"""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection

from carnet.access import queries
from carnet.access.door import Visit


async def together(visit: Visit, conn: AsyncConnection[Any], cid: int) -> tuple[int, ...]:
    """All the compartments of a record, whose rights the next statements of this transaction may write.

    cid: the one that is named. They are locked: one decision at a time, and no merge, until the end.
    For an act that has already decided that its caller may.
    """
    cids, locked = await _all(conn, cid), tuple[int, ...]()
    while locked != cids:  # a merge or its undo may pass before the locks are held
        await visit.rights_of(conn, cids)
        await conn.execute(queries.LOCK_RECORDS, (list(cids),))
        locked, cids = cids, await _all(conn, cid)
    await conn.execute(queries.NAMED, (str(cid) if len(cids) > 1 else "",))
    return cids


async def _all(conn: AsyncConnection[Any], cid: int) -> tuple[int, ...]:
    return (await queries.sets(conn, [cid])).get(cid, (cid,))
