# SPDX-License-Identifier: EUPL-1.2
"""Rows of what is asked of people and of what they allowed, as the acts of their pages need them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class AskedRow:
    """A request that waits for one person, and who asks."""

    parameters: dict[str, Any]
    made_at: datetime
    client: str
    name: str
    organisation: str | None  # of who registered it
    homepage: str | None
    privacy: str | None
    sandbox: bool
    scopes: str  # the widest the client may ask, now


CLIENT: LiteralString = """
    c.id AS client, c.name, c.homepage, c.privacy, c.sandbox, c.scopes,
    (SELECT min(o.name) FROM access.situation x JOIN access.organisation o ON o.cid = x.org
      WHERE x.sub = coalesce(c.subject, c.made_by)) AS organisation
"""

# Whoever looks first is the one who answers.
LOOK: LiteralString = (
    """
    UPDATE access.asked a SET sub = %(sub)s
      FROM access.client c
     WHERE a.id = %(id)s AND a.until > %(now)s AND a.answered_at IS NULL
       AND (a.sub IS NULL OR a.sub = %(sub)s) AND c.id = a.client AND c.state = 'live'
    RETURNING a.parameters, a.made_at,"""
    + CLIENT
)


async def look(conn: Conn, id: bytes, sub: str, now: datetime) -> AskedRow | None:
    """A request that waits for this person, theirs from now on; primary key."""
    async with conn.cursor(row_factory=class_row(AskedRow)) as cur:
        await cur.execute(LOOK, {"id": id, "sub": sub, "now": now})
        return await cur.fetchone()


# A client that is suspended at the same moment waits, or is no longer live here.
ANSWER: LiteralString = """
    WITH live AS (
        SELECT c.id FROM access.asked a JOIN access.client c ON c.id = a.client
         WHERE a.id = %(id)s AND c.state = 'live' FOR SHARE OF c)
    UPDATE access.asked a SET answered_at = %(now)s
      FROM live
     WHERE a.id = %(id)s AND a.client = live.id AND a.sub = %(sub)s AND a.until > %(now)s
       AND a.answered_at IS NULL
"""


async def answer(conn: Conn, id: bytes, sub: str, now: datetime) -> bool:
    """Answer a request once; False when it was answered, is over, or is another's; primary key."""
    found = await conn.execute(ANSWER, {"id": id, "sub": sub, "now": now})
    return found.rowcount == 1


REPLACE: LiteralString = """
    UPDATE access.allowed SET ended_at = %(now)s, ended_why = 'replaced'
     WHERE sub = %(sub)s AND client = %(client)s AND cid IS NOT DISTINCT FROM %(cid)s
       AND situation IS NOT DISTINCT FROM %(situation)s AND ended_at IS NULL
"""

ALLOW: LiteralString = """
    INSERT INTO access.allowed (id, client, sub, scope, cid, situation, kinds, writes, until, offline,
                                acr, amr, authenticated, sub_rev, made_at)
    SELECT %(id)s, %(client)s, s.sub, %(scope)s, %(cid)s, %(situation)s, %(kinds)s::smallint[],
           %(writes)s, %(until)s, %(offline)s, %(acr)s, %(amr)s, %(authenticated)s, s.rev, %(now)s
      FROM access.subject s WHERE s.sub = %(sub)s AND s.rev = %(rev)s
"""


async def allow(conn: Conn, values: dict[str, Any]) -> bool:
    """A grant in the place of those of the same person, client and record; False: logged out since."""
    await conn.execute(REPLACE, values)
    return (await conn.execute(ALLOW, values)).rowcount == 1


@dataclass(frozen=True, slots=True)
class AllowedRow:
    """What somebody allowed, living or ended less than a year ago."""

    id: uuid.UUID
    client: str
    name: str
    organisation: str | None
    homepage: str | None
    privacy: str | None
    sandbox: bool
    sub: str
    holder: str
    person: str | None  # whose record it reads
    cid: int | None
    scope: str
    scopes: str
    kinds: list[int] | None
    writes: bool
    offline: bool
    until: datetime | None
    made_at: datetime
    used_at: datetime | None
    ended_at: datetime | None
    ended_why: str | None
    live: bool
    suspended: bool = False  # the application, by the operator: nothing is read until it is resumed


# One's own, and those that another person, who acts for one, gave on one's record.
MINE: LiteralString = (
    """
    SELECT a.id, a.sub, s.name AS holder, i.shown_name AS person, a.cid, a.scope, a.kinds, a.writes,
           a.offline, a.until, a.made_at, a.used_at, a.ended_at,
           coalesce(a.ended_why, CASE WHEN a.until <= %(now)s THEN 'over'
                                      WHEN s.rev <> a.sub_rev THEN 'connections'
                                      WHEN c.state = 'ended' THEN 'operator' END) AS ended_why,
           a.ended_at IS NULL AND (a.until IS NULL OR a.until > %(now)s) AND s.rev = a.sub_rev
               AND c.state IN ('live', 'suspended') AS live, c.state = 'suspended' AS suspended,"""
    + CLIENT
    + """
      FROM access.allowed a
      JOIN access.client c ON c.id = a.client AND c.kind = 'app'
      JOIN access.subject s ON s.sub = a.sub
      LEFT JOIN access.identity i ON i.cid = a.cid
     WHERE (a.sub = %(sub)s OR (a.cid = %(cid)s::bigint AND s.kind = 'patient'))
       AND coalesce(a.ended_at, a.until, %(now)s) > %(since)s
     ORDER BY a.made_at DESC, a.id
"""
)


async def mine(
    conn: Conn, sub: str, cid: int | None, since: datetime, now: datetime
) -> list[AllowedRow]:
    """Newest first; ended after `since`."""
    async with conn.cursor(row_factory=class_row(AllowedRow)) as cur:
        await cur.execute(MINE, {"sub": sub, "cid": cid, "since": since, "now": now})
        return await cur.fetchall()


THEIRS: LiteralString = """
       AND ended_at IS NULL AND (until IS NULL OR until > %(now)s)
       AND (sub = %(sub)s OR (cid = %(cid)s::bigint
            AND EXISTS (SELECT 1 FROM access.subject s WHERE s.sub = a.sub AND s.kind = 'patient')))
    RETURNING cid
"""
END: LiteralString = (
    "UPDATE access.allowed a SET ended_at = %(now)s, ended_why = 'person' WHERE id = %(id)s"
    + THEIRS
)
SHORTEN: LiteralString = (
    "UPDATE access.allowed a SET until = %(until)s WHERE id = %(id)s"
    " AND (until IS NULL OR until > %(until)s)" + THEIRS
)


async def end(
    conn: Conn, id: uuid.UUID, sub: str, cid: int | None, now: datetime
) -> tuple[int | None] | None:
    """End a grant; the record it was on; None when it is not theirs or has ended; primary key."""
    found = await conn.execute(END, {"id": id, "sub": sub, "cid": cid, "now": now})
    return await found.fetchone()


async def shorten(
    conn: Conn, id: uuid.UUID, sub: str, cid: int | None, until: datetime, now: datetime
) -> tuple[int | None] | None:
    """An earlier end; the record; None when it is not theirs, has ended or ends before; primary key."""
    said = {"id": id, "sub": sub, "cid": cid, "until": until, "now": now}
    return await (await conn.execute(SHORTEN, said)).fetchone()


@dataclass(frozen=True, slots=True)
class LaunchRow:
    """What an application was opened on."""

    cid: int
    situation: str | None
    context: dict[str, Any]
    person: str | None


WAITING: LiteralString = """
    SELECT l.cid, l.situation, l.context, i.shown_name AS person
      FROM access.launch l LEFT JOIN access.identity i ON i.cid = l.cid
     WHERE l.hash = %(hash)s AND l.client = %(client)s AND l.sub = %(sub)s AND l.until > %(now)s
       AND l.used_at IS NULL
"""


async def launch(conn: Conn, hash: bytes, client: str, sub: str, now: datetime) -> LaunchRow | None:
    """A launch of this person for this client that waits; primary key."""
    async with conn.cursor(row_factory=class_row(LaunchRow)) as cur:
        await cur.execute(WAITING, {"hash": hash, "client": client, "sub": sub, "now": now})
        return await cur.fetchone()


LAUNCHED: LiteralString = (
    "UPDATE access.launch SET used_at = %(now)s WHERE hash = %(hash)s AND used_at IS NULL"
)


async def launched(conn: Conn, hash: bytes, now: datetime) -> bool:
    """Use a launch; False when it was used; primary key."""
    return (await conn.execute(LAUNCHED, {"hash": hash, "now": now})).rowcount == 1


@dataclass(frozen=True, slots=True)
class Launchable:
    """An application that opens on a patient."""

    id: str
    name: str
    launch: str


LAUNCHABLE: LiteralString = """
    SELECT id, name, launch FROM access.client
     WHERE launch IS NOT NULL AND kind = 'app' AND state = 'live'
       AND 'launch' = ANY (string_to_array(scopes, ' '))
     ORDER BY name, id
"""


async def launchable(conn: Conn) -> list[Launchable]:
    """Applications that a desk opens; few rows, read whole."""
    async with conn.cursor(row_factory=class_row(Launchable)) as cur:
        await cur.execute(LAUNCHABLE)
        return await cur.fetchall()


OPEN: LiteralString = """
    INSERT INTO access.launch (hash, client, sub, situation, cid, context, until)
    VALUES (%(hash)s, %(client)s, %(sub)s, %(situation)s, %(cid)s, %(context)s, %(until)s)
"""


async def open_on(
    conn: Conn,
    *,
    hash: bytes,
    client: str,
    sub: str,
    situation: str | None,
    cid: int,
    context: dict[str, Any],
    until: datetime,
) -> None:
    """A launch that waits."""
    said = {"hash": hash, "client": client, "sub": sub, "situation": situation, "cid": cid,
            "context": Jsonb(context), "until": until}  # fmt: skip
    await conn.execute(OPEN, said)
