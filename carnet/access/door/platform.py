# SPDX-License-Identifier: EUPL-1.2
"""Jobs of the platform: each is somebody in the trace, and acts under a context of its own."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from carnet.access import moment
from carnet.access.actor import Actor, ActorKind
from carnet.access.door.decide import Door
from carnet.access.door.visit import Visit
from carnet.access.seal import SET
from carnet.fhir.search.scope import Scope, context_parts
from carnet.fhir.store import queries as store
from carnet.fhir.store.queries import Row
from carnet.fhir.store.read import all_opened
from carnet.fhir.store.rows import Attachment

PURPOSE = "HSYSADMIN"  # HL7 PurposeOfUse


def visit(door: Door, job: str) -> Visit:
    """The visit of a job: `platform:timers`, `platform:notices`, `platform:erasure`…"""
    actor = Actor(ActorKind.OPERATOR, f"platform:{job}", "", "carnet-worker", purpose=PURPOSE)
    return Visit(door, actor, secrets.token_hex(8))


async def enter(door: Door, conn: AsyncConnection[Any]) -> None:
    """Let the next statements of this transaction act for the platform."""
    await conn.execute(SET, (door.context(conn, context_parts(Scope(), platform=True)),))
    await conn.execute(moment.TELL, (door.clock().isoformat(),))


async def enter_erasure(door: Door, conn: AsyncConnection[Any], cid: int) -> None:
    """Let this transaction erase one record, and nothing else."""
    await conn.execute(SET, (door.context(conn, context_parts(Scope(), erased=cid)),))


async def patient(door: Door, conn: AsyncConnection[Any], cid: int) -> dict[str, Any] | None:
    """The Patient of a record, for a letter's address; under the platform's context."""
    return await resource(door, conn, "Patient", cid, cid)


async def resource(
    door: Door, conn: AsyncConnection[Any], rtype: str, cid: int, rid: int
) -> dict[str, Any] | None:
    """A resource as it is now, for an index of it; under the platform's context."""
    values = {"cid": cid, "rid": rid, "rtype": door.definitions.types[rtype]}
    async with conn.cursor(row_factory=class_row(Row)) as cur:
        await cur.execute(store.READ, values)
        rows = [row for row in await cur.fetchall() if not row.gone]
    if not rows:
        return None
    return all_opened(rows, door.names, await door.vault.ciphers(conn, [cid]))[0].resource


async def file(door: Door, conn: AsyncConnection[Any], cid: int, rid: int) -> bytes | None:
    """The plain bytes of a Binary, for an index of it; under the platform's context."""
    async with conn.cursor(row_factory=class_row(Attachment)) as cur:
        await cur.execute(store.ATTACHMENT, {"cid": cid, "rid": rid})
        found = await cur.fetchone()
    if found is None:
        return None
    cipher = (await door.vault.ciphers(conn, [cid]))[cid]
    return await asyncio.to_thread(door.attachments.read, cipher, cid, rid, found)
