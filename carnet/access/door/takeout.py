# SPDX-License-Identifier: EUPL-1.2
"""A whole record, a batch at a time, for the person of it or who represents them fully.

Who may is decided again at each batch and each file: an export stops with the right to it. A batch is
bounded by the bytes of what it reads, and its trace names all that it releases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import audit, queries
from carnet.access.actor import ActorKind
from carnet.access.door.decide import REPRESENTING
from carnet.access.door.visit import Nothing, Visit, decided
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.scope import array, condition
from carnet.fhir.store.rows import Attachment, Stored

ROWS = 500  # of a batch at most
FILES = 50  # files decided on at once: each is read after, one at a time
BYTES = 4 << 20  # sealed and compressed, of a batch at most; one row passes whatever its size
BINARY = "Binary"


ATTACHMENTS: LiteralString = """
    SELECT DISTINCT ON (a.cid, a.rid) a.cid, a.rid, a.address, a.digest, a.size FROM record.attachment a
     WHERE a.cid = ANY (%(x_cids)s::bigint[]) AND a.rid = ANY (%(x_rids)s::bigint[])
     ORDER BY a.cid, a.rid, a.ver DESC
"""


class Changed(errors.Conflict):
    """The record was merged with another, or parted from it, while it was being copied: ask again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of a record, in the order of its rows, and where the next one begins."""

    found: list[Stored]
    cids: tuple[int, ...]  # all the compartments of the record
    after: tuple[int, int] | None  # None when nothing follows
    files: Mapping[tuple[int, int], Attachment]  # sealed, of the Binaries


def place(visit: Visit, patient: str) -> int:
    """The compartment of a Patient by its id; "" is the visitor's own. Nothing for what is no Patient."""
    if not patient and visit.actor.patient is not None:
        return visit.actor.patient
    found = visit.door.ids.decode(patient)
    if found is None or found[0] != found[1]:
        raise Nothing
    return found[0]


@decided
async def batch(
    visit: Visit,
    cid: int,
    after: tuple[int, int] | None,
    *,
    binaries: bool,
    cids: tuple[int, ...] | None = None,
) -> Batch:
    """The next resources of a record that this visitor sees; Nothing for who may not take it away.

    after: where the batch before ended. binaries: the files, else all but them. cids: the compartments
    of the batches before. Primary key of record.resource.
    """
    door = visit.door
    async with door.pool.connection() as conn:
        decision = await visit._decide(conn, [cid])
        await _held(visit, conn, cid)
        whole = tuple(decision.merged.get(cid, (cid,)))
        if cids is not None and cids != whole:
            raise Changed
        start, most = after or (-1, -1), FILES if binaries else ROWS
        values: dict[str, object] = {
            "x_cids": array(whole), "x_cid": start[0], "x_rid": start[1],
            "x_type": door.definitions.types[BINARY], "x_files": binaries,
            "x_rows": most, "x_bytes": BYTES,
        }  # fmt: skip
        seen = condition(decision.scope, values, public=False)
        text = (
            f"SELECT {search_sql.COLUMNS} FROM (SELECT r.*, sum(octet_length(r.body))"
            " OVER (ORDER BY r.cid, r.rid) - octet_length(r.body) AS before FROM"
            " (SELECT r.* FROM record.resource r WHERE r.cid = ANY (%(x_cids)s::bigint[])"
            " AND (r.cid, r.rid) > (%(x_cid)s::bigint, %(x_rid)s::bigint) AND NOT r.gone"
            " AND (r.rtype = %(x_type)s::smallint) = %(x_files)s::boolean"
            f" AND {seen} ORDER BY r.cid, r.rid LIMIT %(x_rows)s::bigint) r) r"
            " WHERE r.before < %(x_bytes)s::bigint ORDER BY r.cid, r.rid"
        )
        rows = await visit._fetch_traced(
            conn, decision, text, values, "export", [cid], most, whatever=True
        )
        files = {}
        if binaries and rows:
            named = {"x_cids": array(whole), "x_rids": array(row.rid for row in rows)}
            async with conn.transaction(), conn.cursor() as cur:
                await visit.enter(conn, decision.scope)
                await cur.execute(ATTACHMENTS, named)
                for at, rid, *sealed in await cur.fetchall():
                    files[at, rid] = Attachment(*sealed)
    found = await visit.opened(rows)
    more = len(rows) == most or sum(len(row.body) for row in rows) >= BYTES
    return Batch(found, whole, (rows[-1].cid, rows[-1].rid) if more else None, files)


async def _held(visit: Visit, conn: AsyncConnection[Any], cid: int) -> None:
    """Nothing for who is neither the person of a record nor represents them fully, now."""
    door, actor = visit.door, visit.actor
    held = []
    if actor.kind is ActorKind.PATIENT:
        held = await queries.held(conn, actor.sub, actor.patient, [cid], door.clock(), 100)
    if not any(
        one.nature == "self"
        or (one.nature in REPRESENTING and one.reach == "all" and not actor.secret)
        for one in held
    ):
        # On this connection: a second one, asked for while one is held, may never come.
        trace = visit.trace("export", "not-the-holder")
        await audit.write(conn, trace, granted=False, cids=[cid])
        raise Nothing


async def still(visit: Visit, cid: int) -> None:
    """Nothing when the right to the copy that is being made has ended, or the connection it is made in."""
    async with visit.door.pool.connection() as conn:
        await _held(visit, conn, cid)
        if await queries.revision(conn, visit.actor.sub) != visit.actor.rev:
            raise Nothing


async def plain(visit: Visit, of: Batch, stored: Stored) -> bytes:
    """The bytes of a Binary of a batch, as they were received; a long one may outlive the right to it."""
    door = visit.door
    await still(visit, of.cids[0])
    ciphers = door.vault.at_hand({stored.cid})
    if ciphers is None:  # let go meanwhile
        async with door.pool.connection() as conn:
            ciphers = await door.vault.ciphers(conn, [stored.cid])
    sealed = of.files.get((stored.cid, stored.rid))
    if sealed is None:
        raise Nothing
    return await asyncio.to_thread(
        door.attachments.read, ciphers[stored.cid], stored.cid, stored.rid, sealed
    )
