# SPDX-License-Identifier: EUPL-1.2
"""What an operator sees of an account: whose kind, stopped or not and why, until when a code is in force.

An account is named by its subject, or by the RPPS of a professional; that of a patient by their card, as the
operator finds people everywhere. No name of a patient is shown, and nothing of a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from carnet import errors
from carnet.access.door import Visit
from carnet.access.together import together
from carnet.accounts import queries
from carnet.accounts.stop import NoAccount, operator_only


@dataclass(frozen=True, slots=True)
class Seen:
    """An account; name: of who works by it, "" of a patient. for_good: it does not open again."""

    sub: str
    kind: str
    name: str
    rpps: int | None
    stopped: str | None
    since: datetime | None
    for_good: bool
    code: datetime | None


async def seen(visit: Visit, sub: str) -> Seen:
    """One account, by its subject; primary key and index activation_of."""
    operator_only(visit)
    async with (
        visit.door.pool.connection() as conn,
        conn.cursor(row_factory=class_row(Seen)) as cur,
    ):
        await cur.execute(queries.SEEN, {"sub": sub, "now": visit.door.clock()})
        found = await cur.fetchone()
    if found is None:
        raise NoAccount
    return found


async def of_patient(visit: Visit, patient: str) -> str:
    """The subject of a person that was found by their card; NoAccount when they have none yet."""
    operator_only(visit)
    place = visit.door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise errors.NotFound
    async with visit.door.pool.connection() as conn, conn.transaction():
        cids = await together(visit, conn, place[0])
        row = await (await conn.execute(queries.OF_PERSON, (list(cids),))).fetchone()
    if row is None:
        raise NoAccount
    return str(row[0])
