# SPDX-License-Identifier: EUPL-1.2
"""Accounts that end: for good by an operator, or with the life of who had them, until it is said again.

What is connected in their name ends within a second, and codes that waited end (docs/decisions/0059).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import AsyncConnection

from carnet import errors

ENDED, DEATH, ERASED = "ended", "death", "erased"  # of access.stopped
LASTING: Final = (ENDED, DEATH, ERASED)  # no operator opens these again by a word


class Over(errors.Conflict):
    """This account was ended, or is of somebody who died: nobody opens it again so."""


END: LiteralString = """
    INSERT INTO access.stopped AS p (sub, why, at, for_good)
    SELECT s, %(why)s, %(now)s, %(for_good)s FROM unnest(%(subs)s::text[]) s
        ON CONFLICT (sub) DO UPDATE
       SET why = CASE WHEN p.why IN ('death', 'erased') THEN p.why ELSE excluded.why END,
           at = CASE WHEN p.why IN ('ended', 'death', 'erased') THEN p.at ELSE excluded.at END,
           for_good = p.for_good OR excluded.for_good
"""
CONNECTIONS: LiteralString = "SELECT access.end_connections(s) FROM unnest(%(subs)s::text[]) s"
CODES: LiteralString = """
    WITH unsent AS (DELETE FROM access.mail WHERE sub = ANY (%(subs)s))
    UPDATE access.activation SET ended_at = %(now)s, born = NULL, second = NULL, email = NULL
     WHERE sub = ANY (%(subs)s) AND used_at IS NULL AND ended_at IS NULL
"""
GRANTS: LiteralString = """
    UPDATE access.allowed SET ended_at = %(now)s, ended_why = 'operator'
     WHERE sub = ANY (%(subs)s) AND ended_at IS NULL
"""
ADDRESS: LiteralString = "DELETE FROM access.recovery WHERE sub = ANY (%(subs)s)"
LOG_IN: LiteralString = "SELECT access.forget_log_in(%(subs)s)"
OF_RECORD: LiteralString = """
    SELECT sub FROM access.subject WHERE patient = ANY (%s) AND kind = 'patient' ORDER BY sub
"""
# One that was ended for good besides stays so.
ALIVE: LiteralString = """
    WITH back AS (
        DELETE FROM access.stopped p USING access.subject s
         WHERE p.sub = s.sub AND s.patient = ANY (%(cids)s) AND p.why = 'death' AND NOT p.for_good
    )
    UPDATE access.stopped p SET why = 'ended' FROM access.subject s
     WHERE p.sub = s.sub AND s.patient = ANY (%(cids)s) AND p.why = 'death' AND p.for_good
"""
# A code given since begins the account from nothing.
ANEW: LiteralString = "DELETE FROM access.stopped WHERE sub = %s AND for_good AND why = 'ended'"
WHY: LiteralString = "SELECT why FROM access.stopped WHERE sub = %s"


async def end(
    conn: AsyncConnection[Any], subs: Sequence[str], why: str, now: datetime, *, for_good: bool
) -> None:
    """Nobody enters by them. For good: their log-in is forgotten too, with its second factors."""
    values = {"subs": list(subs), "why": why, "now": now, "for_good": for_good}
    for statement in (END, CONNECTIONS, CODES, GRANTS):
        await conn.execute(statement, values)
    if for_good:
        await conn.execute(ADDRESS, values)
        await conn.execute(LOG_IN, values)


async def died(conn: AsyncConnection[Any], cids: Sequence[int], now: datetime) -> None:
    """The accounts of who had this record; their factors stay, for a death that was said by mistake."""
    found = await (await conn.execute(OF_RECORD, (list(cids),))).fetchall()
    await end(conn, [sub for (sub,) in found], DEATH, now, for_good=False)


async def alive(conn: AsyncConnection[Any], cids: Sequence[int]) -> None:
    """The record opens again: so do the accounts that ended with a life."""
    await conn.execute(ALIVE, {"cids": list(cids)})


async def begun_anew(conn: AsyncConnection[Any], sub: str) -> None:
    """Who was proven since begins their account again, from nothing."""
    await conn.execute(ANEW, (sub,))


async def not_over(conn: AsyncConnection[Any], sub: str) -> None:
    """Refuse what would open again an account that ended; primary key."""
    row = await (await conn.execute(WHY, (sub,))).fetchone()
    if row is not None and row[0] in LASTING:
        raise Over
