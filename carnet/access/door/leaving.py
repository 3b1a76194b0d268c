# SPDX-License-Identifier: EUPL-1.2
"""The whole platform's resources, versions and files opened, or sealed anew on another machine.

For a job of the operator's, on a connection of the owner's: who may is decided and traced before
(carnet/export/platform/ask.py). What is written there is found by what it is found by here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import dict_row, tuple_row

from carnet.access.door.decide import Door
from carnet.fhir import json
from carnet.fhir.store import bodies, sides
from carnet.fhir.store.rows import Attachment

FETCHED: Final = 1000  # rows at once
PLACED: Final = (
    "cid", "rid", "owners", "id", "ver", "upd", "gone", "kind", "labels", "dep_pro", "dep_org",
    "origin",
)  # fmt: skip

CURRENT: LiteralString = """
    SELECT r.cid, r.rid, r.owners, r.rtype, r.id, r.ver, r.upd, r.gone, r.kind, r.labels, r.dep_pro,
           r.dep_org, r.origin, r.dict, r.body, c.wrapped
      FROM record.resource r JOIN record.compartment c USING (cid)
"""
EARLIER: LiteralString = """
    SELECT h.cid, h.rid, r.rtype, r.id, h.ver, h.upd, h.gone, h.dict, h.body, c.wrapped
      FROM record.history h JOIN record.resource r USING (cid, rid)
      JOIN record.compartment c ON c.cid = h.cid
"""
FILES: LiteralString = """
    SELECT a.cid, a.rid, a.ver, a.address, a.digest, a.size, c.wrapped
      FROM record.attachment a JOIN record.compartment c USING (cid)
     ORDER BY a.digest, a.cid, a.rid, a.ver
"""
COMPARTMENTS: LiteralString = "SELECT cid, nature, made_at FROM record.compartment"

PUT_COMPARTMENTS: LiteralString = """
    INSERT INTO record.compartment (cid, nature, wrapped, made_at)
    SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::bytea[], %s::timestamptz[])
"""
PUT_CURRENT: LiteralString = (
    """
    WITH given AS (
        SELECT * FROM unnest(
            %(cid)s::bigint[], %(rid)s::bigint[], %(owners)s::text[], %(rtype)s::smallint[],
            %(id)s::text[], %(ver)s::integer[], %(upd)s::timestamptz[], %(lo)s::timestamptz[],
            %(hi)s::timestamptz[], %(kind)s::smallint[], %(labels)s::smallint[],
            %(dep_pro)s::bigint[], %(dep_org)s::bigint[], %(origin)s::bigint[], %(gone)s::boolean[],
            %(dict)s::smallint[], %(body)s::bytea[], %(tok_from)s::integer[], %(tok_to)s::integer[]
        ) AS g (cid, rid, owners, rtype, id, ver, upd, lo, hi, kind, labels, dep_pro, dep_org, origin,
                gone, dict, body, tok_from, tok_to)
    ),
"""
    + sides.WRITTEN
    + """
    INSERT INTO record.resource (cid, rid, owners, rtype, id, ver, upd, lo, hi, kind, labels, dep_pro,
                                 dep_org, origin, gone, dict, toks, body, indexed)
    SELECT cid, rid, owners::bigint[], rtype, id, ver, upd, lo, hi, kind, labels, dep_pro, dep_org,
           origin, gone, dict, (%(toks)s::bigint[])[tok_from:tok_to], body, %(indexed)s::integer
      FROM given
"""
)
PUT_EARLIER: LiteralString = """
    INSERT INTO record.history (cid, rid, ver, upd, gone, dict, body)
    SELECT * FROM unnest(%(cid)s::bigint[], %(rid)s::bigint[], %(ver)s::integer[],
                         %(upd)s::timestamptz[], %(gone)s::boolean[], %(dict)s::smallint[],
                         %(body)s::bytea[])
"""
PUT_FILE: LiteralString = """
    INSERT INTO record.attachment (cid, rid, ver, address, digest, size) VALUES (%s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource, opened; plain is empty when it was deleted."""

    rtype: str
    placed: dict[str, Any]  # the columns that are not its content
    plain: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A file's place: its Binary, and of which version."""

    cid: int
    rid: int
    ver: int


async def compartments(conn: AsyncConnection[Any]) -> list[tuple[int, int, datetime]]:
    """What shares one key each, without the keys."""
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(COMPARTMENTS)
        return await cur.fetchall()


async def versions(
    door: Door, conn: AsyncConnection[Any], *, earlier: bool
) -> AsyncIterator[Version]:
    """Every resource as it is, or every version that it is no more."""
    async with conn.cursor("versions", binary=True, row_factory=dict_row) as cur:
        cur.itersize = FETCHED
        await cur.execute(EARLIER if earlier else CURRENT)
        async for row in cur:
            key = _cipher(door, row["cid"], row.pop("wrapped"))
            number, sealed = row.pop("dict"), row.pop("body")
            plain = bodies.unseal(key, row["cid"], row["rid"], row["ver"], number, sealed)
            yield Version(door.names[row.pop("rtype")], row, b"" if row["gone"] else plain)


@dataclass(frozen=True, slots=True)
class File:
    """Bytes that were deposited, at every place they were."""

    digest: str  # SHA-256
    size: int
    places: list[Place]
    found: Attachment
    wrapped: bytes


async def files(conn: AsyncConnection[Any]) -> AsyncIterator[File]:
    """Every file by its digest, unread."""
    last: File | None = None
    async with conn.cursor("files", binary=True, row_factory=tuple_row) as cur:
        cur.itersize = FETCHED
        await cur.execute(FILES)
        async for cid, rid, ver, address, digest, size, wrapped in cur:
            if last is not None and last.found.digest == digest:
                last.places.append(Place(cid, rid, ver))
                continue
            if last is not None:
                yield last
            found = Attachment(address, digest, size)
            last = File(digest.hex(), size, [Place(cid, rid, ver)], found, wrapped)
    if last is not None:
        yield last


async def opened(door: Door, file: File) -> bytes:
    """The bytes of a file."""
    at = file.places[0]
    key = _cipher(door, at.cid, file.wrapped)
    return await asyncio.to_thread(door.attachments.read, key, at.cid, at.rid, file.found)


def _cipher(door: Door, cid: int, wrapped: bytes) -> Any:
    held = door.vault.at_hand((cid,))
    return held[cid] if held else door.vault.use(cid, wrapped)


# --------------------------------------------------------------------------------------- sealed anew


async def put_compartments(
    door: Door, conn: AsyncConnection[Any], found: Sequence[tuple[int, int, str]]
) -> None:
    """New keys for what shares one each: number, nature, since when."""
    cids, natures, since = [list(each) for each in zip(*found, strict=True)]
    wrapped = [door.vault.make(int(cid)) for cid in cids]
    await conn.execute(PUT_COMPARTMENTS, (cids, natures, wrapped, since))


async def put(
    door: Door, conn: AsyncConnection[Any], found: Sequence[Version], *, earlier: bool
) -> None:
    """Versions under their numbers and times, sealed with this machine's keys."""
    if not found:
        return
    ciphers = await door.vault.ciphers(conn, {each.placed["cid"] for each in found})
    sealed = []
    for each in found:
        at = each.placed
        key = ciphers[at["cid"]]
        sealed.append(bodies.seal(key, at["cid"], at["rid"], at["ver"], each.plain, door.random))
    values: dict[str, object] = {
        "dict": [number for number, _ in sealed],
        "body": [body for _, body in sealed],
        **{name: [each.placed.get(name) for each in found] for name in PLACED},
    }
    if earlier:
        await conn.execute(PUT_EARLIER, values)
        return
    indexes = [
        door.indexer.nothing(each.rtype)
        if each.placed["gone"]
        else door.indexer.index(json.parse(each.plain))
        for each in found
    ]
    values |= {
        **sides.values(
            door.hasher,
            [
                (each.placed["cid"], each.placed["rid"], index)
                for each, index in zip(found, indexes, strict=True)
            ],
        ),
        "owners": [
            None if each.placed["owners"] is None else sides.numbers(each.placed["owners"])
            for each in found
        ],
        "rtype": [door.definitions.types[each.rtype] for each in found],
        "lo": [index.lo for index in indexes],
        "hi": [index.hi for index in indexes],
    }
    await conn.execute(PUT_CURRENT, values)


async def put_file(
    door: Door, conn: AsyncConnection[Any], places: Sequence[Place], plain: bytes
) -> None:
    """A file at its places, sealed and written; one that no commit names is swept."""
    ciphers = await door.vault.ciphers(conn, {each.cid for each in places})
    for at in places:
        found = await asyncio.to_thread(
            door.attachments.write, ciphers[at.cid], at.cid, at.rid, plain
        )
        values = (at.cid, at.rid, at.ver, found.address, found.digest, found.size)
        await conn.execute(PUT_FILE, values)
