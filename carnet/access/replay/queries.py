# SPDX-License-Identifier: EUPL-1.2
"""Statements of the replay: rows of the rights as JSON, those of now and those that were changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

Line = dict[str, Any]

# Every compartment that was ever one person's with these.
WITH: LiteralString = """
    SELECT cid FROM access.record WHERE cid = ANY (%(cids)s) OR root = ANY (%(cids)s)
    UNION SELECT root FROM access.record WHERE cid = ANY (%(cids)s) AND root IS NOT NULL
    UNION SELECT cid FROM access.past
     WHERE tbl = 'record' AND (was ->> 'root')::bigint = ANY (%(cids)s)
    UNION SELECT (was ->> 'root')::bigint FROM access.past
     WHERE tbl = 'record' AND cid = ANY (%(cids)s) AND was ->> 'root' IS NOT NULL
"""


async def ever(conn: AsyncConnection[Any], cid: int) -> list[int]:
    """Compartments that were ever merged with one, itself included; indexes record_person, past_root."""
    found = {cid}
    async with conn.cursor(row_factory=scalar_row) as cur:
        while True:
            await cur.execute(WITH, {"cids": sorted(found)})
            more = found | set(await cur.fetchall())
            if more == found:
                return sorted(found)
            found = more


OF_TABLE: dict[str, LiteralString] = {
    "record": "SELECT to_jsonb(t) FROM access.record t WHERE cid = ANY (%s)",
    "consent": "SELECT to_jsonb(t) FROM access.consent t WHERE cid = ANY (%s)",
    "block": "SELECT to_jsonb(t) FROM access.block t WHERE cid = ANY (%s)",
    "trusted": "SELECT to_jsonb(t) FROM access.trusted t WHERE cid = ANY (%s)",
    "mandate": "SELECT to_jsonb(t) FROM access.mandate t WHERE cid = ANY (%s)",
    "emergency": "SELECT to_jsonb(t) FROM access.emergency t WHERE cid = ANY (%s)",
    "refusal": "SELECT to_jsonb(t) FROM access.refusal t WHERE cid = ANY (%s)",
    "team": "SELECT to_jsonb(t) FROM access.team t WHERE cid = ANY (%s)",
    "team_member": (
        "SELECT to_jsonb(m) FROM access.team t JOIN access.team_member m ON m.team = t.id"
        " WHERE t.cid = ANY (%s)"
    ),
    "assistant": "SELECT to_jsonb(t) FROM access.assistant t WHERE rpps = ANY (%s)",
    "subject": (
        "SELECT jsonb_build_object('sub', sub, 'kind', kind, 'rpps', rpps, 'profession', profession,"
        " 'patient', patient) FROM access.subject t"
        " WHERE rpps = ANY (%s::bigint[]) OR patient = ANY (%s::bigint[]) OR sub = ANY (%s::text[])"
    ),
}
PAST: LiteralString = """
    SELECT was, until FROM access.past
     WHERE cid = ANY (%s) AND tbl = %s AND until > %s ORDER BY until, n
"""
PAST_ASSISTANTS: LiteralString = """
    SELECT was, until FROM access.past
     WHERE tbl = 'assistant' AND (was ->> 'rpps')::bigint = ANY (%s) AND until > %s ORDER BY until, n
"""
PAST_SUBJECTS: LiteralString = """
    SELECT was, until FROM access.past
     WHERE tbl = 'subject' AND was ->> 'sub' = ANY (%s) AND until > %s ORDER BY until, n
"""


async def now(conn: AsyncConnection[Any], tbl: str, *given: Sequence[Any]) -> list[Line]:
    """Rows as they stand; indexes of each table on its record."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(OF_TABLE[tbl], [list(each) for each in given])
        return await cur.fetchall()


async def past(
    conn: AsyncConnection[Any], tbl: str, given: Sequence[Any], at: datetime
) -> list[Line]:
    """Rows that were so at a moment and were changed after it, the first change first."""
    async with conn.cursor() as cur:
        if tbl == "assistant":
            await cur.execute(PAST_ASSISTANTS, (list(given), at))
        elif tbl == "subject":
            await cur.execute(PAST_SUBJECTS, (list(given), at))
        else:
            await cur.execute(PAST, (list(given), tbl, at))
        return [was for was, _ in await cur.fetchall()]


@dataclass(frozen=True, slots=True)
class Held:
    """What decides who sees a resource; no part of what it says."""

    cid: int
    rid: int
    rtype: int
    kind: int
    labels: int
    gone: bool
    owners: list[int] | None
    dep_pro: int | None
    dep_org: int | None


# A number holds the milliseconds since 2024 at which it was given (fhir/store/ids.py).
RESOURCES: LiteralString = """
    SELECT cid, rid, rtype, kind, labels, gone, owners, dep_pro, dep_org FROM record.resource
     WHERE cid = ANY (%s) AND (rid >> 22) <= %s ORDER BY cid, rid
"""


async def resources(conn: AsyncConnection[Any], cids: Sequence[int], at: int) -> list[Held]:
    """Resources of a record made until a moment, in milliseconds since 2024, as they are now."""
    async with conn.cursor(row_factory=class_row(Held)) as cur:
        await cur.execute(RESOURCES, (list(cids), at))
        return await cur.fetchall()


SITUATIONS: LiteralString = """
    SELECT s.sub, x.id, x.org, o.name FROM access.subject s JOIN access.situation x ON x.sub = s.sub
      JOIN access.organisation o ON o.cid = x.org WHERE s.sub = ANY (%s) ORDER BY x.id
"""
ORGANISATIONS: LiteralString = """
    SELECT s.sub, x.org FROM access.subject s JOIN access.situation x ON x.sub = s.sub
     WHERE s.kind = 'software' AND x.org = ANY (%s) ORDER BY s.sub
"""


async def situations(conn: AsyncConnection[Any], subs: Sequence[str]) -> list[tuple[str, int]]:
    """Where professionals work: (subject, organisation); index situation_of."""
    found = await (await conn.execute(SITUATIONS, (list(subs),))).fetchall()
    return [(sub, org) for sub, _, org, _ in found]


async def software(conn: AsyncConnection[Any], orgs: Sequence[int]) -> list[tuple[str, int]]:
    """Software of organisations: (subject, organisation); index situation_at."""
    found = await (await conn.execute(ORGANISATIONS, (list(orgs),))).fetchall()
    return [(sub, org) for sub, org in found]


@dataclass(frozen=True, slots=True)
class Said:
    """What a line of the audit says of its decision."""

    seq: int
    at: datetime
    sub: str
    acting_for: int | None
    org: int | None
    act: str
    granted: bool
    rule: str
    matrix: str
    cid: int | None
    cids: list[int] | None
    count: int  # resources it named


SAID: LiteralString = """
    SELECT seq, at, sub, acting_for, org, act, granted, rule, matrix, cid, cids,
           cardinality(rids) AS count FROM access.audit WHERE seq = %s
"""


async def said(conn: AsyncConnection[Any], seq: int) -> Said | None:
    """One line; primary key of each partition."""
    async with conn.cursor(row_factory=class_row(Said)) as cur:
        await cur.execute(SAID, (seq,))
        return await cur.fetchone()


KEEP: LiteralString = """
    INSERT INTO access.matrix_kept (version, digest, since, body) VALUES (%s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""
DECIDED_BY: LiteralString = """
    SELECT body FROM access.matrix_kept WHERE since <= %s ORDER BY since DESC, version
"""


async def keep(
    conn: AsyncConnection[Any], version: str, digest: bytes, since: datetime, body: Line
) -> None:
    """Keep a matrix; the same one is kept once. Primary key."""
    await conn.execute(KEEP, (version, digest, since, Jsonb(body)))


async def kept(conn: AsyncConnection[Any], at: datetime) -> list[Line]:
    """The matrices in use until a moment, the last one first."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(DECIDED_BY, (at,))
        return await cur.fetchall()
