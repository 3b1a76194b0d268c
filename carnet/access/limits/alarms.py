# SPDX-License-Identifier: EUPL-1.2
"""What an operator must look at: told once, counted while nobody has closed it; accounts stopped.

An alarm says who and through what, never of whom the record was nor what is in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Literal, LiteralString

import structlog
from psycopg import AsyncConnection, Connection
from psycopg.rows import class_row

from carnet import errors

log = structlog.get_logger("carnet.alarms")
Done = Literal["nothing", "refused", "grant-ended", "account-stopped"]
MOST = 500  # shown


class NoAlarm(errors.NotFound):
    """There is no such alarm, or it was closed."""


class NoWord(errors.BusinessRule):
    """An alarm is closed with a word on what it was."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A section of alarms.toml; sentences by language."""

    what: Mapping[str, str]
    todo: Mapping[str, str]
    quiet: bool = False


@cache
def reasons() -> Mapping[str, Reason]:
    """Every reason."""
    text = resources.files(__package__).joinpath("alarms.toml").read_text("utf-8")
    return {name: Reason(**given) for name, given in tomllib.loads(text).items()}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One line of access.alarm; `stopped`: whether the account is stopped now."""

    id: int
    reason: str
    sub: str
    name: str  # of the subject, as accounts bear it
    client: str
    done: str
    times: int
    at: datetime
    last: datetime
    taken_at: datetime | None
    taken_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    word: str | None
    stopped: bool


TELL: LiteralString = """
    INSERT INTO access.alarm AS a (reason, sub, client, done, seq, at, last)
    VALUES (%(reason)s, %(sub)s, %(client)s, %(done)s, %(seq)s, %(at)s, %(at)s)
    ON CONFLICT (reason, sub, client, done) WHERE closed_at IS NULL
        DO UPDATE SET times = a.times + 1, last = greatest(a.last, excluded.last)
"""
STOP: LiteralString = """
    INSERT INTO access.stopped (sub, why, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
END: LiteralString = "SELECT access.end_connections(%s)"
# What ended with a life, or for good, no word opens: carnet/access/ended.py.
RESUME: LiteralString = """
    DELETE FROM access.stopped
     WHERE sub = %s AND NOT for_good AND why NOT IN ('ended', 'death', 'erased')
"""
LISTED: LiteralString = """
    SELECT a.id, a.reason, a.sub, coalesce(n.name, '') AS name, a.client, a.done, a.times, a.at, a.last,
           a.taken_at, a.taken_by, a.closed_at, a.closed_by, a.word, s.sub IS NOT NULL AS stopped
      FROM access.alarm a LEFT JOIN access.stopped s ON s.sub = a.sub
      LEFT JOIN access.subject n ON n.sub = a.sub
     WHERE a.closed_at IS NULL OR a.closed_at > %(since)s
     ORDER BY a.closed_at IS NOT NULL, a.last DESC, a.id DESC LIMIT %(most)s
"""
TAKE: LiteralString = """
    UPDATE access.alarm SET taken_at = %(at)s, taken_by = %(by)s
     WHERE id = %(id)s AND closed_at IS NULL AND taken_at IS NULL
"""
CLOSE: LiteralString = """
    UPDATE access.alarm SET closed_at = %(at)s, closed_by = %(by)s, word = %(word)s
     WHERE id = %(id)s AND closed_at IS NULL RETURNING sub
"""


async def tell(
    conn: AsyncConnection[Any],
    reason: str,
    at: datetime,
    *,
    sub: str = "",
    client: str = "",
    done: Done = "nothing",
    seq: int | None = None,
) -> None:
    """Have an operator look; the same again, while it is open, is counted. Index alarm_open."""
    assert reason in reasons(), reason
    values = {"reason": reason, "at": at, "sub": sub, "client": client, "done": done, "seq": seq}
    await conn.execute(TELL, values)
    log.warning("alarm", reason=reason, sub=sub, client=client, done=done)


def tell_at_once(
    conn: Connection[Any], reason: str, at: datetime, *, sub: str, client: str, done: Done
) -> None:
    """The same, for who holds a connection of another kind."""
    assert reason in reasons(), reason
    values = {"reason": reason, "at": at, "sub": sub, "client": client, "done": done, "seq": None}
    conn.execute(TELL, values)
    log.warning("alarm", reason=reason, sub=sub, client=client, done=done)


async def stop(conn: AsyncConnection[Any], sub: str, why: str, at: datetime) -> None:
    """End all that is connected in the name of an account, and let nobody in by it any more."""
    await conn.execute(STOP, (sub, why, at))
    await conn.execute(END, (sub,))


async def resume(conn: AsyncConnection[Any], sub: str) -> None:
    """Let them in again: they log in anew."""
    await conn.execute(RESUME, (sub,))


async def listed(conn: AsyncConnection[Any], since: datetime) -> Sequence[Alarm]:
    """Those nobody has closed, then those closed since; indexes alarm_open, alarm_closed."""
    async with conn.cursor(row_factory=class_row(Alarm)) as cur:
        await cur.execute(LISTED, {"since": since, "most": MOST})
        return await cur.fetchall()


async def take(conn: AsyncConnection[Any], id: int, by: str, at: datetime) -> None:
    """Somebody looks at it; NoAlarm when another does."""
    if not (await conn.execute(TAKE, {"id": id, "by": by, "at": at})).rowcount:
        raise NoAlarm


async def close(
    conn: AsyncConnection[Any], id: int, by: str, at: datetime, word: str, *, reopen: bool = False
) -> None:
    """It was looked at, and what it was; reopen: the account that was stopped opens again."""
    if not word.strip():
        raise NoWord
    cursor = await conn.execute(CLOSE, {"id": id, "by": by, "at": at, "word": word.strip()[:500]})
    row = await cursor.fetchone()
    if row is None:
        raise NoAlarm
    if reopen and row[0]:
        await resume(conn, row[0])
