# SPDX-License-Identifier: EUPL-1.2
"""The relay: everything committed is told, in order, once unless something fails."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
import pytest

from carnet import events
from carnet.events import Event, Relay
from carnet.postgres.pool import JOB, Pool
from tests.postgres_fixture import Database

pytestmark = pytest.mark.anyio

WRITE = (
    "INSERT INTO record.outbox (at, name, cid, rids, rtypes, vers)"
    " VALUES (now(), 'written', %s, '{7,8}', '{1,2}', '{1,3}')"
)


class Heard:
    """A listener that remembers, and fails when told to."""

    def __init__(self, fails_on: int | None = None) -> None:
        self.cids: list[int] = []
        self.events: list[Event] = []
        self.fails_on = fails_on

    async def __call__(self, event: Event) -> None:
        self.cids.append(event.cid)
        self.events.append(event)
        if event.cid == self.fails_on:
            raise RuntimeError("a listener's fault")


@pytest.fixture
async def jobs(db: Database) -> AsyncIterator[Pool]:
    async with db.pool("carnet_worker", limits=JOB) as pool:
        yield pool


def written(db: Database, *cids: int) -> None:
    """A committed write of each compartment."""
    with db.connect() as conn:
        for cid in cids:
            conn.execute(WRITE, (cid,))


def left(db: Database) -> int:
    """Events still in the outbox."""
    with db.connect() as conn:
        row = conn.execute("SELECT count(*) FROM record.outbox").fetchone()
        assert row is not None
        return int(row[0])


async def told(relay: Relay, count: int) -> int:
    """How many events it tells, waiting for the transactions of others in this PostgreSQL to end."""
    found = 0
    async with asyncio.timeout(30):
        while (found := found + await relay.once()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


async def test_what_is_committed_is_told_in_order_and_forgotten(db: Database, jobs: Pool) -> None:
    heard = Heard()
    written(db, 3, 1, 2)
    relay = Relay(jobs, [heard])
    assert await told(relay, 3) == 3
    assert await relay.once() == 0
    assert heard.cids == [3, 1, 2]
    assert (heard.events[0].rids, heard.events[0].types) == ((7, 8), (1, 2))
    assert heard.events[0].versions == (1, 3)
    assert left(db) == 0


async def test_an_open_write_holds_back_those_committed_after_it(db: Database, jobs: Pool) -> None:
    """Otherwise what commits late would be told after what came after it, or skipped."""
    heard = Heard()
    relay = Relay(jobs, [heard])
    with psycopg.connect(db.url()) as slow:
        slow.execute(WRITE, (1,))
        written(db, 2)
        assert await relay.once() == 0
    assert await told(relay, 2) == 2
    assert heard.cids == [1, 2]


async def test_a_write_that_is_undone_is_never_told(db: Database, jobs: Pool) -> None:
    heard = Heard()
    with psycopg.connect(db.url()) as conn:
        conn.execute(WRITE, (1,))
        conn.rollback()
    written(db, 2)
    assert await told(Relay(jobs, [heard]), 1) == 1
    assert heard.cids == [2]


async def test_a_listener_that_fails_loses_nothing(db: Database, jobs: Pool) -> None:
    heard = Heard(fails_on=2)
    written(db, 1, 2, 3)
    relay = Relay(jobs, [heard])
    with pytest.raises(RuntimeError):
        await told(relay, 1)
    assert left(db) == 3
    heard.fails_on = None
    assert await told(relay, 3) == 3
    assert heard.cids == [1, 2, 1, 2, 3]


async def test_the_relay_outlives_a_listener_that_fails(
    db: Database, jobs: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "IDLE", 0.01)
    heard = Heard(fails_on=1)
    written(db, 1)
    running = asyncio.create_task(Relay(jobs, [heard]).run())
    try:
        async with asyncio.timeout(10):
            while len(heard.cids) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            heard.fails_on = None
            while await asyncio.to_thread(left, db):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_two_relays_never_tell_together(db: Database, jobs: Pool) -> None:
    first, second = Heard(), Heard()
    busy, go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> None:
        busy.set()
        await go_on.wait()
        await first(event)

    written(db, 1)
    one = asyncio.create_task(told(Relay(jobs, [slow]), 1))
    async with asyncio.timeout(30):
        await busy.wait()
    assert await Relay(jobs, [second]).once() == 0
    go_on.set()
    assert await one == 1
    assert (first.cids, second.cids) == ([1], [])


async def test_the_notification_comes_after_the_commit(db: Database, jobs: Pool) -> None:
    async with await psycopg.AsyncConnection.connect(db.url(), autocommit=True) as conn:
        await conn.execute("LISTEN carnet_written")
        written(db, 1, 2)
        await told(Relay(jobs), 2)
        payloads = [notice.payload async for notice in conn.notifies(timeout=5, stop_after=1)]
    assert payloads == ["2"]
