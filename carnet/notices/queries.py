# SPDX-License-Identifier: EUPL-1.2
"""Statements of the notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice, with what its rendering needs."""

    id: int
    cid: int
    reader: str
    channel: str
    template: str
    language: str
    codes: Mapping[str, str]
    at: datetime
    tries: int
    sent: datetime | None
    failed: str | None
    email: str | None


COLUMNS: LiteralString = (
    "o.id, o.cid, o.reader, o.channel, o.template, o.language, o.codes, o.at, o.tries, o.sent,"
    " o.failed, coalesce(m.email, a.email) AS email"
)
FROM: LiteralString = """
      FROM notices.outgoing o
      LEFT JOIN LATERAL notices.address_of(o.cid) a ON o.reader = 'person'
      LEFT JOIN notices.mailbox m ON o.reader = 'rpps:' || m.rpps
"""
# The oldest one that is due; another worker passes over it. Index outgoing_due.
CLAIM: LiteralString = (
    "SELECT " + COLUMNS + FROM + " WHERE o.sent IS NULL AND o.channel = 'email'"
    " AND o.next_try <= %(now)s ORDER BY o.next_try, o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED"
)
TRAY: LiteralString = "SELECT " + COLUMNS + FROM + " ORDER BY o.at DESC, o.id DESC LIMIT %(limit)s"
ONE: LiteralString = "SELECT " + COLUMNS + FROM + " WHERE o.id = %(id)s"
SENT: LiteralString = (
    "UPDATE notices.outgoing SET sent = %(now)s, failed = NULL WHERE id = %(id)s AND sent IS NULL"
)
FAILED: LiteralString = """
    UPDATE notices.outgoing
       SET tries = tries + 1, failed = %(failed)s, next_try = %(next_try)s,
           channel = CASE WHEN %(by_post)s THEN 'letter' ELSE channel END
     WHERE id = %(id)s
"""
KNOWN: LiteralString = "SELECT id FROM notices.outgoing WHERE id = ANY (%s)"
READER: LiteralString = """
    SELECT s.name, o.name AS place FROM access.subject s
      LEFT JOIN access.situation x ON x.sub = s.sub
      LEFT JOIN access.organisation o ON o.cid = x.org
     WHERE s.rpps = %s AND s.kind = 'professional' ORDER BY x.id LIMIT 1
"""
SETTINGS: LiteralString = "SELECT email, language, muted FROM notices.address_of(%s)"


async def fetched(
    conn: AsyncConnection[Any], query: LiteralString, values: Mapping[str, object]
) -> list[Outgoing]:
    """Rows of one of the statements above; under the platform's context."""
    async with conn.cursor(row_factory=class_row(Outgoing)) as cur:
        await cur.execute(query, values)
        return await cur.fetchall()
