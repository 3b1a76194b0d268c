# SPDX-License-Identifier: EUPL-1.2
"""Public indicators say what the audit says, by closed month, and never a small number."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from carnet.ecosystem import indicators
from carnet.postgres.pool import open_pool
from carnet.postgres.server import Server

NOW = datetime(2027, 3, 9, 12, tzinfo=UTC)
LINE = """
    INSERT INTO access.audit (at, request, sub, client, purpose, act, granted, rule, matrix, cid, cids)
    VALUES (%s, 'r', %s, 'c', 'TREAT', %s, %s, 'x', 'm', %s, %s)
"""
SUBJECT = "INSERT INTO access.subject (sub, kind, name) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
DOCTOR, PATIENT = "rpps:90000000001", "patient:90000001"


def at(day: int, month: int = 2, hour: int = 12) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)


@pytest.fixture
def lines(db: Server) -> list[tuple[Any, ...]]:
    """What was done in February 2027: (at, sub, act, granted, cid, cids)."""
    done: list[tuple[Any, ...]] = [(at(1), DOCTOR, "read", True, cid, None) for cid in range(1, 13)]
    done += [(at(2), DOCTOR, "read", True, 1, None)] * 5  # the same person is one
    done += [(at(3), DOCTOR, "read", False, cid, None) for cid in range(50, 70)]  # refused
    done += [(at(3), PATIENT, "read", True, cid, None) for cid in range(70, 80)]  # ten: too few
    done += [(at(4), DOCTOR, "search", True, None, [3, 4, 12, 13])]
    done += [
        (datetime(2027, 2, 28, 23, 30, tzinfo=UTC), DOCTOR, "read", True, 90, None)
    ]  # March here
    done += [(at(1, 3), DOCTOR, "read", True, cid, None) for cid in range(1, 40)]  # not closed
    with psycopg.connect(db.url("carnet_admin")) as conn:
        conn.execute(SUBJECT, (DOCTOR, "professional", "x"))
        conn.execute(SUBJECT, (PATIENT, "patient", "x"))
        with conn.cursor() as cur:
            cur.executemany(LINE, done)
    return done


def recounted(lines: list[tuple[Any, ...]], month: date, key: str) -> int:
    """The same from the lines, in plain Python."""
    _, known = indicators.indicators()
    wanted = next(each for each in known if each.key == key)
    kinds = {DOCTOR: "professional", PATIENT: "patient"}
    people: set[int] = set()
    for when, sub, act, granted, cid, cids in lines:
        counted = granted and act in wanted.acts and kinds[sub] in wanted.by
        if counted and indicators.month_of(when) == month:
            people |= {each for each in (cid, *(cids or ())) if each}
    return len(people)


def test_each_is_recounted_from_the_audit_and_small_ones_are_not_told(
    db: Server, lines: list[tuple[Any, ...]]
) -> None:
    found = asyncio.run(counted(db))
    february = date(2027, 2, 1)
    assert recounted(lines, february, "read-by-carers") == 13
    assert found["read-by-carers"][february] == 13
    assert recounted(lines, february, "read-by-themselves") == 10
    assert found["read-by-themselves"][february] is None
    assert found["emergency"][february] is None
    assert date(2027, 3, 1) not in found["read-by-carers"]


async def counted(db: Server) -> dict[str, dict[date, int | None]]:
    """Count twice as the worker, then read as those who serve pages."""
    worker = await open_pool(db.url("carnet_worker"), min_size=1, max_size=1, name="t")
    app = await open_pool(db.url("carnet_app"), min_size=1, max_size=1, name="t")
    try:
        async with worker.connection() as conn:
            assert await indicators.count(conn, NOW) >= 1
            assert await indicators.count(conn, NOW) == 0
        async with app.connection() as conn:
            found = {each.key: dict(each.months) for each in await indicators.told(conn, NOW)}
        async with app.connection() as conn:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await conn.execute("SELECT people FROM ecosystem.indicator")
    finally:
        await worker.close()
        await app.close()
    return found
