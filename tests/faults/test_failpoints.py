# SPDX-License-Identifier: EUPL-1.2
"""Every act of rights, crashed at every point: what was there before, or all of it, never between."""

import contextlib
from datetime import timedelta

import pytest

from carnet.access.door import Door
from carnet.notices.deliver import Folder, deliver
from carnet.rights import close, erase
from carnet.rights.clock import due
from tests import people
from tests.faults.acts import ACTS, emergency_opened
from tests.faults.failpoints import Act, Crash, crashed_at_each, crashing, held
from tests.rights.jobs import worker
from tests.space import Space

__all__ = ["worker"]

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
async def test_a_crash_leaves_nothing_half_done(space: Space, worker: Door, act: Act) -> None:
    points = await crashed_at_each(space, worker, act)
    assert len(points) > 3
    assert {"commit", "committed"} <= set(points)


async def test_an_act_of_two_transactions_is_found(space: Space, worker: Door) -> None:
    """The harness itself, on a fault: a state changed in one transaction, the rest in another."""

    async def torn(space: Space, worker: Door) -> None:
        door, cid = space.built.door, space.where.people[people.PATIENT.key]
        visit = await space.visit("patient")
        async with door.pool.connection() as conn:
            async with conn.transaction():
                await visit.rights_of(conn, [cid])
                await conn.execute("UPDATE access.record SET motive = 'x' WHERE cid = %s", (cid,))
            await visit.refused("torn", "torn", [cid])

    with pytest.raises(AssertionError):
        await crashed_at_each(space, worker, Act("torn", torn, "torn"))


async def test_an_erasure_crashed_anywhere_is_finished_by_the_next_run(
    space: Space, worker: Door
) -> None:
    cid = space.where.people[people.PATIENT.key]
    await erase.ask(await space.visit("patient"))
    space.clock.advance(timedelta(days=31))
    before, crashed = await held(space), 0
    for number in range(1, 100):
        with crashing(number) as seen:
            try:
                await erase.erase(worker, [cid], "request")
            except Crash:
                crashed += 1
        if seen.committed or not seen.crashed:
            break
        assert await held(space) == before
        stones = erase.stones_of(worker.settings).read()
        assert [stone.cid for stone in stones] in ([], [cid]), "one line, whatever happens"
    assert crashed > 5
    assert await space.rows("SELECT state FROM access.record WHERE cid = %s", cid) == [("deleted",)]
    assert await space.rows("SELECT count(*) FROM record.resource WHERE cid = %s", cid) == [(0,)]
    assert (await due(worker)).erased == 0
    assert await erase.replay(worker) == 0


async def test_no_e_mail_is_lost_or_doubled_whenever_the_worker_is_crashed(
    space: Space, worker: Door
) -> None:
    await emergency_opened(space, worker)
    await close.close(await space.visit("patient"))
    folder = Folder(worker.settings.mail)
    for number in range(1, 100):
        with crashing(number) as seen, contextlib.suppress(Crash):
            await deliver(worker, folder)
        if not seen.crashed:
            break
    found = {number for (number,) in await space.rows("SELECT id FROM notices.outgoing")}
    assert found == set(folder.numbers())
    assert len(found) == 3
    assert await space.rows("SELECT count(*) FROM notices.outgoing WHERE sent IS NULL") == [(0,)]
