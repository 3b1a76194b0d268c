# SPDX-License-Identifier: EUPL-1.2
"""The trace: one row a request, written in the reading statement itself.

A row has ids of things and codes, never what was in them. It is durable before the first byte of the
answer: a read whose trace cannot be written is not answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

from carnet.access.actor import Actor

COLUMNS: LiteralString = (
    "(at, request, sub, situation, org, client, purpose, act, granted, rule, matrix,"
    " cid, cids, rids, vers)"
)
FIXED: LiteralString = (
    "%(a_at)s::timestamptz, %(a_request)s::text, %(a_sub)s::text, %(a_situation)s::text,"
    " %(a_org)s::bigint, %(a_client)s::text, %(a_purpose)s::text, %(a_act)s::text"
)

# To follow `WITH m AS MATERIALIZED (…)`: what is released is the page, not the row that tells there
# is a next one. Reads of the directory leave no ids.
OF_READ: LiteralString = (
    "INSERT INTO access.audit " + COLUMNS + " SELECT " + FIXED + ","
    " count(*) > 0 OR %(a_search)s::boolean, %(a_rule)s::text, %(a_matrix)s::text,"
    " coalesce(%(a_cid)s::bigint, CASE WHEN count(DISTINCT cid) FILTER (WHERE cid <> 0) = 1"
    " THEN max(cid) END),"
    " CASE WHEN %(a_cid)s::bigint IS NULL AND count(DISTINCT cid) FILTER (WHERE cid <> 0) > 1"
    " THEN array_agg(DISTINCT cid) FILTER (WHERE cid <> 0) END,"
    " coalesce(array_agg(rid) FILTER (WHERE cid <> 0), '{}'),"
    " coalesce(array_agg(ver) FILTER (WHERE cid <> 0), '{}')"
)

OF_ACT: LiteralString = (
    "INSERT INTO access.audit " + COLUMNS + " VALUES (" + FIXED + ","
    " %(a_granted)s, %(a_rule)s, %(a_matrix)s, %(a_cid)s, %(a_cids)s, %(a_rids)s, %(a_vers)s)"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a row says whatever the act."""

    at: datetime
    request: str
    actor: Actor
    act: str
    rule: str
    matrix: str

    def values(self) -> dict[str, object]:
        """Named values of FIXED."""
        return {
            "a_at": self.at,
            "a_request": self.request,
            "a_sub": self.actor.sub,
            "a_situation": self.actor.situation or None,
            "a_org": self.actor.org,
            "a_client": self.actor.client,
            "a_purpose": self.actor.purpose,
            "a_act": self.act,
            "a_rule": self.rule,
            "a_matrix": self.matrix,
        }


async def write(
    conn: AsyncConnection[Any],
    trace: Trace,
    *,
    granted: bool,
    cids: Sequence[int] = (),
    released: Sequence[tuple[int, int]] = (),
) -> None:
    """A row for an act that is not one reading statement; released: (rid, version)."""
    values = trace.values()
    values["a_granted"] = granted
    values["a_cid"] = cids[0] if len(cids) == 1 else None
    values["a_cids"] = list(cids) if len(cids) > 1 else None
    values["a_rids"] = [rid for rid, _ in released]
    values["a_vers"] = [ver for _, ver in released]
    await conn.execute(OF_ACT, values)


@dataclass(frozen=True, slots=True)
class Line:
    """One row as the list of readers needs it."""

    at: datetime
    sub: str
    client: str
    purpose: str
    act: str
    granted: bool
    rids: list[int]
    name: str | None
    profession: str | None
    kind: str | None
    place: str | None


LINES: LiteralString = """
    SELECT a.at, a.sub, a.client, a.purpose, a.act, a.granted, a.rids, s.name, s.profession, s.kind,
           o.name AS place
      FROM (SELECT * FROM access.audit WHERE cid = %(cid)s AND at < %(before)s
            UNION ALL
            SELECT * FROM access.audit WHERE cids @> ARRAY[%(cid)s::bigint] AND at < %(before)s) a
      LEFT JOIN access.subject s ON s.sub = a.sub
      LEFT JOIN access.organisation o ON o.cid = a.org
     ORDER BY a.at DESC, a.seq DESC
     LIMIT %(limit)s
"""


async def lines(conn: AsyncConnection[Any], cid: int, before: datetime, limit: int) -> list[Line]:
    """Who was in a record, newest first; indexes audit_of, audit_of_several."""
    async with conn.cursor(row_factory=class_row(Line)) as cur:
        await cur.execute(LINES, {"cid": cid, "before": before, "limit": limit})
        return await cur.fetchall()


VISIBLE: LiteralString = """
    SELECT rid, rtype, id, origin FROM record.resource WHERE cid = %(cid)s AND rid = ANY (%(rids)s)
"""
