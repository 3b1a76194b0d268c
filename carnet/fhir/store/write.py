# SPDX-License-Identifier: EUPL-1.2
"""Writing rows: one statement for any number of new resources, three for a changed one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import AsyncConnection

from carnet.fhir.store import bodies, queries, sides
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.rows import Changed, Compartment, New
from carnet.fhir.store.sides import numbers, texts


async def insert(
    conn: AsyncConnection[Any],
    rows: Sequence[New],
    ciphers: dict[int, AESGCM],
    hasher: Hasher,
    at: datetime,
) -> None:
    """Insert new resources with their side rows and one outbox row a compartment."""
    sealed = [bodies.seal(ciphers[row.cid], row.cid, row.rid, row.ver, row.body) for row in rows]
    chosen = [row for row in rows if row.client_id]
    files = [(row, row.attachment) for row in rows if row.attachment is not None]
    values: dict[str, object] = {
        "at": at,
        "cid": numbers(row.cid for row in rows),
        "rid": numbers(row.rid for row in rows),
        "rtype": numbers(row.rtype_number for row in rows),
        "id": texts(row.id for row in rows),
        "ver": numbers(row.ver for row in rows),
        "lo": texts(row.index.lo for row in rows),
        "hi": texts(row.index.hi for row in rows),
        "kind": numbers(row.kind for row in rows),
        "labels": numbers(row.labels for row in rows),
        "dep_pro": numbers(row.dep_pro for row in rows),
        "dep_org": numbers(row.dep_org for row in rows),
        "origin": numbers(row.origin for row in rows),
        "dict": numbers(number for number, _ in sealed),
        "body": hexes(body for _, body in sealed),
        "owners": texts(None if row.owners is None else numbers(row.owners) for row in rows),
        **sides.values(hasher, [(row.cid, row.rid, row.index) for row in rows]),
        "i_h": numbers(hasher.client_id(row.rtype_number, row.id) for row in chosen),
        "i_cid": numbers(row.cid for row in chosen),
        "i_rid": numbers(row.rid for row in chosen),
        "a_cid": numbers(row.cid for row, _ in files),
        "a_rid": numbers(row.rid for row, _ in files),
        "a_ver": numbers(row.ver for row, _ in files),
        "a_address": hexes(file.address for _, file in files),
        "a_digest": hexes(file.digest for _, file in files),
        "a_size": numbers(file.size for _, file in files),
    }
    await conn.execute(queries.INSERT, values)


async def change(
    conn: AsyncConnection[Any], changed: Changed, cipher: AESGCM, hasher: Hasher, at: datetime
) -> None:
    """Keep the old version, write the new one; the row is already locked."""
    before = changed.before
    number, body = bodies.seal(cipher, before.cid, before.rid, before.ver + 1, changed.body)
    index = changed.index
    values: dict[str, object] = {
        **sides.values(hasher, [(before.cid, before.rid, index)]),
        "cid": before.cid,
        "rid": before.rid,
        "rtype": changed.rtype_number,
        "ver": before.ver + 1,
        "at": at,
        "lo": index.lo,
        "hi": index.hi,
        "kind": changed.kind,
        "labels": changed.labels,
        "gone": changed.gone,
        "dict": number,
        "body": body,
        "event": "deleted" if changed.gone else "written",
    }
    await conn.execute(queries.KEEP_VERSION, values)
    await conn.execute(queries.FORGET_STRINGS, values)
    await conn.execute(queries.FORGET_DATES, values)
    await conn.execute(queries.FORGET_NUMBERS, values)
    await conn.execute(queries.CHANGE, values)


async def add_compartment(conn: AsyncConnection[Any], made: Compartment, at: datetime) -> None:
    """A new compartment and its wrapped key."""
    await conn.execute(queries.ADD_COMPARTMENT, (made.cid, made.nature, made.wrapped, at))


def hexes(values: Iterable[bytes]) -> str:
    """A PostgreSQL array of bytea."""
    return "{" + ",".join('"\\\\x' + value.hex() + '"' for value in values) + "}"
