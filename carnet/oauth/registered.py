# SPDX-License-Identifier: EUPL-1.2
"""Clients and their life as an operator sees them: rows of access.client and access.client_act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Registered:
    """A client, and how much it is used: how many grants live, when a token was last given."""

    id: str
    name: str
    kind: str
    subject: str | None
    organisation: str | None
    method: str
    keys: dict[str, Any] | None
    redirects: list[str]
    origins: list[str]
    launch: str | None
    grants: list[str]
    scopes: str
    homepage: str | None
    privacy: str | None
    sandbox: bool
    native: bool
    state: str
    made_at: datetime
    made_by: str
    decided_at: datetime | None
    decided_by: str | None
    living: int
    used_at: datetime | None


ONES: LiteralString = """
    SELECT c.id, c.name, c.kind, c.subject,
           (SELECT min(o.name) FROM access.situation x JOIN access.organisation o ON o.cid = x.org
             WHERE x.sub = c.subject) AS organisation,
           c.method, c.keys, c.redirects, c.origins, c.launch, c.grants, c.scopes, c.homepage,
           c.privacy, c.sandbox, c.native, c.state, c.made_at, c.made_by, c.decided_at, c.decided_by,
           (SELECT count(*) FROM access.allowed a JOIN access.subject s
                                   ON s.sub = a.sub AND s.rev = a.sub_rev
             WHERE a.client = c.id AND a.ended_at IS NULL
               AND (a.until IS NULL OR a.until > %(now)s)) AS living,
           (SELECT max(a.used_at) FROM access.allowed a WHERE a.client = c.id) AS used_at
      FROM access.client c
"""


async def listed(conn: Conn, now: datetime) -> list[Registered]:
    """Every client, those that wait first; a whole reading of few rows."""
    order: LiteralString = " ORDER BY c.state <> 'proposed', c.state = 'ended', c.name, c.id"
    async with conn.cursor(row_factory=class_row(Registered)) as cur:
        await cur.execute(ONES + order, {"now": now})
        return await cur.fetchall()


async def one(conn: Conn, id: str, now: datetime) -> Registered | None:
    """A client in any state; primary key."""
    async with conn.cursor(row_factory=class_row(Registered)) as cur:
        await cur.execute(ONES + " WHERE c.id = %(id)s", {"now": now, "id": id})
        return await cur.fetchone()


LOCK: LiteralString = "SELECT 1 FROM access.client WHERE id = %s FOR UPDATE"


async def lock(conn: Conn, id: str) -> None:
    """Whoever else decides of this client waits; primary key."""
    await conn.execute(LOCK, (id,))


# One at a time registers: two names that are read the same are not taken together.
ALONE: LiteralString = "SELECT pg_advisory_xact_lock(hashtext('access.client'))"
NAMES: LiteralString = "SELECT name FROM access.client WHERE state <> 'ended'"


async def names(conn: Conn) -> list[str]:
    """Names that are taken, until this transaction is over."""
    await conn.execute(ALONE)
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(NAMES)
        return await cur.fetchall()


SOFTWARE: LiteralString = """
    SELECT count(*) FROM access.subject s JOIN access.situation x ON x.sub = s.sub
     WHERE s.sub = %s AND s.kind = 'software'
"""


async def is_software(conn: Conn, sub: str) -> bool:
    """Whether this subject is the software of one organisation; primary key."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(SOFTWARE, (sub,))
        return await cur.fetchone() == 1


MAKE: LiteralString = """
    INSERT INTO access.client (id, name, kind, subject, method, secret, keys, redirects, origins, launch,
                               grants, scopes, homepage, privacy, sandbox, native, made_at, made_by)
    VALUES (%(id)s, %(name)s, %(kind)s, %(subject)s, %(method)s, %(secret)s, %(keys)s, %(redirects)s,
            %(origins)s, %(launch)s, %(grants)s, %(scopes)s, %(homepage)s, %(privacy)s, %(sandbox)s,
            %(native)s, %(now)s, %(by)s)
    ON CONFLICT DO NOTHING
"""


WAITING: LiteralString = (
    "SELECT count(*) FROM access.client WHERE state = 'proposed' AND made_by = %s"
)


async def waiting(conn: Conn, by: str) -> int:
    """How many clients that somebody proposed wait for a decision; there are few clients."""
    row = await (await conn.execute(WAITING, (by,))).fetchone()
    return int(row[0]) if row else 0


async def make(conn: Conn, values: dict[str, Any]) -> bool:
    """A new client, proposed; False when its id is taken."""
    keys = values["keys"]
    values = values | {"keys": None if keys is None else Jsonb(keys)}
    return (await conn.execute(MAKE, values)).rowcount == 1


DECIDE: LiteralString = """
    UPDATE access.client SET state = %(state)s, rev = rev + 1, decided_at = %(now)s, decided_by = %(by)s
     WHERE id = %(id)s
"""


async def decide(conn: Conn, id: str, state: str, by: str, now: datetime) -> None:
    """A new state; tokens of before end. Primary key."""
    await conn.execute(DECIDE, {"id": id, "state": state, "by": by, "now": now})


END_GRANTS: LiteralString = """
    UPDATE access.allowed SET ended_at = %(now)s, ended_why = 'operator'
     WHERE client = %(id)s AND ended_at IS NULL AND (%(scopes)s::text[] IS NULL OR scope = ANY (%(scopes)s))
"""


async def end_grants(conn: Conn, id: str, now: datetime, scopes: list[str] | None = None) -> None:
    """End what was allowed to a client; of these scopes alone when some are named. Index allowed_to."""
    await conn.execute(END_GRANTS, {"id": id, "now": now, "scopes": scopes})


GRANTED: LiteralString = (
    "SELECT DISTINCT scope FROM access.allowed WHERE client = %s AND ended_at IS NULL"
)


async def granted(conn: Conn, id: str) -> list[str]:
    """Scopes of the grants that live; index allowed_to."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(GRANTED, (id,))
        return await cur.fetchall()


SET_KEYS: LiteralString = (
    "UPDATE access.client SET keys = %(value)s, rev = rev + %(ending)s WHERE id = %(id)s"
)
SET_SECRET: LiteralString = (
    "UPDATE access.client SET secret = %(value)s, rev = rev + %(ending)s WHERE id = %(id)s"
)
SET_SCOPES: LiteralString = (
    "UPDATE access.client SET scopes = %(value)s, rev = rev + %(ending)s WHERE id = %(id)s"
)
SET_REDIRECTS: LiteralString = (
    "UPDATE access.client SET redirects = %(value)s, rev = rev + %(ending)s WHERE id = %(id)s"
)
SET_ORIGINS: LiteralString = (
    "UPDATE access.client SET origins = %(value)s, rev = rev + %(ending)s WHERE id = %(id)s"
)


async def change(conn: Conn, what: LiteralString, id: str, value: Any, *, ending: bool) -> None:
    """One of SET_…; ending: tokens of before end. Primary key."""
    value = Jsonb(value) if isinstance(value, dict) else value
    await conn.execute(what, {"id": id, "value": value, "ending": int(ending)})


@dataclass(frozen=True, slots=True)
class ClientAct:
    """A line of the life of a client."""

    number: int
    at: datetime
    by: str
    act: str
    detail: str
    why: str


TOLD: LiteralString = """
    INSERT INTO access.client_act (client, number, at, by, act, detail, why)
    SELECT %(id)s, 1 + count(*), %(now)s, %(by)s, %(act)s, %(detail)s, %(why)s
      FROM access.client_act WHERE client = %(id)s
"""
LIFE: LiteralString = """
    SELECT number, at, by, act, detail, why FROM access.client_act WHERE client = %s ORDER BY number
"""


async def tell(conn: Conn, id: str, act: ClientAct) -> None:
    """Add a line, its number the next; the client is locked."""
    said = {"id": id, "now": act.at, "by": act.by, "act": act.act, "detail": act.detail}
    await conn.execute(TOLD, said | {"why": act.why})


async def life(conn: Conn, id: str) -> list[ClientAct]:
    """What was decided of a client, oldest first; primary key."""
    async with conn.cursor(row_factory=class_row(ClientAct)) as cur:
        await cur.execute(LIFE, (id,))
        return await cur.fetchall()
