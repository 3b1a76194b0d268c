# SPDX-License-Identifier: EUPL-1.2
"""Writing rows: one statement for any number of new resources, three for a changed one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import AsyncConnection

from carnet.fhir.search.ordered import Number, seal
from carnet.fhir.store import bodies, queries
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.rows import Changed, Compartment, New


async def insert(
    conn: AsyncConnection[Any],
    rows: Sequence[New],
    ciphers: dict[int, AESGCM],
    hasher: Hasher,
    at: datetime,
) -> None:
    """Insert new resources with their side rows and one outbox row a compartment."""
    sealed = [bodies.seal(ciphers[row.cid], row.cid, row.rid, row.ver, row.body) for row in rows]
    toks: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    for row in rows:
        starts.append(len(toks) + 1)
        toks.extend(row.index.toks)
        ends.append(len(toks))
    strings = [(row, *pair) for row in rows for pair in row.index.strings]
    dates = [(row, *each) for row in rows for each in row.index.dates]
    held = [(row, each) for row in rows for each in row.index.numbers]
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
        "tok_from": numbers(starts),
        "tok_to": numbers(ends),
        "toks": numbers(toks),
        "owners": texts(None if row.owners is None else numbers(row.owners) for row in rows),
        "s_cid": numbers(row.cid for row, *_ in strings),
        "s_rid": numbers(row.rid for row, *_ in strings),
        "s_param": numbers(param for _, param, _ in strings),
        "s_value": texts(value for *_, value in strings),
        "d_cid": numbers(row.cid for row, *_ in dates),
        "d_rid": numbers(row.rid for row, *_ in dates),
        "d_param": numbers(param for _, param, _, _ in dates),
        "d_lo": texts(lo for _, _, lo, _ in dates),
        "d_hi": texts(hi for *_, hi in dates),
        # The least of them: what is said to be older than it is, is looked at again.
        "indexed": min(row.index.generation for row in rows),
        "n_cid": numbers(row.cid for row, _ in held),
        "n_rid": numbers(row.rid for row, _ in held),
        **sealed_numbers(hasher, [(row.cid, row.rid, each) for row, each in held]),
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
        "indexed": index.generation,
        "toks": numbers(index.toks),
        "s_param": numbers(param for param, _ in index.strings),
        "s_value": texts(value for _, value in index.strings),
        "d_param": numbers(param for param, *_ in index.dates),
        "d_lo": texts(lo for _, lo, _ in index.dates),
        "d_hi": texts(hi for *_, hi in index.dates),
        **sealed_numbers(hasher, [(before.cid, before.rid, each) for each in index.numbers]),
        "event": "deleted" if changed.gone else "written",
    }
    await conn.execute(queries.KEEP_VERSION, values)
    await conn.execute(queries.FORGET_STRINGS, values)
    await conn.execute(queries.FORGET_DATES, values)
    await conn.execute(queries.FORGET_NUMBERS, values)
    await conn.execute(queries.CHANGE, values)


def sealed_numbers(hasher: Hasher, held: Sequence[tuple[int, int, Number]]) -> dict[str, object]:
    """Numbers of rows (compartment, rid) as INSERT and CHANGE take them."""
    sealed = [seal(hasher, *each) for each in held]
    tags: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    for each in sealed:
        starts.append(len(tags) + 1)
        tags.extend(each.tags)
        ends.append(len(tags))
    return {
        "n_salt": numbers(each.salt for each in sealed),
        "n_lo": numbers(each.lo for each in sealed),
        "n_hi": numbers(each.hi for each in sealed),
        "n_lo2": numbers(each.lo2 for each in sealed),
        "n_hi2": numbers(each.hi2 for each in sealed),
        "n_tags": numbers(tags),
        "n_tag_from": numbers(starts),
        "n_tag_to": numbers(ends),
    }


async def add_compartment(conn: AsyncConnection[Any], made: Compartment, at: datetime) -> None:
    """A new compartment and its wrapped key."""
    await conn.execute(queries.ADD_COMPARTMENT, (made.cid, made.nature, made.wrapped, at))


def numbers(values: Iterable[int | None]) -> str:
    """A PostgreSQL array of numbers, as text: the quickest way through the driver."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """A PostgreSQL array of texts, each quoted."""
    return (
        "{"
        + ",".join(
            "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
            for value in values
        )
        + "}"
    )


def hexes(values: Iterable[bytes]) -> str:
    """A PostgreSQL array of bytea."""
    return "{" + ",".join('"\\\\x' + value.hex() + '"' for value in values) + "}"
