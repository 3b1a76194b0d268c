# SPDX-License-Identifier: EUPL-1.2
"""Statements of the access tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row


@dataclass(frozen=True, slots=True)
class Link:
    """A live reason for a professional to read a record."""

    cid: int
    treating: bool  # médecin traitant
    in_team: bool  # by the care team's consent, not by a visit's
    trusted: bool = False  # the holder lets them read what is masked
    emergency: bool = False  # by an emergency opening alone
    person: int = 0  # whose record it is: merged records have one person


# A link is a consent in force, of the professional's team or for their visit, or an emergency opening
# the patient had not refused, on an open record where they are not blocked. What is said in one record
# of a person holds in those merged with it, and any of them shut, or refusing, shuts them all.
LINKS: LiteralString = """
    WITH linked AS (
        SELECT c.cid, false AS treating, false AS in_team, false AS emergency
          FROM access.consent c
         WHERE c.rpps = %(rpps)s AND c.withdrawn IS NULL
           AND c.since <= %(now)s AND (c.until IS NULL OR c.until > %(now)s)
        UNION ALL
        SELECT t.cid, m.role = 'PCP', true, false
          FROM access.team_member m
          JOIN access.team t ON t.id = m.team
          JOIN access.consent c ON c.team = t.id AND c.cid = t.cid
         WHERE m.rpps = %(rpps)s AND m.since <= %(now)s AND (m.until IS NULL OR m.until > %(now)s)
           AND c.withdrawn IS NULL AND c.since <= %(now)s AND (c.until IS NULL OR c.until > %(now)s)
        UNION ALL
        SELECT e.cid, false, false, true
          FROM access.emergency e
         WHERE e.rpps = %(rpps)s AND e.since <= %(now)s AND e.until > %(now)s AND e.ended IS NULL
           AND NOT EXISTS (
               SELECT 1 FROM access.record p JOIN access.record q ON q.person = p.person
                WHERE p.cid = e.cid
                  AND CASE e.mode WHEN 'centre-15' THEN q.regulation_refused
                                  ELSE q.emergency_refused END)
    ), persons AS (
        SELECT r.person, bool_or(l.treating) AS treating, bool_or(l.in_team) AS in_team,
               bool_and(l.emergency) AS emergency
          FROM linked l
          JOIN access.record r ON r.cid = l.cid AND r.state = 'open'
         WHERE %(cids)s::bigint[] IS NULL OR l.cid = ANY (ARRAY(
               SELECT b.cid FROM access.record a JOIN access.record b ON b.person = a.person
                WHERE a.cid = ANY (%(cids)s::bigint[])))
         GROUP BY r.person
    )
    SELECT s.cid, p.treating, p.in_team,
           EXISTS (SELECT 1 FROM access.record x JOIN access.trusted w ON w.cid = x.cid
                    WHERE x.person = p.person AND w.rpps = %(rpps)s AND w.since <= %(now)s
                      AND (w.until IS NULL OR w.until > %(now)s)) AS trusted,
           p.emergency, p.person
      FROM persons p
      JOIN access.record s ON s.person = p.person
     WHERE NOT EXISTS (SELECT 1 FROM access.record x
                        WHERE x.person = p.person AND x.state <> 'open')
       AND NOT EXISTS (
           SELECT 1 FROM access.record x JOIN access.block b ON b.cid = x.cid
            WHERE x.person = p.person AND b.rpps = %(rpps)s AND b.since <= %(now)s
              AND (b.until IS NULL OR b.until > %(now)s))
     LIMIT %(limit)s
"""


async def links(
    conn: AsyncConnection[Any], rpps: int, cids: Sequence[int] | None, now: datetime, limit: int
) -> list[Link]:
    """Live links of a professional; indexes consent_by_rpps, team_member_of, emergency_by_rpps."""
    values = {
        "rpps": rpps,
        "cids": None if cids is None else list(cids),
        "now": now,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(Link)) as cur:
        await cur.execute(LINKS, values)
        return await cur.fetchall()


@dataclass(frozen=True, slots=True)
class Held:
    """A record somebody holds, as its person or by a mandate."""

    cid: int
    nature: str  # "self", or that of access.mandate
    reach: str
    person: int = 0  # whose record it is: merged records have one person


# One's own record, and those one acts for, with those merged with them; all open.
HELD: LiteralString = """
    SELECT s.cid, h.nature, h.reach, r.person
      FROM (SELECT %(patient)s::bigint AS cid, 'self' AS nature, 'all' AS reach
            UNION ALL
            SELECT m.cid, m.nature, m.reach FROM access.mandate m
             WHERE m.sub = %(sub)s AND m.revoked IS NULL
               AND m.since <= %(now)s AND (m.until IS NULL OR m.until > %(now)s)) h
      JOIN access.record r ON r.cid = h.cid AND r.state = 'open'
      JOIN access.record s ON s.person = r.person
     WHERE NOT EXISTS (SELECT 1 FROM access.record x
                        WHERE x.person = r.person AND x.state <> 'open')
       AND (%(cids)s::bigint[] IS NULL OR h.cid = ANY (ARRAY(
           SELECT b.cid FROM access.record a JOIN access.record b ON b.person = a.person
            WHERE a.cid = ANY (%(cids)s::bigint[]))))
     LIMIT %(limit)s
"""


async def held(
    conn: AsyncConnection[Any],
    sub: str,
    patient: int | None,
    cids: Sequence[int] | None,
    now: datetime,
    limit: int,
) -> list[Held]:
    """Open records of a person and of those they act for; index mandate_by_sub."""
    values = {
        "sub": sub,
        "patient": patient,
        "cids": None if cids is None else list(cids),
        "now": now,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(Held)) as cur:
        await cur.execute(HELD, values)
        return await cur.fetchall()


@dataclass(frozen=True, slots=True)
class Proof:
    """What a decision was made at (migration 0022), and when time alone may change it."""

    text: str  # part 22 of the sealed context
    next: datetime | None


# In one snapshot with what it is the proof of; beside: assistants of a professional, their RPPS negative.
PROVEN: LiteralString = (
    "SELECT p.proof, p.next, f.* FROM access.proven(%(cids)s::bigint[], %(beside)s::bigint[],"
    " %(now)s::timestamptz) p LEFT JOIN ("
)
LINKS_PROVEN: LiteralString = PROVEN + LINKS + ") f ON true"
HELD_PROVEN: LiteralString = PROVEN + HELD + ") f ON true"


async def links_proven(
    conn: AsyncConnection[Any],
    rpps: int,
    cids: Sequence[int],
    now: datetime,
    limit: int,
    beside: Sequence[int] = (),
) -> tuple[Proof, list[Link]]:
    """The live links of a professional with these records, and what proves them."""
    values = {"rpps": rpps, "cids": list(cids), "now": now, "limit": limit, "beside": list(beside)}
    async with conn.cursor() as cur:
        await cur.execute(LINKS_PROVEN, values)
        rows = await cur.fetchall()
    return Proof(*rows[0][:2]), [Link(*row[2:]) for row in rows if row[2] is not None]


async def held_proven(
    conn: AsyncConnection[Any],
    sub: str,
    patient: int | None,
    cids: Sequence[int],
    now: datetime,
    limit: int,
) -> tuple[Proof, list[Held]]:
    """Those of these records that a person holds, and what proves it."""
    values = {
        "sub": sub, "patient": patient, "cids": list(cids), "now": now, "limit": limit, "beside": [],
    }  # fmt: skip
    async with conn.cursor() as cur:
        await cur.execute(HELD_PROVEN, values)
        rows = await cur.fetchall()
    return Proof(*rows[0][:2]), [Held(*row[2:]) for row in rows if row[2] is not None]


ASSISTS: LiteralString = """
    SELECT true FROM access.assistant
     WHERE sub = %(sub)s AND rpps = %(rpps)s AND since <= %(now)s
       AND (until IS NULL OR until > %(now)s) LIMIT 1
"""


async def assists(conn: AsyncConnection[Any], sub: str, rpps: int, now: datetime) -> bool:
    """Whether an assistant acts for a professional; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(ASSISTS, {"sub": sub, "rpps": rpps, "now": now})
        return bool(await cur.fetchone())


ASSISTED: LiteralString = """
    SELECT rpps FROM access.assistant
     WHERE sub = %(sub)s AND since <= %(now)s AND (until IS NULL OR until > %(now)s)
     ORDER BY since LIMIT 1
"""


async def assisted(conn: AsyncConnection[Any], sub: str, now: datetime) -> int | None:
    """RPPS of the professional an assistant acts for, the first when several; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(ASSISTED, {"sub": sub, "now": now})
        return await cur.fetchone()


# A person's record is open when all those merged into it are.
OPEN: LiteralString = """
    SELECT r.cid FROM access.record r
     WHERE r.cid = ANY (%s) AND r.state = 'open' AND NOT EXISTS (
           SELECT 1 FROM access.record x WHERE x.person = r.person AND x.state <> 'open')
"""


async def open_records(conn: AsyncConnection[Any], cids: Sequence[int]) -> set[int]:
    """Those of the records that are open; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(OPEN, (list(cids),))
        return set(await cur.fetchall())


SETS: LiteralString = """
    SELECT r.cid, array_agg(x.cid ORDER BY x.cid)
      FROM access.record r JOIN access.record x ON x.person = r.person
     WHERE r.cid = ANY (%s) GROUP BY r.cid HAVING count(*) > 1
"""


async def sets(conn: AsyncConnection[Any], cids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Those of the records that are merged with others: all of each; index record_person."""
    async with conn.cursor() as cur:
        await cur.execute(SETS, (list(cids),))
        return {cid: tuple(every) for cid, every in await cur.fetchall()}


SETS_PROVEN: LiteralString = PROVEN + SETS.replace("%s", "%(cids)s::bigint[]") + ") f ON true"


async def sets_proven(
    conn: AsyncConnection[Any], cids: Sequence[int], now: datetime
) -> tuple[Proof, dict[int, tuple[int, ...]]]:
    """The same, and what proves it."""
    values = {"cids": list(cids), "now": now, "beside": []}
    async with conn.cursor() as cur:
        await cur.execute(SETS_PROVEN, values)
        rows = await cur.fetchall()
    return Proof(*rows[0][:2]), {cid: tuple(every) for _, _, cid, every in rows if cid is not None}


LOCK_RECORDS: LiteralString = """
    SELECT cid FROM access.record WHERE cid = ANY (%s::bigint[]) ORDER BY cid FOR UPDATE
"""
# Until the transaction ends: which compartment a decision names (migration 0018).
NAMED: LiteralString = "SELECT set_config('carnet.named', %s, true)"

FED: LiteralString = """
    SELECT r.cid FROM access.record r
     WHERE r.cid = ANY (%s) AND r.state = 'open' AND NOT r.feeding_opposed AND NOT EXISTS (
           SELECT 1 FROM access.record x
            WHERE x.person = r.person AND (x.state <> 'open' OR x.feeding_opposed))
"""


async def fed_records(conn: AsyncConnection[Any], cids: Sequence[int]) -> set[int]:
    """Those of the records that may be fed; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(FED, (list(cids),))
        return set(await cur.fetchall())


@dataclass(frozen=True, slots=True)
class Subject:
    """A line of access.subject, with its first situation."""

    sub: str
    kind: str
    name: str
    rpps: int | None
    profession: str | None
    patient: int | None
    rev: int
    situation: str | None
    org: int | None
    org_name: str | None
    stopped: str | None  # why nobody enters by it until an operator has looked


SUBJECT: LiteralString = """
    SELECT s.sub, s.kind, s.name, s.rpps, s.profession, s.patient, s.rev,
           x.id AS situation, x.org, o.name AS org_name, p.why AS stopped
      FROM access.subject s
      LEFT JOIN access.stopped p ON p.sub = s.sub
      LEFT JOIN access.situation x ON x.sub = s.sub
      LEFT JOIN access.organisation o ON o.cid = x.org
     WHERE s.sub = %(sub)s AND (%(situation)s::text IS NULL OR x.id = %(situation)s)
     ORDER BY x.id LIMIT 1
"""


async def subject(
    conn: AsyncConnection[Any], sub: str, situation: str | None = None
) -> Subject | None:
    """Who a subject is; primary key."""
    async with conn.cursor(row_factory=class_row(Subject)) as cur:
        await cur.execute(SUBJECT, {"sub": sub, "situation": situation})
        return await cur.fetchone()


SITUATIONS: LiteralString = """
    SELECT x.id, o.name FROM access.situation x JOIN access.organisation o ON o.cid = x.org
     WHERE x.sub = %s ORDER BY o.name, x.id LIMIT 100
"""


async def situations(conn: AsyncConnection[Any], sub: str) -> list[tuple[str, str]]:
    """Where a professional practises: situation and name of the organisation; index situation_of."""
    async with conn.cursor() as cur:
        await cur.execute(SITUATIONS, (sub,))
        return [(id, name) for id, name in await cur.fetchall()]


REVISION: LiteralString = "SELECT rev FROM access.subject WHERE sub = %s"


async def revision(conn: AsyncConnection[Any], sub: str) -> int | None:
    """The revision tokens of this subject must carry; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(REVISION, (sub,))
        return await cur.fetchone()


END_CONNECTIONS: LiteralString = "SELECT access.end_connections(%s)"


async def end_connections(conn: AsyncConnection[Any], sub: str) -> int:
    """Raise the revision of a subject; the new one."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(END_CONNECTIONS, (sub,))
        (rev,) = await cur.fetchall()
    return int(rev)


ADD_RECORD: LiteralString = (
    "INSERT INTO access.record (cid, state, since) VALUES (%(cid)s, %(state)s, %(since)s)"
)

# Of a demonstration, whose records open at once: this one waits, as elsewhere.
ANNOUNCED: LiteralString = (
    "UPDATE access.record SET state = 'notice' WHERE cid = %(cid)s AND state = 'open'"
)

ADD_IDENTITY: LiteralString = """
    INSERT INTO access.identity (cid, ins, ins_system, birth_name, first_given, given_names,
                                 birth_date, sex, birth_place, shown_name, status, doubtful)
    VALUES (%(cid)s, %(ins)s, %(ins_system)s, %(birth_name)s, %(first_given)s, %(given_names)s,
            %(birth_date)s, %(sex)s, %(birth_place)s, %(shown_name)s, %(status)s, %(doubtful)s)
"""

ADD_QUARANTINED: LiteralString = """
    INSERT INTO access.identity (cid, quarantined, claim, claim_system, birth_name, first_given,
                                 birth_date, sex, birth_place, shown_name, status)
    VALUES (%(cid)s, true, %(claim)s, %(claim_system)s, %(birth_name)s, %(first_given)s,
            %(birth_date)s, %(sex)s, %(birth_place)s, %(shown_name)s, %(status)s)
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """A line of access.identity."""

    cid: int
    ins: str | None
    ins_system: str | None
    birth_name: str
    first_given: str
    birth_date: Any  # date
    sex: str
    birth_place: str | None
    shown_name: str
    status: str
    quarantined: bool  # made from what a document claims; it has no INS
    claim: str | None  # the number that document claims, whoever's it is
    claim_system: str | None


IDENTITY_COLUMNS: LiteralString = (
    "cid, ins, ins_system, birth_name, first_given, birth_date, sex, birth_place, shown_name,"
    " status, quarantined, claim, claim_system"
)
BY_INS: LiteralString = (
    "SELECT " + IDENTITY_COLUMNS + " FROM access.identity WHERE ins = %s AND ins_system = ANY (%s)"
)
BY_TRAITS: LiteralString = (
    "SELECT " + IDENTITY_COLUMNS + " FROM access.identity"
    " WHERE NOT quarantined AND birth_date = %(birth_date)s AND birth_name = %(birth_name)s"
    " AND (%(first_given)s::text IS NULL OR first_given = %(first_given)s)"
    " AND (%(sex)s::text IS NULL OR sex = %(sex)s)"
    " AND (%(birth_place)s::text IS NULL OR birth_place = %(birth_place)s) LIMIT 6"
)
BY_CID: LiteralString = "SELECT " + IDENTITY_COLUMNS + " FROM access.identity WHERE cid = %s"
QUARANTINED: LiteralString = """
    SELECT cid FROM access.identity
     WHERE quarantined AND claim IS NOT DISTINCT FROM %(claim)s
       AND claim_system IS NOT DISTINCT FROM %(claim_system)s
       AND birth_name = %(birth_name)s AND first_given = %(first_given)s
       AND birth_date = %(birth_date)s AND sex = %(sex)s
       AND birth_place IS NOT DISTINCT FROM %(birth_place)s
"""
LOCK_QUARANTINE: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 5))"


async def identities_by_ins(
    conn: AsyncConnection[Any], ins: str, systems: Sequence[str]
) -> list[Identity]:
    """Those who bear a number, never one in quarantine: it has none. Index identity_ins."""
    async with conn.cursor(row_factory=class_row(Identity)) as cur:
        await cur.execute(BY_INS, (ins, list(systems)))
        return await cur.fetchall()


async def identities_by_traits(
    conn: AsyncConnection[Any], traits: Mapping[str, object]
) -> list[Identity]:
    """Those who answer to traits, six at most; index identity_traits."""
    async with conn.cursor(row_factory=class_row(Identity)) as cur:
        await cur.execute(BY_TRAITS, traits)
        return await cur.fetchall()


async def quarantined(conn: AsyncConnection[Any], values: Mapping[str, object]) -> int | None:
    """The identity in quarantine of this claim and these traits; index identity_quarantined.

    Until the transaction ends nobody else makes it.
    """
    key = "|".join(str(values[name]) for name in ("claim", "birth_name", "birth_date"))
    await conn.execute(LOCK_QUARANTINE, (key,))
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(QUARANTINED, values)
        return await cur.fetchone()


async def identity(conn: AsyncConnection[Any], cid: int) -> Identity | None:
    """The traits of one record; primary key."""
    async with conn.cursor(row_factory=class_row(Identity)) as cur:
        await cur.execute(BY_CID, (cid,))
        return await cur.fetchone()


FINDS: LiteralString = """
    SELECT count(*) FROM access.audit WHERE act = 'find' AND sub = %s AND at > %s
"""


async def finds_since(conn: AsyncConnection[Any], sub: str, since: datetime) -> int:
    """Searches for a person by one account; index audit_finds."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(FINDS, (sub, since))
        return int(await cur.fetchone() or 0)


READ_SINCE: LiteralString = """
    SELECT count(DISTINCT c) FROM access.audit a
     CROSS JOIN unnest(coalesce(a.cids, '{}') || a.cid) c
     WHERE a.sub = %(sub)s AND a.at > %(since)s AND a.granted AND c IS NOT NULL
       AND a.act IN ('read', 'vread', 'history', 'search', 'export') AND c <> ALL (%(but)s::bigint[])
"""


async def patients_read_since(
    conn: AsyncConnection[Any], sub: str, since: datetime, but: Sequence[int]
) -> int:
    """How many records one account has read, others than those; index audit_by."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(READ_SINCE, {"sub": sub, "since": since, "but": list(but)})
        return int(await cur.fetchone() or 0)


TEAMS_OF: LiteralString = """
    SELECT t.id, t.cid
      FROM access.record r
      JOIN access.record x ON x.person = r.person
      JOIN access.team t ON t.cid = x.cid
      JOIN access.team_member m ON m.team = t.id
     WHERE r.cid = %(cid)s AND m.rpps = %(rpps)s AND m.since <= %(now)s
       AND (m.until IS NULL OR m.until > %(now)s) ORDER BY t.cid <> r.cid, t.id
"""


async def teams_of(
    conn: AsyncConnection[Any], cid: int, rpps: int, now: datetime
) -> list[tuple[int, int]]:
    """Care teams of a person this professional belongs to, and their compartments; index team_of."""
    async with conn.cursor() as cur:
        await cur.execute(TEAMS_OF, {"cid": cid, "rpps": rpps, "now": now})
        return [(team, whose) for team, whose in await cur.fetchall()]


BLOCKED: LiteralString = """
    SELECT true
      FROM access.record r
      JOIN access.record x ON x.person = r.person
      JOIN access.block b ON b.cid = x.cid
     WHERE r.cid = %(cid)s AND b.rpps = %(rpps)s AND b.since <= %(now)s
       AND (b.until IS NULL OR b.until > %(now)s)
     LIMIT 1
"""


async def blocked(conn: AsyncConnection[Any], cid: int, rpps: int, now: datetime) -> bool:
    """Whether the patient blocked this professional; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(BLOCKED, {"cid": cid, "rpps": rpps, "now": now})
        return bool(await cur.fetchone())


ADD_CONSENT: LiteralString = """
    INSERT INTO access.consent (id, cid, team, rpps, how, declared_by, since, until, secret)
    VALUES (%(id)s, %(cid)s, %(team)s, %(rpps)s, %(how)s, %(declared_by)s, %(since)s, %(until)s,
            %(secret)s)
"""

ADD_ORGANISATION: LiteralString = """
    INSERT INTO access.organisation (cid, system, value, name, setting)
    VALUES (%(cid)s, %(system)s, %(value)s, %(name)s, %(setting)s)
"""

ORGANISATION: LiteralString = "SELECT cid FROM access.organisation WHERE system = %s AND value = %s"


async def organisation(conn: AsyncConnection[Any], system: str, value: str) -> int | None:
    """Bucket of an organisation by its identifier; unique index."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(ORGANISATION, (system, value))
        return await cur.fetchone()


ORGANISATION_NAMES: LiteralString = "SELECT cid, name FROM access.organisation WHERE cid = ANY (%s)"


async def organisation_names(conn: AsyncConnection[Any], cids: Sequence[int]) -> dict[int, str]:
    """What organisations are called, by their buckets; primary key."""
    async with conn.cursor() as cur:
        await cur.execute(ORGANISATION_NAMES, (list(cids),))
        return dict(await cur.fetchall())


# Subjects, situations and teams are written by the migrating role: no service may add a person.
ADD_SUBJECT: LiteralString = """
    INSERT INTO access.subject (sub, kind, name, rpps, profession, patient)
    VALUES (%(sub)s, %(kind)s, %(name)s, %(rpps)s, %(profession)s, %(patient)s)
    ON CONFLICT (sub) DO UPDATE SET name = excluded.name, profession = excluded.profession
"""
ADD_SITUATION: LiteralString = """
    INSERT INTO access.situation (id, sub, org) VALUES (%(id)s, %(sub)s, %(org)s)
    ON CONFLICT (id) DO NOTHING
"""
ADD_TEAM: LiteralString = (
    "INSERT INTO access.team (id, cid, name) VALUES (%(id)s, %(cid)s, %(name)s)"
)
ADD_MEMBER: LiteralString = """
    INSERT INTO access.team_member (team, rpps, role, since)
    VALUES (%(team)s, %(rpps)s, %(role)s, %(since)s)
"""
ADD_BLOCK: LiteralString = """
    INSERT INTO access.block (cid, rpps, since) VALUES (%(cid)s, %(rpps)s, %(since)s)
"""


# What a matrix decides for: consents in force on open records, but of who is blocked.
LINKS_BY_PROFESSION: LiteralString = """
    SELECT coalesce(s.profession, ''), count(*)
      FROM (SELECT c.cid, c.rpps FROM access.consent c
             WHERE c.rpps IS NOT NULL AND c.withdrawn IS NULL
               AND c.since <= %(now)s AND (c.until IS NULL OR c.until > %(now)s)
            UNION
            SELECT c.cid, m.rpps FROM access.consent c
              JOIN access.team_member m ON m.team = c.team
             WHERE c.withdrawn IS NULL AND c.since <= %(now)s AND (c.until IS NULL OR c.until > %(now)s)
               AND m.since <= %(now)s AND (m.until IS NULL OR m.until > %(now)s)) l
      JOIN access.record r ON r.cid = l.cid AND r.state = 'open'
      JOIN access.subject s ON s.rpps = l.rpps AND s.kind = 'professional'
     WHERE NOT EXISTS (SELECT 1 FROM access.block b
                        WHERE b.cid = l.cid AND b.rpps = l.rpps AND b.since <= %(now)s
                          AND (b.until IS NULL OR b.until > %(now)s))
     GROUP BY 1
"""


async def links_by_profession(conn: AsyncConnection[Any], now: datetime) -> dict[str, int]:
    """How many (professional, record) pairs are open, by profession; reads every consent."""
    async with conn.cursor() as cur:
        await cur.execute(LINKS_BY_PROFESSION, {"now": now})
        return dict(await cur.fetchall())
