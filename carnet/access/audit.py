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

from carnet.access.actor import Actor, ActorKind

COLUMNS: LiteralString = (
    "(at, request, sub, situation, org, acting_for, secret, client, purpose, act, granted, rule,"
    " matrix, cid, cids, rids, vers)"
)
FIXED: LiteralString = (
    "%(a_at)s::timestamptz, %(a_request)s::text, %(a_sub)s::text, %(a_situation)s::text,"
    " %(a_org)s::bigint, %(a_for)s::bigint, %(a_secret)s::boolean,"
    " %(a_client)s::text, %(a_purpose)s::text, %(a_act)s::text"
)

# To follow `WITH m AS MATERIALIZED (…)`: what is released is the page, not the row that tells there
# is a next one, and of a deleted resource nothing but in a history. Reads of the directory leave no
# ids. `cid` is the record the request named; `cids` are those that only its results did.
OF_READ: LiteralString = (
    "INSERT INTO access.audit " + COLUMNS + " SELECT " + FIXED + ","
    " count(*) > 0 OR %(a_whatever)s::boolean, %(a_rule)s::text, %(a_matrix)s::text,"
    " %(a_cid)s::bigint,"
    " array_agg(DISTINCT cid) FILTER (WHERE cid <> 0 AND cid IS DISTINCT FROM %(a_cid)s::bigint),"
    " coalesce(array_agg(rid) FILTER (WHERE cid <> 0 AND released), '{}'),"
    " coalesce(array_agg(ver) FILTER (WHERE cid <> 0 AND released), '{}')"
)

OF_ACT: LiteralString = (
    "INSERT INTO access.audit " + COLUMNS + " VALUES (" + FIXED + ","
    " %(a_granted)s, %(a_rule)s, %(a_matrix)s, %(a_cid)s, %(a_cids)s, %(a_rids)s, %(a_vers)s)"
)


EMERGENCY = "ETREAT"  # HL7 PurposeOfUse of what an emergency opening alone lets read


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
            "a_for": self.actor.rpps if self.actor.kind is ActorKind.ASSISTANT else None,
            "a_secret": self.actor.secret,
            "a_client": self.actor.client,
            "a_purpose": EMERGENCY if self.rule == "emergency" else self.actor.purpose,
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

    seq: int
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
    application: str | None  # by which it was done, None when by a page of ours


# A line obeys the visibility of what it names, in the statement itself: filtered afterwards, a page
# would be short by as many lines as are hidden. One that only asked, and a search whatever it found,
# are shown: they would be there had nothing been found. {seen} is the reader's scope on `r`. What a
# minor did by a secret connection is shown to them alone (CSP R.1111-50).
LINES = """
    SELECT a.seq, a.at, a.sub, a.client, a.act, a.granted, a.rids, s.name, s.profession, s.kind,
           -- Another person who acts for this one did not act at this one's request.
           CASE WHEN a.purpose = 'PATRQT' AND s.kind = 'patient'
                     AND s.patient <> ALL (%(a_of)s::bigint[])
                THEN 'FAMRQT' ELSE a.purpose END AS purpose,
           o.name AS place, c.name AS application
      FROM (SELECT *, true AS asked FROM access.audit
             WHERE cid = ANY (%(a_of)s::bigint[]) AND at < %(a_before)s::timestamptz
            UNION ALL
            SELECT *, false AS asked FROM access.audit
             WHERE cids && %(a_of)s::bigint[] AND at < %(a_before)s::timestamptz) a
      LEFT JOIN access.subject s ON s.sub = a.sub
      LEFT JOIN access.organisation o ON o.cid = a.org
      LEFT JOIN access.client c ON c.id = a.client AND c.kind = 'app'
     WHERE (NOT a.secret OR %(a_own)s::boolean)
       AND ((a.asked AND (a.act = 'search' OR cardinality(a.rids) = 0))
            OR EXISTS (SELECT 1 FROM record.resource r
                        WHERE r.cid = ANY (%(a_of)s::bigint[]) AND r.rid = ANY (a.rids) AND {seen}))
     ORDER BY a.at DESC, a.seq DESC
     LIMIT %(a_lines)s::bigint
"""
