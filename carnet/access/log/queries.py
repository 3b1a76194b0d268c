# SPDX-License-Identifier: EUPL-1.2
"""Statements of the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from carnet.access.log import rows, tree
from carnet.access.log.heads import Head
from carnet.access.log.rows import Leaf, Row
from carnet.access.log.tree import Edge

ALONE: LiteralString = "SELECT pg_try_advisory_xact_lock(7309452)"  # one sealer at a time

# The last number given. Whoever took one up to it had locked the table before, and holds the lock until
# their transaction ends: once those are gone, no row of such a number can come any more.
GIVEN: LiteralString = """
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM access.audit_seq_seq
"""
WRITING: LiteralString = """
    SELECT virtualtransaction FROM pg_locks
     WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND relation = 'access.audit'::regclass AND pid IS DISTINCT FROM pg_backend_pid()
"""

HEAD_COLUMNS: LiteralString = "size, root, at, upto, key, signature"
LAST_HEAD: LiteralString = (
    "SELECT " + HEAD_COLUMNS + ", edge FROM access.log_head ORDER BY size DESC LIMIT 1"
)
HEAD_AT: LiteralString = "SELECT " + HEAD_COLUMNS + " FROM access.log_head WHERE size = %s"
HEADS_AFTER: LiteralString = (
    "SELECT " + HEAD_COLUMNS + " FROM access.log_head WHERE size > %s ORDER BY size LIMIT %s"
)
HEAD_OVER: LiteralString = (
    "SELECT " + HEAD_COLUMNS + " FROM access.log_head WHERE size > %s ORDER BY size DESC LIMIT 1"
)
# Primary key of each partition.
UNSEALED: LiteralString = (
    "SELECT "
    + rows.COLUMNS
    + " FROM access.audit WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s"
)
ADD_LEAVES: LiteralString = """
    INSERT INTO access.log_leaf (pos, seq, form, salt, hash)
    SELECT %(pos)s + n - 1, seq, %(form)s, salt, hash
      FROM unnest(%(seqs)s::bigint[], %(salts)b::bytea[], %(hashes)b::bytea[])
           WITH ORDINALITY t (seq, salt, hash, n)
"""
ADD_NODES: LiteralString = """
    INSERT INTO access.log_node (level, idx, hash)
    SELECT * FROM unnest(%s::smallint[], %s::bigint[], %b::bytea[])
"""
ADD_HEAD: LiteralString = """
    INSERT INTO access.log_head (size, root, at, upto, edge, key, signature)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
# An opening of a canary, and a stop by the limit of patients an hour; once a line.
RAISE: LiteralString = """
    WITH raised AS (
    INSERT INTO access.alert (seq, reason, at, sub)
    SELECT seq, 'canary', at, sub FROM access.audit
     WHERE seq > %(after)s AND seq <= %(upto)s AND act <> 'find'
       AND (cid IN (SELECT cid FROM access.canary)
            OR cids && (SELECT array_agg(cid) FROM access.canary))
    UNION ALL
    SELECT seq, 'too-many-patients', at, sub FROM access.audit
     WHERE seq > %(after)s AND seq <= %(upto)s AND rule = 'too-many-patients-read'
    ON CONFLICT DO NOTHING
    RETURNING seq, reason, at, sub)
    SELECT r.seq, r.reason, r.at, r.sub, a.client
      FROM raised r JOIN access.audit a ON a.seq = r.seq AND a.at = r.at ORDER BY r.seq
"""
LEAF_OF: LiteralString = "SELECT pos, seq, form, salt, hash FROM access.log_leaf WHERE seq = %s"
LEAVES: LiteralString = "SELECT hash FROM access.log_leaf WHERE pos >= %s AND pos < %s ORDER BY pos"
NODES: LiteralString = (
    "SELECT hash FROM access.log_node WHERE level = %s AND idx >= %s AND idx < %s ORDER BY idx"
)
ROWS_OF: LiteralString = "SELECT " + rows.COLUMNS + " FROM access.audit WHERE seq = ANY (%s)"
LEAVES_OF: LiteralString = (
    "SELECT pos, seq, form, salt, hash FROM access.log_leaf WHERE seq = ANY (%s)"
)
# The oldest row that no head covers.
WAITING: LiteralString = """
    SELECT min(at) FROM access.audit
     WHERE seq > coalesce((SELECT upto FROM access.log_head ORDER BY size DESC LIMIT 1), 0)
"""

STEP = 8  # levels between two kept: a proof reads at most 2**STEP hashes at once


async def alone(conn: AsyncConnection[Any]) -> bool:
    """Whether this transaction is the one that seals."""
    return bool(await _one(conn, ALONE))


async def given(conn: AsyncConnection[Any]) -> int:
    """The last number a row of the audit took."""
    return int(await _one(conn, GIVEN))


async def writing(conn: AsyncConnection[Any]) -> set[str]:
    """Transactions that may have taken a number and not committed yet."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(WRITING)
        return set(await cur.fetchall())


async def last(conn: AsyncConnection[Any]) -> tuple[Head, Edge] | None:
    """The last head and the edge of its tree; primary key."""
    found = await (await conn.execute(LAST_HEAD)).fetchone()
    return None if found is None else (Head(*found[:6]), Edge.unpacked(found[0], found[6]))


async def head(conn: AsyncConnection[Any], size: int) -> Head | None:
    """The head of a size; primary key."""
    found = await (await conn.execute(HEAD_AT, (size,))).fetchone()
    return None if found is None else Head(*found)


async def head_over(conn: AsyncConnection[Any], pos: int) -> Head | None:
    """The last head, when its tree has this leaf; primary key."""
    found = await (await conn.execute(HEAD_OVER, (pos,))).fetchone()
    return None if found is None else Head(*found)


async def heads_after(conn: AsyncConnection[Any], size: int, most: int) -> list[Head]:
    """Heads past a size, in order; primary key."""
    return [
        Head(*each) for each in await (await conn.execute(HEADS_AFTER, (size, most))).fetchall()
    ]


async def unsealed(conn: AsyncConnection[Any], after: int, upto: int, most: int) -> list[Row]:
    """Rows of the audit by their numbers; primary key of each partition."""
    return await (await conn.execute(UNSEALED, (after, upto, most))).fetchall()


async def add(
    conn: AsyncConnection[Any], leaves: Sequence[Leaf], made: Sequence[tuple[tree.Subtree, bytes]]
) -> None:
    """Leaves that follow one another, and what they made whole."""
    await conn.execute(
        ADD_LEAVES,
        {
            "pos": leaves[0].pos,
            "form": leaves[0].form,
            "seqs": [leaf.seq for leaf in leaves],
            "salts": [leaf.salt for leaf in leaves],
            "hashes": [leaf.hash for leaf in leaves],
        },
    )
    kept = [(level, idx, hashed) for (level, idx), hashed in made if level % STEP == 0]
    if kept:
        await conn.execute(ADD_NODES, tuple(list(column) for column in zip(*kept, strict=True)))


async def add_head(conn: AsyncConnection[Any], made: Head, edge: Edge) -> None:
    """A head."""
    values = (made.size, made.root, made.at, made.upto, edge.packed(), made.key, made.signature)
    await conn.execute(ADD_HEAD, values)


async def alerts(
    conn: AsyncConnection[Any], after: int, upto: int
) -> list[tuple[int, str, datetime, str, str]]:
    """Raise what the rows of these numbers call for; (number, reason, when, subject, client)."""
    found = await conn.execute(RAISE, {"after": after, "upto": upto})
    return await found.fetchall()


async def leaf_of(conn: AsyncConnection[Any], seq: int) -> Leaf | None:
    """The leaf of a row; unique index on seq."""
    found = await (await conn.execute(LEAF_OF, (seq,))).fetchone()
    return None if found is None else Leaf(*found)


async def rows_of(conn: AsyncConnection[Any], seqs: list[int]) -> list[Row]:
    """Rows of the audit by their numbers; primary key of each partition."""
    return await (await conn.execute(ROWS_OF, (seqs,))).fetchall()


async def leaves_of(conn: AsyncConnection[Any], seqs: list[int]) -> list[Leaf]:
    """Leaves of rows; unique index on seq."""
    return [Leaf(*each) for each in await (await conn.execute(LEAVES_OF, (seqs,))).fetchall()]


async def block(conn: AsyncConnection[Any], level: int, number: int) -> list[bytes]:
    """Hashes of 256 neighbours of a level, or of as many as there are; primary keys."""
    first, last = number << STEP, (number + 1) << STEP
    async with conn.cursor(row_factory=scalar_row) as cur:
        if level:
            await cur.execute(NODES, (level, first, last))
        else:
            await cur.execute(LEAVES, (first, last))
        return await cur.fetchall()


async def waiting(conn: AsyncConnection[Any]) -> datetime | None:
    """When the oldest row that no head covers was written; None when all are covered."""
    found: datetime | None = await _one(conn, WAITING)
    return found


async def _one(conn: AsyncConnection[Any], query: LiteralString) -> Any:
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(query)
        return await cur.fetchone()


IS_PATIENT: LiteralString = "SELECT true FROM access.record WHERE cid = %s"
WATCH: LiteralString = """
    INSERT INTO access.canary (cid, since, set_by) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
UNWATCH: LiteralString = "DELETE FROM access.canary WHERE cid = %s"
REVIEWED: LiteralString = """
    UPDATE access.alert SET reviewed = %s, reviewed_by = %s WHERE seq = %s AND reviewed IS NULL
"""
TO_REVIEW: LiteralString = (
    "SELECT seq, reason, at, sub FROM access.alert WHERE reviewed IS NULL ORDER BY at, seq"
)


async def is_patient(conn: AsyncConnection[Any], cid: int) -> bool:
    """Whether a record bears this number; primary key."""
    return bool(await (await conn.execute(IS_PATIENT, (cid,))).fetchone())


async def watch(
    conn: AsyncConnection[Any], cid: int, at: datetime, by: str, *, end: bool = False
) -> None:
    """Have openings of a record raise an alert, or no more; the operator's."""
    if end:
        await conn.execute(UNWATCH, (cid,))
    else:
        await conn.execute(WATCH, (cid, at, by))


async def reviewed(conn: AsyncConnection[Any], seq: int, at: datetime, by: str) -> bool:
    """Somebody looked at what a line raised; the operator's. False: nothing of it waited."""
    return bool((await conn.execute(REVIEWED, (at, by, seq))).rowcount)


async def to_review(conn: AsyncConnection[Any]) -> list[dict[str, Any]]:
    """What nobody has looked at yet, oldest first; index alert_to_review."""
    found = await (await conn.execute(TO_REVIEW)).fetchall()
    return [
        {"line": seq, "reason": reason, "at": at.isoformat(), "sub": sub}
        for seq, reason, at, sub in found
    ]
