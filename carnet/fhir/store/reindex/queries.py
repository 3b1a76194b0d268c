# SPDX-License-Identifier: EUPL-1.2
"""Statements of a reindex: rows, what they are found by, and what they should be found by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row, tuple_row

from carnet.fhir.store import sides
from carnet.fhir.store.queries import Row


@dataclass(frozen=True, slots=True)
class Indexed(Row):
    """A row and all it is found by; instants are microseconds since 1970, or an infinity."""

    indexed: int = 0
    lo: str = ""
    hi: str = ""
    toks: list[int] | None = None
    strings: list[str] | None = None
    dates: list[str] | None = None
    numbers: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Which:
    """Rows to walk. rtypes: numbers of types, all when none. below: only those indexed by less."""

    rtypes: tuple[int, ...] = ()
    below: int | None = None

    def sql(self, values: dict[str, object]) -> str:
        """Conditions on `r`, each after an AND."""
        said = ""
        if self.rtypes:
            values["rtypes"] = list(self.rtypes)
            said += " AND r.rtype = ANY (%(rtypes)s::smallint[])"
        if self.below is not None:
            values["below"] = self.below
            said += " AND r.indexed < %(below)s::integer"
        return said


COUNT = "SELECT count(*) FROM record.resource r WHERE true"
# The primary key is walked from a place on; rows done already are passed over.
PLACES = """
    SELECT r.cid, r.rid FROM record.resource r
     WHERE (r.cid, r.rid) > (%(cid)s::bigint, %(rid)s::bigint){which}
     ORDER BY r.cid, r.rid LIMIT %(most)s::bigint
"""
# Microseconds, so that no time zone and no rounding is between what was written and what is read.
MICROS: LiteralString = (
    "CASE WHEN isfinite({0}) THEN (extract(epoch FROM {0}) * 1000000)::bigint::text"
    " ELSE {0}::text END"
)
ROWS = (
    """
    SELECT r.cid, r.rid, r.rtype, r.id, r.ver, r.upd, r.gone, r.dict, r.body, '' AS mark, r.indexed,
           {lo} AS lo, {hi} AS hi, r.toks,
           ARRAY(SELECT s.param || ' ' || s.value FROM record.idx_string s
                  WHERE s.cid = r.cid AND s.rid = r.rid) AS strings,
           ARRAY(SELECT d.param || ' ' || {d_lo} || ' ' || {d_hi} FROM record.idx_date d
                  WHERE d.cid = r.cid AND d.rid = r.rid) AS dates,
           ARRAY(SELECT concat_ws(' ', n.salt, n.lo, coalesce(n.hi::text, '-'),
                                  coalesce(n.lo2::text, '-'), coalesce(n.hi2::text, '-'), n.tags::text)
                   FROM record.idx_number n WHERE n.cid = r.cid AND n.rid = r.rid) AS numbers
      FROM unnest(%(cids)s::bigint[], %(rids)s::bigint[]) AS g (cid, rid)
      JOIN record.resource r USING (cid, rid)
""".replace("{lo}", MICROS.format("r.lo"))
    .replace("{hi}", MICROS.format("r.hi"))
    .replace("{d_lo}", MICROS.format("d.lo"))
    .replace("{d_hi}", MICROS.format("d.hi"))
)
# Whoever else works on a row is left to it.
LOCKED = """
    SELECT r.cid, r.rid FROM unnest(%(cids)s::bigint[], %(rids)s::bigint[]) AS g (cid, rid)
      JOIN record.resource r USING (cid, rid)
     WHERE true{which} ORDER BY r.cid, r.rid FOR UPDATE OF r SKIP LOCKED
"""

# Rows that were right are only said to be so.
SAID: LiteralString = """
    UPDATE record.resource r SET indexed = (SELECT search.admitted(%(indexed)s::integer))
      FROM unnest(%(cids)s::bigint[], %(rids)s::bigint[]) AS g (cid, rid)
     WHERE r.cid = g.cid AND r.rid = g.rid
"""
FORGET: tuple[LiteralString, ...] = (
    "DELETE FROM record.idx_string s USING unnest(%(cid)s::bigint[], %(rid)s::bigint[]) AS g (cid, rid)"
    " WHERE s.cid = g.cid AND s.rid = g.rid",
    "DELETE FROM record.idx_date s USING unnest(%(cid)s::bigint[], %(rid)s::bigint[]) AS g (cid, rid)"
    " WHERE s.cid = g.cid AND s.rid = g.rid",
    "DELETE FROM record.idx_number s USING unnest(%(cid)s::bigint[], %(rid)s::bigint[]) AS g (cid, rid)"
    " WHERE s.cid = g.cid AND s.rid = g.rid",
)
PUT: LiteralString = (
    """
    WITH given AS (
        SELECT * FROM unnest(
            %(cid)s::bigint[], %(rid)s::bigint[], %(lo)s::timestamptz[], %(hi)s::timestamptz[],
            %(tok_from)s::integer[], %(tok_to)s::integer[]
        ) AS g (cid, rid, lo, hi, tok_from, tok_to)
    ),
"""
    + sides.WRITTEN
    + """
    UPDATE record.resource r
       SET lo = g.lo, hi = g.hi, toks = (%(toks)s::bigint[])[g.tok_from:g.tok_to],
           indexed = (SELECT search.admitted(%(indexed)s::integer))
      FROM given g
     WHERE r.cid = g.cid AND r.rid = g.rid
"""
)

# Of which nobody may write any more what is older than this: by the server's own clock.
RAISE: LiteralString = (
    "UPDATE search.floor SET number = %(generation)s WHERE number < %(generation)s"
)
# The transactions that are running and may write what was indexed before the floor was raised; their
# time is limited (postgres/pool.py).
RUNNING: LiteralString = """
    SELECT l.virtualtransaction
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'virtualxid' AND l.pid <> pg_backend_pid() AND a.datname = current_database()
       AND a.usename IN ('carnet_app', 'carnet_worker')
"""
SINCE: LiteralString = (
    "SELECT clock_timestamp() - max(at) FROM search.generation WHERE number <= %(generation)s"
)
COMPLETE: LiteralString = """
    UPDATE search.parameter SET complete = clock_timestamp()
     WHERE number = ANY (%(numbers)s) AND complete IS NULL AND removed IS NULL
"""


async def places(
    conn: AsyncConnection[Any], which: Which, after: tuple[int, int], most: int
) -> list[tuple[int, int]]:
    """The next places of a walk; primary key of record.resource."""
    values: dict[str, object] = {"cid": after[0], "rid": after[1], "most": most}
    text = PLACES.format(which=which.sql(values))
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(text.encode(), values)
        return await cur.fetchall()


async def count(conn: AsyncConnection[Any], which: Which) -> int:
    """How many rows there are."""
    values: dict[str, object] = {}
    row = await (await conn.execute((COUNT + which.sql(values)).encode(), values)).fetchone()
    return int(row[0]) if row else 0


async def lock(
    conn: AsyncConnection[Any], which: Which, at: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Those of the places that nobody else works on, locked; what was done meanwhile is left out."""
    values: dict[str, object] = {"cids": [cid for cid, _ in at], "rids": [rid for _, rid in at]}
    text = LOCKED.format(which=which.sql(values))
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(text.encode(), values)
        return await cur.fetchall()


async def rows(conn: AsyncConnection[Any], at: Sequence[tuple[int, int]]) -> list[Indexed]:
    """Rows with all they are found by, in one snapshot; primary key, idx_*_row."""
    values = {"cids": [cid for cid, _ in at], "rids": [rid for _, rid in at]}
    async with conn.cursor(row_factory=class_row(Indexed)) as cur:
        await cur.execute(ROWS.encode(), values)
        return await cur.fetchall()
