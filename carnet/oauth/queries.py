# SPDX-License-Identifier: EUPL-1.2
"""Rows of schema `access` that the authorization server reads and writes, in the transaction of one request.

Synchronous, because Authlib is: each request has a thread and one connection.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from carnet.access.limits import alarms

Conn = Connection[Any]


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A line of access.client, as the protocol needs it."""

    id: str
    name: str
    kind: str  # app or software
    subject: str | None
    method: str
    secret: bytes | None
    keys: dict[str, Any] | None
    redirects: list[str]
    grants: list[str]
    scopes: str
    sandbox: bool
    rev: int


CLIENT: LiteralString = """
    SELECT id, name, kind, subject, method, secret, keys, redirects, grants, scopes, sandbox, rev
      FROM access.client WHERE id = %s AND state = 'live'
"""


def client(conn: Conn, id: str) -> ClientRow | None:
    """A client that is live; primary key."""
    with conn.cursor(row_factory=class_row(ClientRow)) as cur:
        return cur.execute(CLIENT, (id,)).fetchone()


ORIGINS: LiteralString = "SELECT DISTINCT unnest(origins) FROM access.client WHERE state = 'live'"


def origins(conn: Conn) -> frozenset[str]:
    """Where pages of live clients come from; a whole reading of few rows, kept by who asks."""
    with conn.cursor(row_factory=scalar_row) as cur:
        return frozenset(cur.execute(ORIGINS).fetchall())


@dataclass(frozen=True, slots=True)
class AllowedRow:
    """A grant that may still give tokens: not ended, not over, its subject's revision the same."""

    id: uuid.UUID
    client: str
    sub: str
    scope: str
    cid: int | None
    situation: str | None
    until: datetime | None
    offline: bool
    acr: str
    amr: list[str]
    authenticated: datetime
    made_at: datetime


ALLOWED: LiteralString = """
    SELECT a.id, a.client, a.sub, a.scope, a.cid, a.situation, a.until, a.offline, a.acr, a.amr,
           a.authenticated, a.made_at
      FROM access.allowed a JOIN access.subject s ON s.sub = a.sub AND s.rev = a.sub_rev
     WHERE a.id = %(id)s AND a.ended_at IS NULL AND (a.until IS NULL OR a.until > %(now)s)
       FOR NO KEY UPDATE OF a
"""


def allowed(conn: Conn, id: uuid.UUID, now: datetime) -> AllowedRow | None:
    """A grant that lives, kept from ending until the transaction is over; primary key."""
    with conn.cursor(row_factory=class_row(AllowedRow)) as cur:
        return cur.execute(ALLOWED, {"id": id, "now": now}).fetchone()


# Why a grant ended, and the alarm of it.
REUSED: Mapping[str, str] = {"reuse": "refresh-reuse", "code-reuse": "code-reuse"}
WHOSE: LiteralString = "SELECT sub, client FROM access.allowed WHERE id = %s"
END: LiteralString = """
    UPDATE access.allowed SET ended_at = %(now)s, ended_why = %(why)s
     WHERE id = %(id)s AND ended_at IS NULL
"""


def end(conn: Conn, id: uuid.UUID, why: str, now: datetime) -> None:
    """End a grant, and with it every token of it; an operator is told of a secret used twice. Primary key."""
    conn.execute(END, {"id": id, "why": why, "now": now})
    if (reason := REUSED.get(why)) is not None:
        row = conn.execute(WHOSE, (id,)).fetchone()
        assert row is not None
        alarms.tell_at_once(conn, reason, now, sub=row[0], client=row[1], done="grant-ended")


USED: LiteralString = "UPDATE access.allowed SET used_at = %(now)s WHERE id = %(id)s"


def used(conn: Conn, id: uuid.UUID, now: datetime) -> None:
    """A token was given; primary key."""
    conn.execute(USED, {"id": id, "now": now})


ALLOW: LiteralString = """
    INSERT INTO access.allowed (id, client, sub, scope, situation, writes, until, offline, acr, amr,
                                authenticated, sub_rev, made_at)
    SELECT %(id)s, %(client)s, s.sub, %(scope)s, %(situation)s, true, %(until)s, false, %(acr)s,
           %(amr)s, %(authenticated)s, s.rev, %(now)s
      FROM access.subject s WHERE s.sub = %(sub)s
"""


def allow(
    conn: Conn,
    *,
    id: uuid.UUID,
    client: str,
    sub: str,
    scope: str,
    situation: str | None,
    until: datetime | None,
    acr: str,
    amr: Sequence[str],
    authenticated: datetime,
    now: datetime,
) -> None:
    """A grant that an organisation's registration gives its software; nobody else answered."""
    conn.execute(
        ALLOW,
        {
            "id": id, "client": client, "sub": sub, "scope": scope, "situation": situation,
            "until": until, "acr": acr, "amr": list(amr), "authenticated": authenticated, "now": now,
        },
    )  # fmt: skip


STANDING: LiteralString = """
    SELECT a.id FROM access.allowed a JOIN access.subject s ON s.sub = a.sub AND s.rev = a.sub_rev
     WHERE a.sub = %(sub)s AND a.client = %(client)s AND a.scope = %(scope)s AND a.ended_at IS NULL
       AND a.until IS NULL AND a.cid IS NULL AND a.situation IS NULL AND NOT a.offline
     ORDER BY a.made_at LIMIT 1
"""


def standing(conn: Conn, sub: str, client: str, scope: str) -> uuid.UUID | None:
    """The grant a software has already for these scopes; index allowed_of."""
    with conn.cursor(row_factory=scalar_row) as cur:
        said = {"sub": sub, "client": client, "scope": scope}
        return cur.execute(STANDING, said).fetchone()


ASK: LiteralString = """
    INSERT INTO access.asked (id, client, parameters, made_at, until)
    VALUES (%(id)s, %(client)s, %(parameters)s, %(now)s, %(until)s)
"""


def ask(
    conn: Conn, id: bytes, client: str, parameters: dict[str, Any], now: datetime, until: datetime
) -> None:
    """Keep a request until the person answers."""
    said = {"id": id, "client": client, "parameters": Jsonb(parameters), "now": now, "until": until}
    conn.execute(ASK, said)


LAUNCH: LiteralString = """
    SELECT 1 FROM access.launch
     WHERE hash = %(hash)s AND client = %(client)s AND until > %(now)s AND used_at IS NULL
"""


def launched(conn: Conn, hash: bytes, client: str, now: datetime) -> bool:
    """Whether this launch is for this client and waits; primary key."""
    found = conn.execute(LAUNCH, {"hash": hash, "client": client, "now": now})
    return found.fetchone() is not None


@dataclass(frozen=True, slots=True)
class CodeRow:
    """An authorization code, locked."""

    hash: bytes
    allowed: uuid.UUID
    client: str
    redirect: str
    challenge: str
    nonce: str | None
    context: dict[str, Any]
    until: datetime
    used_at: datetime | None


CODE: LiteralString = """
    SELECT c.hash, c.allowed, a.client, c.redirect, c.challenge, c.nonce, c.context, c.until, c.used_at
      FROM access.code c JOIN access.allowed a ON a.id = c.allowed
     WHERE c.hash = %s FOR UPDATE OF c
"""


def code(conn: Conn, hash: bytes) -> CodeRow | None:
    """A code and whose it is; whoever else presents it waits; primary key."""
    with conn.cursor(row_factory=class_row(CodeRow)) as cur:
        return cur.execute(CODE, (hash,)).fetchone()


CODE_USED: LiteralString = "UPDATE access.code SET used_at = %s WHERE hash = %s AND used_at IS NULL"


def code_used(conn: Conn, hash: bytes, now: datetime) -> bool:
    """Use a code; False when it was used; primary key."""
    return conn.execute(CODE_USED, (now, hash)).rowcount == 1


@dataclass(frozen=True, slots=True)
class RefreshRow:
    """A refresh token, locked."""

    hash: bytes
    allowed: uuid.UUID
    client: str
    until: datetime
    used_at: datetime | None


REFRESH: LiteralString = """
    SELECT r.hash, r.allowed, a.client, r.until, r.used_at
      FROM access.refresh r JOIN access.allowed a ON a.id = r.allowed
     WHERE r.hash = %s FOR UPDATE OF r
"""


def refresh(conn: Conn, hash: bytes) -> RefreshRow | None:
    """A refresh token and whose it is; whoever else presents it waits; primary key."""
    with conn.cursor(row_factory=class_row(RefreshRow)) as cur:
        return cur.execute(REFRESH, (hash,)).fetchone()


REFRESH_USED: LiteralString = (
    "UPDATE access.refresh SET used_at = %s WHERE hash = %s AND used_at IS NULL"
)


def refresh_used(conn: Conn, hash: bytes, now: datetime) -> bool:
    """Use a refresh token; False when it was used; primary key."""
    return conn.execute(REFRESH_USED, (now, hash)).rowcount == 1


NEXT: LiteralString = """
    INSERT INTO access.refresh (hash, allowed, made_at, until) VALUES (%s, %s, %s, %s)
"""


def next_refresh(
    conn: Conn, hash: bytes, allowed: uuid.UUID, now: datetime, until: datetime
) -> None:
    """The next of a family."""
    conn.execute(NEXT, (hash, allowed, now, until))


ASSERTION: LiteralString = """
    INSERT INTO access.assertion (client, jti, until) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""


def first_time(conn: Conn, client: str, jti: bytes, until: datetime) -> bool:
    """Take an assertion's identifier; False when it was taken before; primary key."""
    return conn.execute(ASSERTION, (client, jti, until)).rowcount == 1


SUBJECT_CLIENT: LiteralString = """
    SELECT x.id FROM access.situation x JOIN access.situation o ON o.org = x.org
     WHERE x.sub = %(sub)s AND o.sub = %(software)s
       AND (%(situation)s::text IS NULL OR x.id = %(situation)s)
     ORDER BY x.id LIMIT 2
"""


def situations(conn: Conn, sub: str, software: str, situation: str | None) -> list[str]:
    """Situations of a professional in the organisation of a software; two at most are told."""
    said = {"sub": sub, "software": software, "situation": situation}
    with conn.cursor(row_factory=scalar_row) as cur:
        return cur.execute(SUBJECT_CLIENT, said).fetchall()
