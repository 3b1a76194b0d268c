# SPDX-License-Identifier: EUPL-1.2
"""Tell professionals who read a version of a document that another has taken its place.

Told after the commit, once each, to who would see both versions today: a mask, a block or the end of a
link is obeyed as if they asked. The notice says nothing of whom or of what: it leads to Carnet.
Source: IHE MHD, relatesTo=replaces. No text asks for this notice: it is ours.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import notices, queries
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Unit, Visit, platform
from carnet.documents import queries as own
from carnet.documents.replace import replaced_by
from carnet.events import Event

BACK: Final = timedelta(days=365)  # readings that are looked at
CLIENT: Final = "carnet-worker"


async def tell(door: Door, event: Event) -> int:
    """The readers of what the documents of one write replace; how many are told."""
    number = door.definitions.types["DocumentReference"]
    new = [
        rid
        for rid, rtype, ver in zip(event.rids, event.types, event.versions, strict=True)
        if rtype == number and ver == 1
    ]
    if event.name != "written":
        return 0
    told = 0
    for rid in new:
        async with door.pool.connection() as conn, conn.transaction():
            told += await _of_one(door, conn, event.cid, rid)
    return told


async def _of_one(door: Door, conn: AsyncConnection[Any], cid: int, rid: int) -> int:
    await platform.enter(door, conn)
    resource = await platform.resource(door, conn, "DocumentReference", cid, rid)
    older = [door.ids.decode(id) for id in replaced_by(resource or {})]
    rids = [place[1] for place in older if place is not None and place[0] == cid]
    if not rids:
        return 0
    readers = await own.readers(conn, cid, rids, door.clock() - BACK)
    told = 0
    for reader in readers:
        actor = await _actor(conn, reader.sub)
        if actor is None or not await _sees(door, conn, actor, cid, [rid, *rids]):
            continue
        await platform.enter(door, conn)
        assert actor.rpps is not None
        key = f"document-replaced:{rid}:{actor.rpps}"
        await notices.send(door, conn, cid, "document-replaced", rpps=actor.rpps, key=key)
        told += 1
    return told


async def _actor(conn: AsyncConnection[Any], sub: str) -> Actor | None:
    """The professional of a trace as they are now; None for anybody else."""
    found = await queries.subject(conn, sub)
    if found is None or found.kind != ActorKind.PROFESSIONAL or found.rpps is None:
        return None
    return Actor(
        kind=ActorKind.PROFESSIONAL,
        sub=sub,
        name=found.name,
        client=CLIENT,
        rpps=found.rpps,
        profession=found.profession or "",
        situation=found.situation or "",
        org=found.org,
        org_name=found.org_name or "",
        rev=found.rev,
    )


async def _sees(
    door: Door, conn: AsyncConnection[Any], actor: Actor, cid: int, rids: list[int]
) -> bool:
    """Whether they would read each of the documents, asked as they would ask; nothing is traced."""
    unit = Unit(Visit(door, actor, ""), conn, door.clock())
    for rid in rids:
        try:
            await unit.held("DocumentReference", door.ids.encode(cid, rid), lock=False)
        except errors.NotFound:
            return False
    return True
