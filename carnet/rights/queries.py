# SPDX-License-Identifier: EUPL-1.2
"""Statements of the rights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

# What was declared in a minor's secret connection is ended by them alone: own. Index consent_of.
WITHDRAW: LiteralString = """
    UPDATE access.consent c SET withdrawn = %(now)s
     WHERE (NOT c.secret OR %(own)s::boolean) AND c.cid = ANY (%(cids)s::bigint[]) AND c.withdrawn IS NULL
       AND (c.until IS NULL OR c.until > %(now)s)
       AND (c.rpps = %(rpps)s OR c.team IN (
           SELECT t.id FROM access.team t JOIN access.team_member m ON m.team = t.id
            WHERE t.cid = c.cid AND m.rpps = %(rpps)s
              AND m.since <= %(now)s AND (m.until IS NULL OR m.until > %(now)s)))
    RETURNING c.secret
"""

# Primary key.
END_CONSENT: LiteralString = """
    UPDATE access.consent SET withdrawn = %(now)s
     WHERE id = %(id)s AND cid = ANY (%(cids)s::bigint[]) AND withdrawn IS NULL
       AND (until IS NULL OR until > %(now)s) AND (NOT secret OR %(own)s::boolean)
    RETURNING secret
"""


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent, with who declared it."""

    id: int
    cid: int
    team: int | None
    team_name: str | None
    rpps: int | None
    how: str
    declared_by: str
    declared_name: str | None
    since: datetime
    until: datetime | None
    withdrawn: datetime | None

    def live(self, now: datetime) -> bool:
        """Whether it is in force."""
        return (
            self.withdrawn is None
            and self.since <= now
            and (self.until is None or now < self.until)
        )


CONSENTS: LiteralString = """
    SELECT c.id, c.cid, c.team, t.name AS team_name, c.rpps, c.how, c.declared_by,
           s.name AS declared_name, c.since, c.until, c.withdrawn
      FROM access.consent c
      LEFT JOIN access.team t ON t.id = c.team
      LEFT JOIN access.subject s ON s.sub = c.declared_by
     WHERE c.cid = ANY (%(cids)s::bigint[])
       AND (NOT c.secret OR %(own)s::bigint[] IS NULL OR c.cid = ANY (%(own)s::bigint[]))
     ORDER BY c.since DESC, c.id DESC
     LIMIT %(limit)s
"""


async def consents(
    conn: AsyncConnection[Any], cids: Sequence[int], limit: int, *, own: Sequence[int] | None = None
) -> list[Consent]:
    """Every consent of records, in force or not, newest first; index consent_of.

    own: of a person who looks, their own record: of another's, what was declared in secret is left out.
    """
    async with conn.cursor(row_factory=class_row(Consent)) as cur:
        mine = None if own is None else list(own)
        await cur.execute(CONSENTS, {"cids": list(cids), "limit": limit, "own": mine})
        return await cur.fetchall()


@dataclass(frozen=True, slots=True)
class Member:
    """A professional in a team of a record."""

    cid: int
    team: int
    rpps: int
    role: str
    since: datetime
    until: datetime | None


MEMBERS: LiteralString = """
    SELECT t.cid, m.team, m.rpps, m.role, m.since, m.until
      FROM access.team t JOIN access.team_member m ON m.team = t.id
     WHERE t.cid = ANY (%(cids)s::bigint[]) ORDER BY m.team, m.since, m.rpps
"""


async def members(conn: AsyncConnection[Any], cids: Sequence[int]) -> list[Member]:
    """Members of the teams of records, of now and of before; index team_of."""
    async with conn.cursor(row_factory=class_row(Member)) as cur:
        await cur.execute(MEMBERS, {"cids": list(cids)})
        return await cur.fetchall()


@dataclass(frozen=True, slots=True)
class Choice:
    """A professional the holder blocked, or trusts, since when and until when."""

    rpps: int
    since: datetime
    until: datetime | None


BLOCKS: LiteralString = """
    SELECT rpps, min(since) AS since, nullif(max(coalesce(until, 'infinity')), 'infinity') AS until
      FROM access.block
     WHERE cid = ANY (%(cids)s::bigint[]) AND since <= %(now)s AND (until IS NULL OR until > %(now)s)
     GROUP BY rpps ORDER BY since DESC, rpps
"""
TRUSTS: LiteralString = """
    SELECT rpps, min(since) AS since, nullif(max(coalesce(until, 'infinity')), 'infinity') AS until
      FROM access.trusted
     WHERE cid = ANY (%(cids)s::bigint[]) AND since <= %(now)s AND (until IS NULL OR until > %(now)s)
     GROUP BY rpps ORDER BY since DESC, rpps
"""


async def blocks(conn: AsyncConnection[Any], cids: Sequence[int], now: datetime) -> list[Choice]:
    """Whom the patient blocks now; primary key."""
    async with conn.cursor(row_factory=class_row(Choice)) as cur:
        await cur.execute(BLOCKS, {"cids": list(cids), "now": now})
        return await cur.fetchall()


async def trusts(conn: AsyncConnection[Any], cids: Sequence[int], now: datetime) -> list[Choice]:
    """Whom the holder trusts now with what is masked; primary key."""
    async with conn.cursor(row_factory=class_row(Choice)) as cur:
        await cur.execute(TRUSTS, {"cids": list(cids), "now": now})
        return await cur.fetchall()


# A row for each time, never changed but for its end. Primary keys.
BLOCK: LiteralString = """
    INSERT INTO access.block (cid, rpps, since)
    SELECT %(cid)s, %(rpps)s, %(now)s
     WHERE NOT EXISTS (SELECT 1 FROM access.block WHERE cid = %(cid)s AND rpps = %(rpps)s
                          AND since <= %(now)s AND (until IS NULL OR until > %(now)s))
"""
UNBLOCK: LiteralString = """
    UPDATE access.block SET until = %(now)s
     WHERE cid = ANY (%(cids)s::bigint[]) AND rpps = %(rpps)s AND (until IS NULL OR until > %(now)s)
"""
TRUST: LiteralString = """
    INSERT INTO access.trusted (cid, rpps, since)
    SELECT %(cid)s, %(rpps)s, %(now)s
     WHERE NOT EXISTS (SELECT 1 FROM access.trusted WHERE cid = %(cid)s AND rpps = %(rpps)s
                          AND since <= %(now)s AND (until IS NULL OR until > %(now)s))
"""
UNTRUST: LiteralString = """
    UPDATE access.trusted SET until = %(now)s
     WHERE cid = ANY (%(cids)s::bigint[]) AND rpps = %(rpps)s AND (until IS NULL OR until > %(now)s)
"""
# One decision at a time in a person's record, whichever compartment it names.
ALONE: LiteralString = """
    SELECT pg_advisory_xact_lock(hashtextextended('rights', (
        SELECT min(c) FROM unnest(%(cids)s::bigint[]) c)))
"""

# access.record says what holds, access.refusal since when. Primary keys.
REFUSE: LiteralString = """
    INSERT INTO access.refusal (cid, mode, since)
    SELECT %(cid)s, %(mode)s, %(now)s
     WHERE NOT EXISTS (SELECT 1 FROM access.refusal
                        WHERE cid = %(cid)s AND mode = %(mode)s AND until IS NULL)
"""
ACCEPT: LiteralString = """
    UPDATE access.refusal SET until = %(now)s
     WHERE cid = ANY (%(cids)s::bigint[]) AND mode = %(mode)s AND until IS NULL
"""
SET_REFUSED: dict[str, LiteralString] = {
    "bris-de-glace": "UPDATE access.record SET emergency_refused = true WHERE cid = %(cid)s",
    "centre-15": "UPDATE access.record SET regulation_refused = true WHERE cid = %(cid)s",
}
SET_ACCEPTED: dict[str, LiteralString] = {
    "bris-de-glace": """
        UPDATE access.record SET emergency_refused = false
         WHERE cid = ANY (%(cids)s::bigint[]) AND emergency_refused""",
    "centre-15": """
        UPDATE access.record SET regulation_refused = false
         WHERE cid = ANY (%(cids)s::bigint[]) AND regulation_refused""",
}
REFUSED: LiteralString = """
    SELECT m.mode, bool_or(CASE m.mode WHEN 'centre-15' THEN r.regulation_refused
                                       ELSE r.emergency_refused END), min(f.since)
      FROM access.record r
     CROSS JOIN (VALUES ('bris-de-glace'), ('centre-15')) m (mode)
      LEFT JOIN access.refusal f ON f.cid = r.cid AND f.mode = m.mode AND f.until IS NULL
     WHERE r.cid = ANY (%(cids)s::bigint[]) GROUP BY m.mode
"""


async def refused(
    conn: AsyncConnection[Any], cids: Sequence[int]
) -> dict[str, tuple[bool, datetime | None]]:
    """By mode, whether the patient refuses it, and since when; primary keys."""
    async with conn.cursor() as cur:
        await cur.execute(REFUSED, {"cids": list(cids)})
        return {mode: (bool(no), since) for mode, no, since in await cur.fetchall()}


@dataclass(frozen=True, slots=True)
class Named:
    """A professional who has an account here, with the first place they work at."""

    rpps: int
    name: str
    profession: str | None
    place: str | None


NAMES: LiteralString = """
    SELECT s.rpps, s.name, s.profession,
           (SELECT o.name FROM access.situation x JOIN access.organisation o ON o.cid = x.org
             WHERE x.sub = s.sub ORDER BY x.id LIMIT 1) AS place
      FROM access.subject s
     WHERE s.kind = 'professional' AND s.rpps = ANY (%s::bigint[])
"""


async def names(conn: AsyncConnection[Any], rpps: Iterable[int]) -> dict[int, Named]:
    """Who the numbers are; index subject_by_rpps."""
    async with conn.cursor(row_factory=class_row(Named)) as cur:
        await cur.execute(NAMES, (sorted(set(rpps)),))
        return {row.rpps: row for row in await cur.fetchall()}


@dataclass(frozen=True, slots=True)
class Ends:
    """When what links a professional to a record ends."""

    visit: datetime | None
    emergency: datetime | None


ENDS: LiteralString = """
    WITH same AS (
        SELECT x.cid FROM access.record r JOIN access.record x ON x.person = r.person
         WHERE r.cid = %(cid)s)
    SELECT (SELECT max(until) FROM access.consent
             WHERE cid IN (SELECT cid FROM same) AND rpps = %(rpps)s AND withdrawn IS NULL
               AND until > %(now)s) AS visit,
           (SELECT max(until) FROM access.emergency
             WHERE cid IN (SELECT cid FROM same) AND rpps = %(rpps)s AND ended IS NULL
               AND until > %(now)s) AS emergency
"""


async def ends(conn: AsyncConnection[Any], cid: int, rpps: int, now: datetime) -> Ends:
    """Indexes consent_of, emergency_of."""
    async with conn.cursor(row_factory=class_row(Ends)) as cur:
        await cur.execute(ENDS, {"cid": cid, "rpps": rpps, "now": now})
        found = await cur.fetchone()
    assert found is not None
    return found
