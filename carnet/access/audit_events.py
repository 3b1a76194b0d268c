# SPDX-License-Identifier: EUPL-1.2
"""Lines of the audit as FHIR's AuditEvent shows them: who may ask for which, and the statement.

The holder of a record asks for its lines, and a line obeys the visibility of what it names; anybody who
works asks for their own acts; who audits (an operator) asks for a patient's or an agent's, and is told
ids of persons and records, never which resources. Asking is a line too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, LiteralString

from psycopg.rows import class_row, scalar_row

from carnet import errors
from carnet.access import audit, queries
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.door.decide import REPRESENTING
from carnet.access.door.visit import Nothing
from carnet.access.log import proofs
from carnet.fhir.search.scope import Scope, condition

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
HOLDERS = frozenset((ActorKind.PATIENT,))


class NameWhom(errors.Invalid):
    """Who audits names a patient or an agent."""


class As(StrEnum):
    """In what quality lines are asked for; the rule of the trace."""

    HOLDER = "audit-of-own-record"
    OWN_ACTS = "audit-of-own-acts"
    AUDITOR = "audit-by-auditor"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines.

    cid: of one record. rid: that name this resource of it. acts: of these acts. before: after this
    place, newest first.
    """

    since: datetime
    until: datetime
    count: int
    seq: int | None = None
    cid: int | None = None
    rid: int | None = None
    sub: str | None = None
    rpps: int | None = None
    of_patient: int | None = None  # done by this person
    acts: Sequence[str] | None = None
    granted: bool | None = None
    before: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A line."""

    seq: int
    at: datetime
    request: str
    sub: str
    situation: str | None
    acting_for: int | None
    client: str
    purpose: str
    act: str
    granted: bool
    rule: str
    matrix: str
    cid: int | None
    cids: list[int] | None
    rids: list[int]
    vers: list[int]
    home: int | None  # the record of its id: `cid`, even where that is not told
    kind: str | None
    name: str | None
    rpps: int | None
    patient: int | None  # record of who acted, for a patient
    place: str | None
    whole: bool = False  # whether all it names may be known to who asks
    named: list[tuple[str, str, int]] = field(default_factory=list)  # (type, id, version) seen


# One branch a way in, each with its index: audit_of, audit_of_several, audit_by, the primary key. Dates
# choose the partitions. {lines} says which branch, {shown} what this caller may know.
EVENTS: LiteralString = """
    SELECT a.seq, a.at, a.request, a.sub, a.situation, a.acting_for, a.client, a.purpose, a.act,
           a.granted, a.rule, a.matrix, a.cid, a.cids, a.rids, a.vers,
           a.cid AS home, s.kind, s.name, s.rpps, s.patient, o.name AS place
      FROM ({lines}) a
      LEFT JOIN access.subject s ON s.sub = a.sub
      LEFT JOIN access.organisation o ON o.cid = a.org
     WHERE {shown}
       AND a.at >= %(e_since)s::timestamptz AND a.at < %(e_until)s::timestamptz
       AND (%(e_seq)s::bigint IS NULL OR a.seq = %(e_seq)s::bigint)
       AND (%(e_rid)s::bigint IS NULL OR a.rids @> ARRAY[%(e_rid)s::bigint])
       AND (%(e_sub)s::text IS NULL OR a.sub = %(e_sub)s::text)
       AND (%(e_rpps)s::bigint IS NULL OR s.rpps = %(e_rpps)s::bigint)
       AND (%(e_of)s::bigint IS NULL OR s.patient = %(e_of)s::bigint)
       AND (%(e_acts)s::text[] IS NULL OR a.act = ANY (%(e_acts)s::text[]))
       AND (%(e_granted)s::boolean IS NULL OR a.granted = %(e_granted)s::boolean)
"""
PAGE: LiteralString = """
       AND (%(e_at)s::timestamptz IS NULL
            OR (a.at, a.seq) < (%(e_at)s::timestamptz, %(e_after)s::bigint))
     ORDER BY a.at DESC, a.seq DESC
     LIMIT %(e_count)s::bigint
"""
DATED: LiteralString = "at >= %(e_since)s::timestamptz AND at < %(e_until)s::timestamptz"
OF_RECORD: LiteralString = (
    "SELECT *, true AS asked FROM access.audit WHERE cid = ANY (%(e_cids)s::bigint[]) AND " + DATED
    + " UNION ALL SELECT *, false AS asked FROM access.audit"
    " WHERE cids && %(e_cids)s::bigint[] AND " + DATED
)  # fmt: skip
OF_ACCOUNT: LiteralString = (
    "SELECT *, true AS asked FROM access.audit WHERE sub = %(e_by)s::text AND " + DATED
)
OF_AGENT: LiteralString = (
    "SELECT *, true AS asked FROM access.audit WHERE sub = ANY (SELECT sub FROM access.subject"
    " WHERE sub = %(e_sub)s::text OR rpps = %(e_rpps)s::bigint OR patient = %(e_of)s::bigint) AND "
    + DATED
)
# A refused act is told without the record it met: its address alone would say whose it is.
KNOWN: LiteralString = (
    "(%(e_cid)s::bigint IS NULL OR (a.granted AND"
    " (a.cid = %(e_cid)s::bigint OR a.cids @> ARRAY[%(e_cid)s::bigint])))"
)
NAMED = """
    SELECT r.cid, r.rid, r.rtype, r.id FROM record.resource r
     WHERE r.cid = ANY (%(n_cids)s::bigint[]) AND r.rid = ANY (%(n_rids)s::bigint[]) AND {seen}
"""


async def events(visit: Visit, wanted: Wanted, *, total: bool = False) -> tuple[list[Event], int]:
    """Lines, newest first, one more than asked for when there are more; and how many, if asked."""
    door, actor = visit.door, visit.actor
    values: dict[str, object] = {
        "e_since": wanted.since, "e_until": wanted.until, "e_seq": wanted.seq, "e_rid": wanted.rid,
        "e_cid": wanted.cid, "e_sub": wanted.sub, "e_rpps": wanted.rpps, "e_of": wanted.of_patient,
        "e_acts": None if wanted.acts is None else list(wanted.acts), "e_by": actor.sub,
        "e_cids": [wanted.cid], "e_granted": wanted.granted, "e_count": wanted.count + 1,
        "e_at": wanted.before[0] if wanted.before else None,
        "e_after": wanted.before[1] if wanted.before else None,
    }  # fmt: skip
    async with door.pool.connection() as conn:
        scope: Scope | None = None
        merged: list[int] = []
        lines: str
        if actor.kind in HOLDERS:
            quality = As.HOLDER
            cid = actor.patient if wanted.cid is None else wanted.cid
            if cid is None:
                raise Nothing
            values["e_cid"], values["e_cids"] = cid, [cid]
            decision = await door.decide(conn, actor, [cid])
            if not decision.granted or not await _may(visit, conn, cid):
                await audit.write(conn, visit.trace("audit", decision.rule), granted=False)
                return [], 0
            scope, lines = decision.scope, OF_RECORD
            merged = list(decision.merged.get(cid, (cid,)))  # what was merged is one record
            values["e_cids"] = merged
            seen = condition(scope, values, public=False)
            values["e_own"] = actor.patient in merged
            shown = (
                "(NOT a.secret OR %(e_own)s::boolean)"
                " AND ((a.asked AND (a.act = 'search' OR cardinality(a.rids) = 0))"
                " OR EXISTS (SELECT 1 FROM record.resource r WHERE r.cid = ANY (%(e_cids)s::bigint[])"
                f" AND r.rid = ANY (a.rids) AND {seen}))"
            )
            if wanted.rid is not None:  # naming it is asking whether it is there
                values["e_named"] = wanted.rid
                shown += (
                    " AND EXISTS (SELECT 1 FROM record.resource r WHERE r.cid = ANY (%(e_cids)s::bigint[])"
                    f" AND r.rid = %(e_named)s::bigint AND {seen})"
                )
        elif actor.kind is ActorKind.OPERATOR:
            quality, cid, shown = As.AUDITOR, wanted.cid, "true"
            if wanted.rid is not None or wanted.cid == 0:
                raise NameWhom
            if wanted.cid is not None:
                lines = OF_RECORD
                merged = list(
                    (await queries.sets(conn, [wanted.cid])).get(wanted.cid, (wanted.cid,))
                )
                values["e_cids"] = merged
            elif wanted.sub or wanted.rpps or wanted.of_patient:
                lines = OF_AGENT
            else:
                raise NameWhom
        else:
            quality, cid, lines, shown = As.OWN_ACTS, None, OF_ACCOUNT, KNOWN
        text = EVENTS.format(lines=lines, shown=shown)
        async with conn.transaction():
            trace = visit.trace("audit", quality)
            await audit.write(conn, trace, granted=True, cids=[cid] if cid else ())
            if scope is not None:
                await visit.enter(conn, scope)
            count = 0
            if total:
                async with conn.cursor(row_factory=scalar_row) as cur:
                    await cur.execute(f"SELECT count(*) FROM ({text}) counted".encode(), values)
                    count = int(await cur.fetchone() or 0)
            async with conn.cursor(row_factory=class_row(Event)) as cur:
                await cur.execute((text + PAGE).encode(), values)
                found = await cur.fetchall()
            if quality is As.AUDITOR:
                asked = {"cid": cid, "cids": None} if cid else {}
                return [replace(each, rids=[], vers=[], **asked) for each in found], count  # type: ignore[arg-type]
            return await _naming(visit, conn, found, scope, cid, merged), count


async def _may(visit: Visit, conn: Any, cid: int) -> bool:
    """Whether a record's lines are this person's: it is theirs, or they represent who it is about."""
    actor = visit.actor
    held = await queries.held(conn, actor.sub, actor.patient, [cid], visit.door.clock(), 100)
    if any(one.nature == "self" for one in held):
        return True
    represented = any(one.nature in REPRESENTING and one.reach == "all" for one in held)
    return represented and not actor.secret


async def proof(visit: Visit, cid: int, seq: int) -> dict[str, Any]:
    """The proof that a line stands in the log, for who may know it; asking is a line too.

    It opens which record and resources the line names when all of them may be known to who asks.
    """
    found, _ = await events(visit, Wanted(*ALWAYS, count=1, seq=seq, cid=cid or None))
    if not found:
        raise Nothing
    async with visit.door.pool.connection() as conn:
        return await proofs.of_line(conn, seq, opened=found[0].whole)


async def _naming(
    visit: Visit,
    conn: Any,
    found: list[Event],
    scope: Scope | None,
    own: int | None,
    merged: list[int],
) -> list[Event]:
    """The lines with the resources this caller sees now, and no other record's number."""
    rids = sorted({rid for each in found for rid in each.rids})
    cids = sorted({cid for each in found for cid in (each.cid, *(each.cids or ())) if cid})
    if own is not None:
        cids = merged
    names: dict[int, tuple[str, str, int]] = {}
    if rids and cids:
        if scope is None:
            scope = (await visit.door.decide(conn, visit.actor, cids)).scope
            await visit.enter(conn, scope)
        values: dict[str, object] = {"n_cids": cids, "n_rids": rids}
        text = NAMED.format(seen=condition(scope, values, public=False))
        for cid, rid, rtype, id in await (await conn.execute(text.encode(), values)).fetchall():
            names[rid] = (visit.door.names[rtype], id, cid)
    told = []
    for each in found:
        named = [
            (names[rid][0], names[rid][1], ver)
            for rid, ver in zip(each.rids, each.vers, strict=True)
            if rid in names
        ]
        whole = not each.cids and len(named) == len(each.rids)
        each = replace(each, whole=whole)
        if own is not None:
            each = replace(each, cid=own, cids=None)
        elif not each.granted:
            each = replace(each, cid=None, cids=None)
        told.append(replace(each, rids=[], vers=[], named=named))
    return told
