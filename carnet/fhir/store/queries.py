# SPDX-License-Identifier: EUPL-1.2
"""Every statement of the store but the searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row, tuple_row

from carnet.fhir.store import sides


@dataclass(frozen=True, slots=True)
class Row:
    """One row of record.resource or record.history, still sealed."""

    cid: int
    rid: int
    rtype: int
    id: str
    ver: int
    upd: datetime
    gone: bool
    dict: int
    body: bytes
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Held(Row):
    """A row locked for a change, with what decides whether it may be."""

    kind: int = 0
    labels: int = 0
    dep_pro: int | None = None
    dep_org: int | None = None
    origin: int | None = None
    owners: list[int] | None = None


WRAPPED: LiteralString = "SELECT cid, wrapped FROM record.compartment WHERE cid = ANY (%s)"


async def wrapped_keys(conn: AsyncConnection[Any], cids: Sequence[int]) -> list[tuple[int, bytes]]:
    """Wrapped keys of compartments; primary key."""
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(WRAPPED, (list(cids),))
        return await cur.fetchall()


ADD_COMPARTMENT: LiteralString = (
    "INSERT INTO record.compartment (cid, nature, wrapped, made_at) VALUES (%s, %s, %s, %s)"
)

# One statement whatever the number of resources: arrays as text, one element a row; the hashes of all
# rows in one array, cut by place and length.
INSERT: LiteralString = (
    """
    WITH given AS (
        SELECT * FROM unnest(
            %(cid)s::bigint[], %(rid)s::bigint[], %(rtype)s::smallint[], %(id)s::text[],
            %(ver)s::integer[], %(lo)s::timestamptz[], %(hi)s::timestamptz[], %(kind)s::smallint[],
            %(labels)s::smallint[], %(dep_pro)s::bigint[], %(dep_org)s::bigint[],
            %(origin)s::bigint[], %(dict)s::smallint[], %(body)s::bytea[], %(tok_from)s::integer[],
            %(tok_to)s::integer[], %(owners)s::text[]
        ) AS g (cid, rid, rtype, id, ver, lo, hi, kind, labels, dep_pro, dep_org, origin, dict,
                body, tok_from, tok_to, owners)
    ), resources AS (
        INSERT INTO record.resource (cid, rid, owners, rtype, id, ver, upd, lo, hi, kind, labels,
                                     dep_pro, dep_org, origin, gone, dict, toks, body, indexed)
        SELECT cid, rid, owners::bigint[], rtype, id, ver, %(at)s::timestamptz, lo, hi, kind,
               labels, dep_pro, dep_org, origin, false, dict,
               (%(toks)s::bigint[])[tok_from:tok_to], body,
               (SELECT search.admitted(%(indexed)s::integer))
          FROM given
    ),
"""
    + sides.WRITTEN
    + """, ids AS (
        INSERT INTO record.id_map (h, cid, rid)
        SELECT * FROM unnest(%(i_h)s::bigint[], %(i_cid)s::bigint[], %(i_rid)s::bigint[])
    ), files AS (
        INSERT INTO record.attachment (cid, rid, ver, address, digest, size)
        SELECT * FROM unnest(%(a_cid)s::bigint[], %(a_rid)s::bigint[], %(a_ver)s::integer[],
                             %(a_address)s::bytea[], %(a_digest)s::bytea[], %(a_size)s::bigint[])
    )
    INSERT INTO record.outbox (at, name, cid, rids, rtypes, vers)
    SELECT %(at)s::timestamptz, 'written', cid, array_agg(rid), array_agg(rtype), array_agg(ver)
      FROM given GROUP BY cid
"""
)

READ: LiteralString = """
    SELECT r.cid, r.rid, r.rtype, r.id, r.ver, r.upd, r.gone, r.dict, r.body
      FROM record.resource r
     WHERE r.cid = %(cid)s::bigint AND r.rid = %(rid)s::bigint AND r.rtype = %(rtype)s::smallint
"""

READ_CHOSEN: LiteralString = """
    SELECT r.cid, r.rid, r.rtype, r.id, r.ver, r.upd, r.gone, r.dict, r.body
      FROM record.id_map m JOIN record.resource r ON r.cid = m.cid AND r.rid = m.rid
     WHERE m.h = %(h)s::bigint AND r.id = %(id)s::text AND r.rtype = %(rtype)s::smallint
"""

# To follow `WITH c AS (the current row, which judges each version)`.
VERSION: LiteralString = """
    SELECT c.cid, c.rid, c.rtype, c.id, c.ver, c.upd, c.gone, c.dict, c.body FROM c
     WHERE c.ver = %(ver)s::integer
    UNION ALL
    SELECT h.cid, h.rid, c.rtype, c.id, h.ver, h.upd, h.gone, h.dict, h.body
      FROM c JOIN record.history h ON h.cid = c.cid AND h.rid = c.rid
     WHERE h.ver = %(ver)s::integer
"""

# The first versions of a row, whose depositor sends it again.
PAST: LiteralString = """
    SELECT h.cid, h.rid, r.rtype, r.id, h.ver, h.upd, h.gone, h.dict, h.body
      FROM record.history h JOIN record.resource r ON r.cid = h.cid AND r.rid = h.rid
     WHERE h.cid = %(cid)s::bigint AND h.rid = %(rid)s::bigint AND NOT h.gone
     ORDER BY h.ver LIMIT 100
"""

LOCK: LiteralString = """
    SELECT r.cid, r.rid, r.rtype, r.id, r.ver, r.upd, r.gone, r.dict, r.body, '' AS mark, r.kind,
           r.labels, r.dep_pro, r.dep_org, r.origin, r.owners
      FROM record.resource r
     WHERE r.rtype = %(rtype)s::smallint
"""


async def held(
    conn: AsyncConnection[Any], statement: str, values: dict[str, object]
) -> Held | None:
    """The first row of a LOCK statement completed by the door; primary key, or id_map."""
    async with conn.cursor(row_factory=class_row(Held)) as cur:
        await cur.execute(statement.encode(), values)
        return await cur.fetchone()


# Two callers who choose the same id wait for each other; until the transaction ends.
PRESENT: LiteralString = """
    SELECT r.cid, r.rid
      FROM unnest(%(cid)s::bigint[], %(rid)s::bigint[]) AS g (cid, rid)
      JOIN record.resource r USING (cid, rid)
     WHERE NOT r.gone
"""

RESERVE: LiteralString = "SELECT pg_advisory_xact_lock(%s)"

KEEP_VERSION: LiteralString = """
    INSERT INTO record.history (cid, rid, ver, upd, gone, dict, body)
    SELECT cid, rid, ver, upd, gone, dict, body FROM record.resource
     WHERE cid = %(cid)s::bigint AND rid = %(rid)s::bigint
"""

CHANGE: LiteralString = (
    """
    WITH changed AS (
        UPDATE record.resource
           SET ver = %(ver)s, upd = %(at)s::timestamptz, lo = %(lo)s::timestamptz,
               hi = %(hi)s::timestamptz, kind = %(kind)s, labels = %(labels)s, gone = %(gone)s,
               dict = %(dict)s, toks = %(toks)s::bigint[], body = %(body)s,
               indexed = (SELECT search.admitted(%(indexed)s::integer))
         WHERE cid = %(cid)s::bigint AND rid = %(rid)s::bigint
    ),
"""
    + sides.WRITTEN
    + """
    INSERT INTO record.outbox (at, name, cid, rids, rtypes, vers)
    VALUES (%(at)s::timestamptz, %(event)s, %(cid)s::bigint, ARRAY[%(rid)s::bigint],
            ARRAY[%(rtype)s::smallint], ARRAY[%(ver)s::integer])
"""
)

FORGET_STRINGS: LiteralString = (
    "DELETE FROM record.idx_string WHERE cid = %(cid)s::bigint AND rid = %(rid)s::bigint"
)
FORGET_DATES: LiteralString = (
    "DELETE FROM record.idx_date WHERE cid = %(cid)s::bigint AND rid = %(rid)s::bigint"
)
FORGET_NUMBERS: LiteralString = (
    "DELETE FROM record.idx_number WHERE cid = %(cid)s::bigint AND rid = %(rid)s::bigint"
)

RELABEL: LiteralString = """
    UPDATE record.resource SET labels = (labels & 8) | %(labels)s::smallint
     WHERE cid = %(cid)s::bigint AND (rid = ANY (%(rids)s) OR origin = ANY (%(rids)s))
"""

LABELS: LiteralString = """
    SELECT bit_or(labels) FROM record.resource
     WHERE cid = %(cid)s::bigint AND rid = ANY (%(rids)s) AND NOT gone
"""

MASK: LiteralString = """
    UPDATE record.resource SET labels = (labels | %(add)s::smallint) & %(keep)s::smallint
     WHERE cid = %(cid)s::bigint AND (rid = ANY (%(rids)s) OR origin = ANY (%(rids)s))
"""

# What was read in documents, when they are replaced or stand again; not their files nor their lots.
REPLACE: LiteralString = """
    UPDATE record.resource
       SET labels = CASE WHEN %(replaced)s THEN labels | 8 ELSE labels & ~8 END::smallint
     WHERE cid = %(cid)s::bigint AND origin = ANY (%(rids)s) AND rtype <> ALL (%(but)s::smallint[])
       AND ((labels & 8) <> 0) <> %(replaced)s
"""

ATTACHMENT: LiteralString = """
    SELECT a.address, a.digest, a.size FROM record.attachment a
     WHERE a.cid = %(cid)s::bigint AND a.rid = %(rid)s::bigint ORDER BY a.ver DESC LIMIT 1
"""
