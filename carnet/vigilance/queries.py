# SPDX-License-Identifier: EUPL-1.2
"""Statements of the acts on identity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb


@dataclass(frozen=True, slots=True)
class Line:
    """An identity as the officers see it: traits and status, nothing of health."""

    cid: int
    person: int
    ins: str | None
    ins_system: str | None
    birth_name: str
    first_given: str
    given_names: str
    birth_date: date
    sex: str
    birth_place: str | None
    shown_name: str
    status: str
    homonym: bool
    doubtful: bool
    fictitious: bool
    quarantined: bool
    claim: str | None
    claim_system: str | None


COLUMNS: LiteralString = (
    "i.cid, r.person, i.ins, i.ins_system, i.birth_name, i.first_given, i.given_names, i.birth_date,"
    " i.sex, i.birth_place, i.shown_name, i.status, i.homonym, i.doubtful, i.fictitious,"
    " i.quarantined, i.claim, i.claim_system"
)
LINE: LiteralString = (
    "SELECT " + COLUMNS + " FROM access.identity i JOIN access.record r USING (cid)"
    " WHERE i.cid = ANY (%s)"
)
LOCKED: LiteralString = LINE + " FOR UPDATE OF i"


async def line(conn: AsyncConnection[Any], cid: int, *, lock: bool = False) -> Line | None:
    """One identity; primary key."""
    async with conn.cursor(row_factory=class_row(Line)) as cur:
        await cur.execute(LOCKED if lock else LINE, ([cid],))
        return await cur.fetchone()


async def lines(conn: AsyncConnection[Any], cids: Sequence[int]) -> dict[int, Line]:
    """Several, by compartment; primary key."""
    async with conn.cursor(row_factory=class_row(Line)) as cur:
        await cur.execute(LINE, (list(cids),))
        return {each.cid: each for each in await cur.fetchall()}


# Borne, or claimed by an identity in quarantine.
OF_NUMBER: LiteralString = """
    SELECT cid FROM access.identity WHERE ins_system = ANY (%(systems)s) AND ins = %(ins)s
    UNION
    SELECT cid FROM access.identity WHERE quarantined AND claim = %(ins)s
     ORDER BY cid LIMIT %(limit)s
"""
OF_TRAITS: LiteralString = """
    SELECT cid FROM access.identity
     WHERE birth_date = %(birth_date)s AND birth_name = %(birth_name)s
     ORDER BY cid LIMIT %(limit)s
"""


async def of_number(
    conn: AsyncConnection[Any], ins: str, systems: Sequence[str], limit: int
) -> list[int]:
    """Identities of a number; indexes identity_ins, identity_quarantined."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(OF_NUMBER, {"ins": ins, "systems": list(systems), "limit": limit})
        return await cur.fetchall()


async def of_traits(
    conn: AsyncConnection[Any], birth_name: str, birth_date: date, limit: int
) -> list[int]:
    """Identities of a birth name and a birth date, those in quarantine too; index identity_traits."""
    values = {"birth_name": birth_name, "birth_date": birth_date, "limit": limit}
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(OF_TRAITS, values)
        return await cur.fetchall()


OFFICER: LiteralString = "SELECT true FROM vigilance.officer WHERE sub = %s"


async def is_officer(conn: AsyncConnection[Any], sub: str) -> bool:
    """Whether an account acts on identities; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(OFFICER, (sub,))
        return bool(await cur.fetchone())


SET_STANDING: LiteralString = """
    UPDATE access.identity
       SET status = %(status)s, homonym = %(homonym)s, doubtful = %(doubtful)s,
           fictitious = %(fictitious)s
     WHERE cid = %(cid)s
"""
SET_INS: LiteralString = """
    UPDATE access.identity
       SET ins = %(ins)s, ins_system = %(system)s, given_names = %(given_names)s,
           birth_place = coalesce(birth_place, %(birth_place)s)
     WHERE cid = %(cid)s
"""
CLAIMED: LiteralString = """
    UPDATE access.identity SET claim = %(ins)s, claim_system = %(system)s WHERE cid = %(cid)s
"""
RELEASED: LiteralString = "UPDATE access.identity SET quarantined = false WHERE cid = %s"
ADD_ACT: LiteralString = """
    INSERT INTO vigilance.act (id, cid, at, act, before, after, proof, reason, done_by)
    VALUES (%(id)s, %(cid)s, %(at)s, %(act)s, %(before)s, %(after)s, %(proof)s, %(reason)s,
            %(done_by)s)
"""


@dataclass(frozen=True, slots=True)
class Done:
    """One act of the history of an identity."""

    at: datetime
    act: str
    before: str
    after: str
    proof: str
    reason: str
    name: str


ACTS: LiteralString = """
    SELECT a.at, a.act, a.before, a.after, a.proof, a.reason, coalesce(s.name, a.done_by) AS name
      FROM vigilance.act a LEFT JOIN access.subject s ON s.sub = a.done_by
     WHERE a.cid = %s ORDER BY a.at DESC, a.id DESC LIMIT 100
"""


async def acts(conn: AsyncConnection[Any], cid: int) -> list[Done]:
    """What was done on an identity, newest first; index act_of."""
    async with conn.cursor(row_factory=class_row(Done)) as cur:
        await cur.execute(ACTS, (cid,))
        return await cur.fetchall()


BEARER: LiteralString = (
    "SELECT cid FROM access.identity WHERE ins_system = %s AND ins = %s AND cid <> %s"
)


async def bearer(conn: AsyncConnection[Any], system: str, ins: str, but: int) -> int | None:
    """Another who bears this number; index identity_ins."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(BEARER, (system, ins, but))
        return await cur.fetchone()


# -- questions to the INSi ---------------------------------------------------------------------------

ASK: LiteralString = """
    INSERT INTO vigilance.question AS q (cid, asked, tries, next_try, answer)
    VALUES (%(cid)s, %(now)s, %(tries)s, %(next)s, %(answer)s)
    ON CONFLICT (cid) DO UPDATE
       SET asked = excluded.asked, tries = q.tries + excluded.tries, next_try = excluded.next_try,
           answer = excluded.answer
"""
DUE: LiteralString = """
    SELECT cid, tries FROM vigilance.question WHERE next_try <= %s ORDER BY next_try LIMIT 100
"""


async def due(conn: AsyncConnection[Any], now: datetime) -> list[tuple[int, int]]:
    """What is to be asked now, with how often it was; index question_due."""
    async with conn.cursor() as cur:
        await cur.execute(DUE, (now,))
        return [(cid, tries) for cid, tries in await cur.fetchall()]


TRIES: LiteralString = "SELECT tries FROM vigilance.question WHERE cid = %s"


async def tries(conn: AsyncConnection[Any], cid: int) -> int:
    """How often the service was asked for one identity; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(TRIES, (cid,))
        return int(await cur.fetchone() or 0)


@dataclass(frozen=True, slots=True)
class National:
    """One line of the simulator."""

    ins: str
    ins_system: str
    birth_name: str
    given_names: str
    birth_date: date
    sex: str
    birth_place: str


NATIONAL: LiteralString = (
    "SELECT ins, ins_system, birth_name, given_names, birth_date, sex, birth_place"
    " FROM vigilance.simulated"
)
BY_NUMBER: LiteralString = NATIONAL + " WHERE ins_system = %s AND ins = %s"
BY_TRAITS: LiteralString = (
    NATIONAL + " WHERE birth_date = %(birth_date)s AND birth_name = %(birth_name)s"
    " AND (%(sex)s::text IS NULL OR sex = %(sex)s) LIMIT 20"
)
ADD_NATIONAL: LiteralString = """
    INSERT INTO vigilance.simulated
           (ins, ins_system, birth_name, given_names, birth_date, sex, birth_place)
    VALUES (%(ins)s, %(ins_system)s, %(birth_name)s, %(given_names)s, %(birth_date)s, %(sex)s,
            %(birth_place)s)
    ON CONFLICT DO NOTHING
"""
REMOVE_OFFICER: LiteralString = "DELETE FROM vigilance.officer WHERE sub = %s"
ADD_OFFICER: LiteralString = "INSERT INTO vigilance.officer VALUES (%s) ON CONFLICT DO NOTHING"


async def national(conn: AsyncConnection[Any], system: str, ins: str) -> list[National]:
    """Whom the simulator knows by a number; primary key."""
    async with conn.cursor(row_factory=class_row(National)) as cur:
        await cur.execute(BY_NUMBER, (system, ins))
        return await cur.fetchall()


async def nationals(conn: AsyncConnection[Any], values: Mapping[str, object]) -> list[National]:
    """Whom the simulator knows by traits; index simulated_traits."""
    async with conn.cursor(row_factory=class_row(National)) as cur:
        await cur.execute(BY_TRAITS, values)
        return await cur.fetchall()


# -- candidates --------------------------------------------------------------------------------------

# Each arm walks one index: identity_traits, identity_names, identity_ins, identity_quarantined.
NEIGHBOURS: LiteralString = (
    "WITH found AS ("
    "SELECT cid FROM access.identity WHERE birth_date = %(birth_date)s"
    " UNION SELECT cid FROM access.identity WHERE birth_name = %(birth_name)s"
    " AND first_given = %(first_given)s AND birth_date = ANY (%(dates)s::date[])"
    " UNION SELECT cid FROM access.identity WHERE ins = %(number)s"
    " AND ins_system = %(system)s"
    " UNION SELECT cid FROM access.identity WHERE quarantined AND claim = %(number)s"
    " AND claim_system = %(system)s)"
    " SELECT " + COLUMNS + " FROM found JOIN access.identity i USING (cid)"
    " JOIN access.record r USING (cid) WHERE i.cid <> %(cid)s AND r.state <> 'deleted'"
)


async def neighbours(conn: AsyncConnection[Any], values: Mapping[str, object]) -> list[Line]:
    """Identities worth comparing with one."""
    async with conn.cursor(row_factory=class_row(Line)) as cur:
        await cur.execute(NEIGHBOURS, values)
        return await cur.fetchall()


ADD_CANDIDATE: LiteralString = """
    INSERT INTO vigilance.candidate (one, other, why, since)
    VALUES (least(%(a)s::bigint, %(b)s::bigint), greatest(%(a)s::bigint, %(b)s::bigint),
            %(why)s, %(now)s)
    ON CONFLICT (one, other) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two identities that wait to be compared."""

    one: int
    other: int
    why: list[str]
    since: datetime


WAITING: LiteralString = """
    SELECT one, other, why, since FROM vigilance.candidate
     WHERE settled IS NULL ORDER BY since, one, other LIMIT 100
"""
CANDIDATE: LiteralString = """
    SELECT one, other, why, since FROM vigilance.candidate
     WHERE one = least(%(a)s::bigint, %(b)s::bigint)
       AND other = greatest(%(a)s::bigint, %(b)s::bigint)
"""
SETTLE: LiteralString = """
    UPDATE vigilance.candidate SET settled = %(now)s, settled_by = %(by)s, verdict = %(verdict)s
     WHERE one = least(%(a)s::bigint, %(b)s::bigint)
       AND other = greatest(%(a)s::bigint, %(b)s::bigint)
"""
UNSETTLE: LiteralString = """
    UPDATE vigilance.candidate SET settled = NULL, settled_by = NULL, verdict = NULL
     WHERE one = least(%(a)s::bigint, %(b)s::bigint)
       AND other = greatest(%(a)s::bigint, %(b)s::bigint) AND verdict = 'merged'
"""


async def waiting(conn: AsyncConnection[Any]) -> list[Candidate]:
    """What waits, the oldest first; index candidate_waiting."""
    async with conn.cursor(row_factory=class_row(Candidate)) as cur:
        await cur.execute(WAITING)
        return await cur.fetchall()


async def candidate(conn: AsyncConnection[Any], a: int, b: int) -> Candidate | None:
    """One pair; primary key."""
    async with conn.cursor(row_factory=class_row(Candidate)) as cur:
        await cur.execute(CANDIDATE, {"a": a, "b": b})
        return await cur.fetchone()


AFTER: LiteralString = """
    SELECT cid FROM access.identity WHERE cid > %s ORDER BY cid LIMIT 500
"""


async def after(conn: AsyncConnection[Any], cid: int) -> list[int]:
    """The next identities, in order; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(AFTER, (cid,))
        return await cur.fetchall()


# -- merges ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge, as far as it has come."""

    id: int
    source: int
    target: int
    reason: str
    proposed: datetime
    proposed_by: str
    decided: datetime | None
    decided_by: str | None
    confirmed: bool | None
    undone: datetime | None


MERGE_COLUMNS: LiteralString = (
    "id, source, target, reason, proposed, proposed_by, decided, decided_by, confirmed, undone"
)
MERGE: LiteralString = "SELECT " + MERGE_COLUMNS + " FROM vigilance.merge WHERE id = %s FOR UPDATE"
MERGES_WAITING: LiteralString = (
    "SELECT " + MERGE_COLUMNS + " FROM vigilance.merge"
    " WHERE decided IS NULL OR (confirmed AND undone IS NULL) ORDER BY proposed DESC LIMIT 100"
)
PROPOSE: LiteralString = """
    INSERT INTO vigilance.merge (id, source, target, reason, proposed, proposed_by)
    VALUES (%(id)s, %(source)s, %(target)s, %(reason)s, %(now)s, %(by)s)
"""
DECIDE: LiteralString = """
    UPDATE vigilance.merge SET decided = %(now)s, decided_by = %(by)s, confirmed = %(confirmed)s
     WHERE id = %(id)s AND decided IS NULL
"""
UNDO: LiteralString = """
    UPDATE vigilance.merge SET undone = %(now)s, undone_by = %(by)s, undone_why = %(why)s
     WHERE id = %(id)s AND confirmed AND undone IS NULL
"""
# One merge at a time: they are rare, and each looks at where the others lead.
ALONE: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended('vigilance.merge', 0))"
IN_FORCE: LiteralString = """
    SELECT source, target FROM vigilance.merge
     WHERE confirmed AND undone IS NULL AND (source = ANY (%(cids)s) OR target = ANY (%(cids)s))
"""
SET_OF: LiteralString = """
    SELECT x.cid FROM access.record r JOIN access.record x ON x.person = r.person
     WHERE r.cid = ANY (%s) ORDER BY x.cid
"""
SET_ROOT: LiteralString = "UPDATE access.record SET root = %(root)s WHERE cid = %(cid)s"


REACHED: LiteralString = "SELECT cid FROM notices.address_of(%s)"


async def reached(conn: AsyncConnection[Any], cid: int) -> int | None:
    """Whose address a notice of a record goes to; None when by post."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(REACHED, (cid,))
        return await cur.fetchone()


UNSETTLED: LiteralString = """
    SELECT true FROM vigilance.candidate
     WHERE (one = %(cid)s OR other = %(cid)s) AND settled IS NULL LIMIT 1
"""
TO_NOTICE: LiteralString = """
    UPDATE access.record SET state = 'notice', since = %(now)s, motive = ''
     WHERE cid = %(cid)s AND state = 'open'
"""
APART: LiteralString = (
    "SELECT " + COLUMNS + " FROM access.identity i JOIN access.record r USING (cid)"
    " WHERE i.quarantined AND r.person = r.cid AND r.state <> 'deleted'"
    " AND NOT EXISTS (SELECT 1 FROM access.record x WHERE x.root = r.cid)"
    " ORDER BY i.cid LIMIT 100"
)


async def unsettled(conn: AsyncConnection[Any], cid: int) -> bool:
    """Whether an identity waits to be compared with another; primary key, index candidate_other."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(UNSETTLED, {"cid": cid})
        return bool(await cur.fetchone())


async def apart(conn: AsyncConnection[Any]) -> list[Line]:
    """Identities in quarantine that are in nobody's record, the oldest first; identity_quarantined."""
    async with conn.cursor(row_factory=class_row(Line)) as cur:
        await cur.execute(APART)
        return await cur.fetchall()


PERSONS: LiteralString = "SELECT cid, person FROM access.record WHERE cid = ANY (%s)"
LEAVING: LiteralString = """
    SELECT true FROM access.record
     WHERE cid = ANY (%s) AND (erase_asked IS NOT NULL OR state = 'deleted') LIMIT 1
"""


async def persons(conn: AsyncConnection[Any], cids: Iterable[int]) -> dict[int, int]:
    """Whose record each compartment is; primary key."""
    async with conn.cursor() as cur:
        await cur.execute(PERSONS, (sorted(cids),))
        return dict(await cur.fetchall())


async def leaving(conn: AsyncConnection[Any], cids: Sequence[int]) -> bool:
    """Whether one of the records is erased, or waits to be; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(LEAVING, (list(cids),))
        return bool(await cur.fetchone())


@dataclass(frozen=True, slots=True)
class Change:
    """What a decision of one compartment changed in another."""

    id: int
    cid: int
    named: int
    tbl: str
    key: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


MEANWHILE: LiteralString = """
    SELECT id, cid, named, tbl, key, before, after FROM access.meanwhile
     WHERE cid = ANY (%s) ORDER BY cid, tbl, key, id
"""
OVER: LiteralString = "DELETE FROM access.meanwhile WHERE id = ANY (%s)"
ANEW: LiteralString = "UPDATE access.meanwhile SET before = %(before)s WHERE id = %(id)s"
# The columns that decisions change, by table: what a row takes again is among them.
TAKE_AGAIN: dict[str, LiteralString] = {
    "record": """
        UPDATE access.record t
           SET state = n.state, since = n.since, noticed = n.noticed, motive = n.motive,
               archived_until = n.archived_until, feeding_opposed = n.feeding_opposed,
               feeding_motive = n.feeding_motive, emergency_refused = n.emergency_refused,
               regulation_refused = n.regulation_refused, erase_asked = n.erase_asked,
               erase_due = n.erase_due
          FROM access.record o CROSS JOIN LATERAL jsonb_populate_record(o, %(columns)s) n
         WHERE o.cid = %(cid)s AND t.cid = o.cid AND o.state <> 'deleted'
    """,
    "consent": """
        UPDATE access.consent t SET withdrawn = n.withdrawn
          FROM access.consent o CROSS JOIN LATERAL jsonb_populate_record(o, %(columns)s) n
         WHERE o.cid = %(cid)s AND to_jsonb(o) @> %(key)s AND t.id = o.id
    """,
    "mandate": """
        UPDATE access.mandate t SET revoked = n.revoked, revoked_by = n.revoked_by
          FROM access.mandate o CROSS JOIN LATERAL jsonb_populate_record(o, %(columns)s) n
         WHERE o.cid = %(cid)s AND to_jsonb(o) @> %(key)s AND t.id = o.id
    """,
    "emergency": """
        UPDATE access.emergency t SET ended = n.ended
          FROM access.emergency o CROSS JOIN LATERAL jsonb_populate_record(o, %(columns)s) n
         WHERE o.cid = %(cid)s AND to_jsonb(o) @> %(key)s AND t.id = o.id
    """,
    "block": """
        UPDATE access.block t SET until = n.until
          FROM access.block o CROSS JOIN LATERAL jsonb_populate_record(o, %(columns)s) n
         WHERE o.cid = %(cid)s AND to_jsonb(o) @> %(key)s
           AND (t.cid, t.rpps, t.since) = (o.cid, o.rpps, o.since)
    """,
    "trusted": """
        UPDATE access.trusted t SET until = n.until
          FROM access.trusted o CROSS JOIN LATERAL jsonb_populate_record(o, %(columns)s) n
         WHERE o.cid = %(cid)s AND to_jsonb(o) @> %(key)s
           AND (t.cid, t.rpps, t.since) = (o.cid, o.rpps, o.since)
    """,
    "refusal": """
        UPDATE access.refusal t SET until = n.until
          FROM access.refusal o CROSS JOIN LATERAL jsonb_populate_record(o, %(columns)s) n
         WHERE o.cid = %(cid)s AND to_jsonb(o) @> %(key)s
           AND (t.cid, t.mode, t.since) = (o.cid, o.mode, o.since)
    """,
}


async def meanwhile(conn: AsyncConnection[Any], cids: Sequence[int]) -> list[Change]:
    """What others changed in these, a row's changes together, oldest first; index meanwhile_of."""
    async with conn.cursor(row_factory=class_row(Change)) as cur:
        await cur.execute(MEANWHILE, (list(cids),))
        return await cur.fetchall()


async def take_again(conn: AsyncConnection[Any], tbl: str, values: Mapping[str, Any]) -> None:
    """Columns of one row as they were; indexes of each table by compartment, primary keys."""
    given = {**values, "key": Jsonb(values["key"]), "columns": Jsonb(values["columns"])}
    await conn.execute(TAKE_AGAIN[tbl], given)


async def changed_anew(
    conn: AsyncConnection[Any], over: Sequence[int], standing: Sequence[Change]
) -> None:
    """Changes that are over go; those that stand follow what the row has become. Primary key."""
    await conn.execute(OVER, (list(over),))
    for one in standing:
        await conn.execute(ANEW, {"id": one.id, "before": Jsonb(one.before)})


async def merge(conn: AsyncConnection[Any], number: int) -> Merge | None:
    """One merge, locked; primary key."""
    async with conn.cursor(row_factory=class_row(Merge)) as cur:
        await cur.execute(MERGE, (number,))
        return await cur.fetchone()


async def merges(conn: AsyncConnection[Any]) -> list[Merge]:
    """Those that wait, and those in force."""
    async with conn.cursor(row_factory=class_row(Merge)) as cur:
        await cur.execute(MERGES_WAITING)
        return await cur.fetchall()


async def set_of(conn: AsyncConnection[Any], cids: Sequence[int]) -> list[int]:
    """Every compartment of these persons' records; index record_person."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(SET_OF, (list(cids),))
        return await cur.fetchall()


async def in_force(conn: AsyncConnection[Any], cids: Sequence[int]) -> dict[int, int]:
    """Merges in force among these compartments: target by source; indexes merge_in_force, merge_into."""
    async with conn.cursor() as cur:
        await cur.execute(IN_FORCE, {"cids": list(cids)})
        return dict(await cur.fetchall())


# -- family ------------------------------------------------------------------------------------------

ADD_FAMILY: LiteralString = """
    INSERT INTO access.family (cid, parent, nature, since, declared_by)
    SELECT %(child)s, %(parent)s, %(nature)s, %(now)s, %(by)s
     WHERE NOT EXISTS (
        SELECT FROM access.family
         WHERE cid = %(child)s AND parent = %(parent)s AND nature = %(nature)s
           AND (until IS NULL OR until > %(now)s))
    ON CONFLICT (cid, parent, since, nature) DO UPDATE SET until = NULL
"""
END_FAMILY: LiteralString = """
    UPDATE access.family SET until = %(now)s
     WHERE cid = %(child)s AND parent = %(parent)s AND (until IS NULL OR until > %(now)s)
       AND nature <> %(but)s
"""
FAMILY: LiteralString = """
    SELECT parent, true, nature, since FROM access.family
     WHERE cid = %(cid)s AND since <= %(now)s AND (until IS NULL OR until > %(now)s)
    UNION ALL
    SELECT cid, false, nature, since FROM access.family
     WHERE parent = %(cid)s AND since <= %(now)s AND (until IS NULL OR until > %(now)s)
     ORDER BY 2 DESC, 1
"""


async def family(
    conn: AsyncConnection[Any], cid: int, now: datetime
) -> list[tuple[int, bool, str, datetime]]:
    """(compartment, is a parent, nature, since) of parents then children; primary key, family_of."""
    async with conn.cursor() as cur:
        await cur.execute(FAMILY, {"cid": cid, "now": now})
        return list(await cur.fetchall())


NAMES: LiteralString = "SELECT sub, name FROM access.subject WHERE sub = ANY (%s)"


async def names(conn: AsyncConnection[Any], subs: Sequence[str]) -> dict[str, str]:
    """What accounts are called; primary key."""
    async with conn.cursor() as cur:
        await cur.execute(NAMES, (list(subs),))
        return dict(await cur.fetchall())
