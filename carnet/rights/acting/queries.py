# SPDX-License-Identifier: EUPL-1.2
"""Statements of mandates, helpers' sessions and assistants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

ADD_MANDATE: LiteralString = """
    INSERT INTO access.mandate (id, cid, sub, nature, reach, how, declared_by, form, since, until)
    VALUES (%(id)s, %(cid)s, %(sub)s, %(nature)s, %(reach)s, %(how)s, %(declared_by)s, %(form)s,
            %(since)s, %(until)s)
"""

# By the operator, at a load: once, and nothing where either of the two is not there yet.
ADD_LOADED: LiteralString = """
    INSERT INTO access.mandate (id, cid, sub, nature, reach, how, declared_by, form, since, until)
    SELECT %(id)s, c.patient, p.sub, %(nature)s, %(reach)s, %(how)s, %(declared_by)s, %(form)s,
           %(since)s, %(until)s
      FROM access.subject c, access.subject p
     WHERE c.sub = %(person)s AND p.sub = %(sub)s AND c.patient IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM access.mandate m
                        WHERE m.cid = c.patient AND m.sub = p.sub AND m.nature = %(nature)s)
"""

# Those of one person: all their compartments.
OF_PERSON: LiteralString = """ m.cid IN (
    SELECT x.cid FROM access.record r JOIN access.record x ON x.person = r.person
     WHERE r.cid = %(cid)s::bigint)"""
LIVE: LiteralString = (
    " m.revoked IS NULL AND m.since <= %(now)s AND (m.until IS NULL OR m.until > %(now)s)"
)


@dataclass(frozen=True, slots=True)
class Mandated:
    """A live mandate, with the names of who holds it and of whose record it is."""

    id: int
    cid: int
    sub: str
    nature: str
    reach: str
    how: str
    form: str
    since: datetime
    until: datetime | None
    holder: str
    person: str
    birth_date: date
    sex: str


MANDATES: LiteralString = (
    """
    SELECT m.id, m.cid, m.sub, m.nature, m.reach, m.how, m.form, m.since, m.until,
           s.name AS holder, i.shown_name AS person, i.birth_date, i.sex
      FROM access.mandate m
      JOIN access.subject s ON s.sub = m.sub
      JOIN access.identity i ON i.cid = m.cid
      JOIN access.record o ON o.cid = m.cid AND NOT EXISTS (
           SELECT 1 FROM access.record x WHERE x.person = o.person AND x.state <> 'open')
     WHERE (m.sub = %(sub)s::text OR %(sub)s::text IS NULL) AND (%(cid)s::bigint IS NULL OR"""
    + OF_PERSON
    + ") AND"
    + LIVE
    + " ORDER BY m.since, m.id"
)


async def mandates(
    conn: AsyncConnection[Any], now: datetime, *, cid: int | None = None, sub: str | None = None
) -> list[Mandated]:
    """Live mandates on a record, or of somebody; indexes mandate_of, mandate_by_sub."""
    assert cid is not None or sub is not None
    async with conn.cursor(row_factory=class_row(Mandated)) as cur:
        await cur.execute(MANDATES, {"cid": cid, "sub": sub, "now": now})
        return await cur.fetchall()


REVOKE: LiteralString = (
    "UPDATE access.mandate m SET revoked = %(now)s, revoked_by = %(by)s"
    " WHERE m.id = %(id)s AND m.cid = %(cid)s AND" + LIVE
)

# What they allowed applications to read as whose representative they are no longer.
END_ALLOWED: LiteralString = """
    UPDATE access.allowed SET ended_at = %(now)s, ended_why = 'mandate'
     WHERE sub = %(sub)s AND cid = ANY (%(cids)s::bigint[]) AND ended_at IS NULL
"""

ADD_OFFER: LiteralString = """
    INSERT INTO access.offer (code, cid, nature, reach, until, made_by, made, ends)
    VALUES (%(code)s, %(cid)s, %(nature)s, %(reach)s, %(until)s, %(made_by)s, %(made)s, %(ends)s)
"""


@dataclass(frozen=True, slots=True)
class Offered:
    """A mandate that waits for who will hold it."""

    cid: int
    nature: str
    reach: str
    until: datetime | None
    made_by: str


OFFER: LiteralString = """
    SELECT o.cid, o.nature, o.reach, o.until, o.made_by
      FROM access.offer o
      JOIN access.record r ON r.cid = o.cid AND NOT EXISTS (
           SELECT 1 FROM access.record x WHERE x.person = r.person AND x.state <> 'open')
     WHERE o.code = %(code)s AND o.taken IS NULL AND o.ends > %(now)s
       AND (o.until IS NULL OR o.until > %(now)s)
"""


async def offered(conn: AsyncConnection[Any], code: bytes, now: datetime) -> Offered | None:
    """What a code gives; primary key."""
    async with conn.cursor(row_factory=class_row(Offered)) as cur:
        await cur.execute(OFFER, {"code": code, "now": now})
        return await cur.fetchone()


TAKE: LiteralString = (
    "UPDATE access.offer SET taken = %(now)s WHERE code = %(code)s AND taken IS NULL"
)

SUBJECT_OF: LiteralString = (
    "SELECT sub FROM access.subject WHERE patient = %s AND kind = 'patient' LIMIT 1"
)


async def subject_of(conn: AsyncConnection[Any], cid: int) -> str | None:
    """The account of the person of a record; index subject_by_patient."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(SUBJECT_OF, (cid,))
        return await cur.fetchone()


@dataclass(frozen=True, slots=True)
class Session:
    """A helper's session, live or over."""

    id: int
    cid: int
    sub: str
    reach: str
    how: str
    since: datetime
    until: datetime
    ended: datetime | None
    holder: str
    person: str


SESSIONS: LiteralString = (
    """
    SELECT m.id, m.cid, m.sub, m.reach, m.how, m.since, m.until, m.revoked AS ended,
           s.name AS holder, i.shown_name AS person
      FROM access.mandate m
      JOIN access.subject s ON s.sub = m.sub
      JOIN access.identity i ON i.cid = m.cid
     WHERE m.nature = 'helper' AND m.until IS NOT NULL
       AND (m.sub = %(sub)s::text OR %(sub)s::text IS NULL) AND (%(cid)s::bigint IS NULL OR"""
    + OF_PERSON
    + ") ORDER BY m.since DESC LIMIT 100"
)


async def sessions(
    conn: AsyncConnection[Any], *, cid: int | None = None, sub: str | None = None
) -> list[Session]:
    """Helpers' sessions on a record, or of a helper, newest first; mandate_of, mandate_by_sub."""
    async with conn.cursor(row_factory=class_row(Session)) as cur:
        await cur.execute(SESSIONS, {"cid": cid, "sub": sub})
        return await cur.fetchall()


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the audit, for a receipt."""

    at: datetime
    act: str
    granted: bool
    rids: list[int]


DEEDS: LiteralString = """
    SELECT a.at, a.act, a.granted, a.rids
      FROM access.audit a
     WHERE (a.cid = ANY (%(cids)s::bigint[]) OR a.cids && %(cids)s::bigint[]) AND a.sub = %(sub)s
       AND a.at >= %(since)s AND a.at <= %(until)s
     ORDER BY a.at, a.seq
"""


async def deeds(conn: AsyncConnection[Any], values: Mapping[str, object]) -> list[Deed]:
    """What somebody did in a record between two instants; indexes audit_of, audit_of_several."""
    async with conn.cursor(row_factory=class_row(Deed)) as cur:
        await cur.execute(DEEDS, values)
        return await cur.fetchall()


@dataclass(frozen=True, slots=True)
class Assisted:
    """A professional somebody assists."""

    rpps: int
    name: str


ASSISTED: LiteralString = """
    SELECT a.rpps, coalesce(s.name, '') AS name
      FROM access.assistant a
      LEFT JOIN access.subject s ON s.sub = 'rpps:' || lpad(a.rpps::text, 11, '0')
     WHERE a.sub = %(sub)s AND a.since <= %(now)s AND (a.until IS NULL OR a.until > %(now)s)
     ORDER BY a.since, a.rpps
"""


async def assisted(conn: AsyncConnection[Any], sub: str, now: datetime) -> list[Assisted]:
    """Those an assistant acts for; primary key."""
    async with conn.cursor(row_factory=class_row(Assisted)) as cur:
        await cur.execute(ASSISTED, {"sub": sub, "now": now})
        return await cur.fetchall()


@dataclass(frozen=True, slots=True)
class Colleague:
    """An assistant of the establishment of a professional, and since when they assist them."""

    sub: str
    name: str
    place: str | None
    org: int | None  # where both work, or where they did when they were named
    since: datetime | None  # None: they do not assist them


# Index subject_by_rpps, situation_of, situation_at, assistant_of.
COLLEAGUES: LiteralString = """
    WITH near AS (
        SELECT DISTINCT ON (x.sub) x.sub, x.org
          FROM access.subject p
          JOIN access.situation y ON y.sub = p.sub
          JOIN access.situation x ON x.org = y.org
         WHERE p.rpps = %(rpps)s AND p.kind = 'professional'
         ORDER BY x.sub, x.org),
    live AS (
        SELECT DISTINCT ON (a.sub) a.sub, a.org, a.since
          FROM access.assistant a
         WHERE a.rpps = %(rpps)s AND a.since <= %(now)s AND (a.until IS NULL OR a.until > %(now)s)
         ORDER BY a.sub, a.since)
    SELECT s.sub, s.name, o.name AS place, coalesce(l.org, n.org) AS org, l.since
      FROM near n FULL JOIN live l ON l.sub = n.sub
      JOIN access.subject s ON s.sub = coalesce(l.sub, n.sub) AND s.kind = 'assistant'
      LEFT JOIN access.organisation o ON o.cid = coalesce(l.org, n.org)
     ORDER BY s.name, s.sub LIMIT 200
"""


async def colleagues(conn: AsyncConnection[Any], rpps: int, now: datetime) -> list[Colleague]:
    """The assistants of where a professional works, and those who assist them."""
    async with conn.cursor(row_factory=class_row(Colleague)) as cur:
        await cur.execute(COLLEAGUES, {"rpps": rpps, "now": now})
        return await cur.fetchall()


@dataclass(frozen=True, slots=True)
class Assisting:
    """An assistant, and one professional they assist; rpps None when they assist nobody."""

    sub: str
    name: str
    place: str | None
    rpps: int | None
    professional: str | None
    since: datetime | None


ASSISTING: LiteralString = """
    SELECT s.sub, s.name, a.rpps, p.name AS professional, a.since,
           (SELECT min(o.name) FROM access.situation x JOIN access.organisation o ON o.cid = x.org
             WHERE x.sub = s.sub) AS place
      FROM access.subject s
      LEFT JOIN access.assistant a ON a.sub = s.sub AND a.since <= %(now)s
                                  AND (a.until IS NULL OR a.until > %(now)s)
      LEFT JOIN access.subject p ON p.rpps = a.rpps AND p.kind = 'professional'
     WHERE s.kind = 'assistant'
     ORDER BY s.name, s.sub, a.since LIMIT 500
"""


async def assisting(conn: AsyncConnection[Any], now: datetime) -> list[Assisting]:
    """Every assistant with an account, and whom they assist; index subject_assistants."""
    async with conn.cursor(row_factory=class_row(Assisting)) as cur:
        await cur.execute(ASSISTING, {"now": now})
        return await cur.fetchall()


# Under a context that lets write the establishment both work at, or by the role that owns the table.
ADD_ASSISTANT: LiteralString = """
    INSERT INTO access.assistant (sub, rpps, since, until, org, named_by)
    SELECT %(sub)s, %(rpps)s, %(since)s, %(until)s,
           (SELECT min(x.org) FROM access.situation x
              JOIN access.situation y ON y.org = x.org
              JOIN access.subject p ON p.sub = y.sub AND p.kind = 'professional'
             WHERE x.sub = %(sub)s AND p.rpps = %(rpps)s),
           %(by)s
     WHERE NOT EXISTS (SELECT 1 FROM access.assistant a
                        WHERE a.sub = %(sub)s AND a.rpps = %(rpps)s AND a.until IS NULL)
"""
END_ASSISTANT: LiteralString = """
    UPDATE access.assistant SET until = %(now)s, ended_by = %(by)s
     WHERE sub = %(sub)s AND rpps = %(rpps)s AND (until IS NULL OR until > %(now)s)
"""
