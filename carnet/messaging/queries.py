# SPDX-License-Identifier: EUPL-1.2
"""Statements of the mail: mailboxes, messages, deliveries. All but mailboxes in the platform's context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address that is known. rpps: of a professional; org: compartment of an organisation."""

    address: str
    kind: str
    local: bool
    rpps: int | None
    org: int | None
    unlisted: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail for one address, with its sealed text."""

    id: int
    message: int
    address: str
    state: str
    tries: int
    failed: str | None
    rid: int | None
    done_at: datetime | None
    seen_at: datetime | None
    shown: bool
    cid: int | None
    way: str
    at: datetime
    sender: str
    size: int
    wrapped: bytes
    sealed: bytes


MAILBOX: LiteralString = """
    SELECT address, kind, local, rpps, org, unlisted FROM messaging.mailbox WHERE address = %s
"""
OWNED: LiteralString = """
    SELECT address, kind, local, rpps, org, unlisted FROM messaging.mailbox
     WHERE local AND (rpps = %(rpps)s OR org = %(org)s) ORDER BY kind = 'PER' DESC, address LIMIT 100
"""
ADD_MAILBOX: LiteralString = """
    INSERT INTO messaging.mailbox (address, kind, local, rpps, org, unlisted)
    VALUES (%(address)s, %(kind)s, %(local)s, %(rpps)s, %(org)s, %(unlisted)s)
    ON CONFLICT (address) DO UPDATE SET rpps = excluded.rpps, org = excluded.org,
           unlisted = excluded.unlisted
"""
ADD_MESSAGE: LiteralString = """
    INSERT INTO messaging.message (id, cid, way, at, sender, number, size, wrapped, sealed)
    VALUES (%(id)s, %(cid)s, %(way)s, %(at)s, %(sender)s, %(number)s, %(size)s, %(wrapped)s, %(sealed)s)
"""
ADD_DELIVERY: LiteralString = """
    INSERT INTO messaging.delivery (id, message, address, once, state, next_try)
    VALUES (%(id)s, %(message)s, %(address)s, %(once)s, %(state)s, %(next_try)s)
"""
KNOWN: LiteralString = """
    SELECT d.address FROM messaging.delivery d
     WHERE (d.address, d.once) IN (SELECT * FROM unnest(%s::text[], %s::bytea[]))
"""
COLUMNS: LiteralString = (
    "d.id, d.message, d.address, d.state, d.tries, d.failed, d.rid, d.done_at, d.seen_at, d.shown,"
    " m.cid, m.way, m.at, m.sender, m.size, m.wrapped, m.sealed"
)
FROM: LiteralString = " FROM messaging.delivery d JOIN messaging.message m ON m.id = d.message "
# The oldest one that is due; another worker passes over it. Index delivery_due.
CLAIM: LiteralString = (
    "SELECT " + COLUMNS + FROM + "WHERE d.next_try <= %(now)s AND d.state = %(state)s"
    " ORDER BY d.next_try, d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED"
)
ONE: LiteralString = "SELECT " + COLUMNS + FROM + "WHERE d.id = %(id)s"
OF_ADDRESSES: LiteralString = (
    "SELECT " + COLUMNS + FROM + "WHERE d.address = ANY (%(addresses)s) AND d.shown"
    " AND m.way = 'in' ORDER BY d.id DESC LIMIT %(limit)s"
)
OF_PATIENT: LiteralString = (
    "SELECT " + COLUMNS + FROM + "WHERE d.shown AND (d.address = ANY (%(addresses)s)"
    " OR m.sender = ANY (%(addresses)s)) ORDER BY d.id DESC LIMIT %(limit)s"
)
DONE: LiteralString = """
    UPDATE messaging.delivery
       SET state = %(state)s, next_try = NULL, failed = %(failed)s, rid = %(rid)s, done_at = %(now)s
     WHERE id = %(id)s
"""
LATER: LiteralString = """
    UPDATE messaging.delivery SET tries = tries + 1, failed = %(failed)s, next_try = %(next_try)s
     WHERE id = %(id)s
"""
SPEAKS_OF: LiteralString = "UPDATE messaging.message SET cid = %s WHERE id = %s AND cid IS NULL"
SEEN: LiteralString = (
    "UPDATE messaging.delivery SET seen_at = %s WHERE id = ANY (%s) AND seen_at IS NULL"
)
STATES: LiteralString = """
    SELECT d.state, count(*), min(m.at) FROM messaging.delivery d
      JOIN messaging.message m ON m.id = d.message GROUP BY d.state ORDER BY d.state
"""
CAME_BACK: LiteralString = """
    UPDATE messaging.delivery SET state = 'failed', failed = %(failed)s, next_try = NULL
     WHERE id = ANY (%(ids)s)
"""
BY_NUMBER: LiteralString = (
    "SELECT " + COLUMNS + FROM + "WHERE m.number = ANY (%(numbers)s) ORDER BY d.id LIMIT 200"
)
SENDER: LiteralString = """
    SELECT s.sub FROM access.subject s
      LEFT JOIN access.situation x ON x.sub = s.sub
     WHERE (%(rpps)s::bigint IS NOT NULL AND s.rpps = %(rpps)s AND s.kind = 'professional')
        OR (%(rpps)s::bigint IS NULL AND x.org = %(org)s AND s.kind = 'software')
     ORDER BY s.sub LIMIT 1
"""
MATRICULE: LiteralString = "SELECT cid FROM access.identity WHERE ins = %s ORDER BY cid LIMIT 2"


async def mailbox(conn: AsyncConnection[Any], address: str) -> Mailbox | None:
    """The line of an address; primary key."""
    async with conn.cursor(row_factory=class_row(Mailbox)) as cur:
        await cur.execute(MAILBOX, (address,))
        return await cur.fetchone()


async def owned(conn: AsyncConnection[Any], rpps: int | None, org: int | None) -> list[Mailbox]:
    """The mailboxes of a professional and of where they work; indexes mailbox_of, mailbox_of_place."""
    async with conn.cursor(row_factory=class_row(Mailbox)) as cur:
        await cur.execute(OWNED, {"rpps": rpps, "org": org})
        return await cur.fetchall()


async def deliveries(
    conn: AsyncConnection[Any], query: LiteralString, values: Mapping[str, object]
) -> list[Delivery]:
    """Rows of one of the statements above; under the platform's context."""
    async with conn.cursor(row_factory=class_row(Delivery)) as cur:
        await cur.execute(query, values)
        return await cur.fetchall()


async def subject_of(conn: AsyncConnection[Any], box: Mailbox) -> str | None:
    """The account a mailbox's mails are deposited by; None when nobody here has it."""
    cursor = await conn.execute(SENDER, {"rpps": box.rpps, "org": box.org})
    found = await cursor.fetchone()
    return str(found[0]) if found else None


async def patient(conn: AsyncConnection[Any], matricule: str) -> int | None:
    """The record of a patient's address; None when nobody, or more than one, has the number."""
    cursor = await conn.execute(MATRICULE, (matricule,))
    found = await cursor.fetchall()
    return int(found[0][0]) if len(found) == 1 else None
