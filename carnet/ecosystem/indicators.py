# SPDX-License-Identifier: EUPL-1.2
"""Public indicators: how many people each act concerned, by closed month, counted from the audit.

A closed month is counted once and never again with other people: two looks at it betray nobody. A number
under eleven is not told, by the view the pages read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from carnet.words import Words, table, words

HERE = ZoneInfo("Europe/Paris")
MONTHS = 12  # shown

# Every record an act names, of those it concerned; a merged record counts as it was named then.
COUNT: LiteralString = """
    INSERT INTO ecosystem.indicator (month, key, version, people)
    SELECT %(month)s, %(key)s, %(version)s, count(DISTINCT person)
      FROM (SELECT unnest(CASE WHEN a.cid IS NULL THEN coalesce(a.cids, '{}')
                               ELSE a.cid || coalesce(a.cids, '{}') END) AS person
              FROM access.audit a JOIN access.subject s USING (sub)
             WHERE a.granted AND a.act = ANY (%(acts)s) AND s.kind = ANY (%(by)s)
               AND a.at >= %(begin)s AND a.at < %(end)s) AS named
     WHERE person <> 0
    ON CONFLICT (month, key) DO NOTHING
"""
FIRST: LiteralString = "SELECT min(at) FROM access.audit"
COUNTED: LiteralString = "SELECT month, key FROM ecosystem.indicator"
TOLD: LiteralString = """
    SELECT month, key, people FROM ecosystem.told WHERE month > %s ORDER BY month DESC
"""


@dataclass(frozen=True, slots=True)
class Indicator:
    """acts: of the audit. by: kinds of account."""

    key: str
    says: Words
    acts: tuple[str, ...]
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """months: the first day of each, the last one first, and how many people; None under eleven."""

    key: str
    says: Words
    months: tuple[tuple[date, int | None], ...]


@cache
def indicators() -> tuple[str, tuple[Indicator, ...]]:
    """Version of the table, and its lines."""
    given = table(__package__, "indicators.toml")
    return str(given["version"]), tuple(
        Indicator(each["key"], words(each["says"]), tuple(each["acts"]), tuple(each["by"]))
        for each in given["indicator"]
    )


def month_of(at: datetime) -> date:
    """The first day of its month, in France."""
    return at.astimezone(HERE).date().replace(day=1)


def after(month: date) -> date:
    """The month that follows."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def begins(month: date) -> datetime:
    """Its first instant, in France."""
    return datetime(month.year, month.month, 1, tzinfo=HERE)


async def count(conn: AsyncConnection[Any], now: datetime) -> int:
    """Count each closed month that was not; returns how many months."""
    first = await (await conn.execute(FIRST)).fetchone()
    if first is None or first[0] is None:
        return 0
    known = set(await (await conn.execute(COUNTED)).fetchall())
    version, lines = indicators()
    month, done = month_of(first[0]), 0
    while after(month) <= month_of(now):
        missing = [line for line in lines if (month, line.key) not in known]
        if missing:
            async with conn.transaction():
                for line in missing:
                    await conn.execute(COUNT, _values(line, month, version))
            done += 1
        month = after(month)
    return done


def _values(line: Indicator, month: date, version: str) -> dict[str, Any]:
    return {
        "month": month,
        "key": line.key,
        "version": version,
        "acts": list(line.acts),
        "by": list(line.by),
        "begin": begins(month),
        "end": begins(after(month)),
    }


async def told(conn: AsyncConnection[Any], now: datetime) -> Sequence[Shown]:
    """Every indicator with its last closed months, as anybody may read them."""
    since = month_of(now)
    since = since.replace(year=since.year - 1)
    found = await (await conn.execute(TOLD, (since,))).fetchall()
    _, lines = indicators()
    return [
        Shown(
            line.key,
            line.says,
            tuple((month, people) for month, key, people in found if key == line.key)[:MONTHS],
        )
        for line in lines
    ]
