# SPDX-License-Identifier: EUPL-1.2
"""Every act of rights, crashed at every point: what was there before, or all of it, never between."""

import ast
import contextlib
import os
import random
import re
from datetime import timedelta
from pathlib import Path

import pytest

import carnet
from carnet.access.door import Door
from carnet.notices.deliver import Folder, deliver
from carnet.rights import close, erase
from carnet.rights.clock import due
from tests import people
from tests.agreement import seeds
from tests.faults.acts import ACTS, emergency_opened
from tests.faults.failpoints import Act, Crash, crashed_at_each, crashing, held
from tests.faults.writes import WRITES
from tests.rights.jobs import worker
from tests.space import Space

__all__ = ["worker"]

pytestmark = pytest.mark.anyio


EVERY = [*ACTS, *WRITES]
SLOTS = len(EVERY) if os.environ.get("CARNET_WHOLE") == "1" else 8


@pytest.mark.parametrize("slot", range(SLOTS))
async def test_a_crash_leaves_nothing_half_done(space: Space, worker: Door, slot: int) -> None:
    """Some of the acts here, all of them with CARNET_WHOLE=1."""
    act = EVERY[slot]
    if len(EVERY) > SLOTS:
        act = random.Random(seeds.chosen()).sample(EVERY, SLOTS)[slot]
    points = await crashed_at_each(space, worker, act)
    print(f"FIGURE {act.name}: crashed at {len(points)} points")
    assert len(points) > 3
    assert {"commit", "committed"} <= set(points)


# What opens a transaction of writing and is not among the acts above, with what crashes it or why none does.
ELSEWHERE = {
    "carnet.access.together:together": "of the acts that call it",
    "carnet.access.door.visit:within": "of what is done in it: it sends statements together",
    "carnet.rights.erase:_erased": "test_an_erasure_crashed_anywhere_is_finished_by_the_next_run",
    "carnet.notices.deliver:sweep_folder": "test_no_e_mail_is_lost_or_doubled",
    "carnet.notices.deliver:_next": "test_no_e_mail_is_lost_or_doubled",
    "carnet.notices.letters:tray": "reads",
    "carnet.notices.letters:letter": "reads",
    "carnet.notices.settings:chosen": "reads",
    "carnet.rights.life:of": "reads",
    "carnet.accounts.prove:give": "one transaction, and the code is shown after it alone",
    "carnet.accounts.envelope:address": "reads, and writes who looked",
    "carnet.accounts.address:_told": "of confirm and remove",
    "carnet.upstream.persons:person": "makes a subject once, and nothing else",
    "carnet.upstream.persons:told": "one transaction, after the link",
    "carnet.accounts.show:of_patient": "reads",
    "carnet.accounts.deliver:_next": "tests/accounts/test_mail.py: a crash sends the same again",
    "carnet.accounts.activate:use": "tests/portal/test_activation.py: used last, making the account",
    "carnet.documents.text.index:backlog": "reads",
    "carnet.app.filling:_there": "reads",
    "carnet.app.occupancy:day": "reads",
    "carnet.access.door.reindex:Reindex._trace": "test_reindex.py: killed at any moment, it goes on",
    "carnet.vigilance.merge:_rooted": "of merge and its undoing",
    "carnet.vigilance.merge:_told": "of merge and its undoing",
    "carnet.documents.hide:_remembered": "of masks and their change",
    "carnet.vigilance.given_back:give_masks_back": "of merge and its undoing",
    "carnet.cli.mail:_states": "reads",
    "carnet.messaging.deliver:_next": "tests/messaging/test_send.py: the same number is sent again",
    "carnet.messaging.deliver:_given_up": "of deliver:_next",
    "carnet.messaging.file:_next": "tests/messaging/test_receive.py: a crash files once",
    "carnet.messaging.inbox:attach": "publishes, then marks: the same document is there once",
    "carnet.messaging.inbox:inbox": "reads",
    "carnet.messaging.inbox:_own": "reads",
    "carnet.messaging.send:send": "one transaction",
    "carnet.messaging.spool:put": "one transaction, before the mail is answered",
    "carnet.messaging.submit:Receiver.handle_DATA": "reads",
    "carnet.messaging.threads:_own": "of threads and answer: one transaction each",
}


@pytest.mark.slow
def test_every_write_of_carnet_is_crashed() -> None:
    """A function that opens a transaction of writing is in one of the acts, or says where it is crashed."""
    crashed = {site for act in EVERY for site in act.sites}
    assert sorted(written() - crashed - set(ELSEWHERE)) == []
    assert sorted((crashed | set(ELSEWHERE)) - written()) == [], "these write nothing any more"


def written() -> set[str]:
    """module:function of what calls commit, together, rights_of or platform.enter."""
    folder, found = Path(carnet.__file__).parent, set()
    for path in sorted(folder.rglob("*.py")):
        name = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            inside = node.body if isinstance(node, ast.ClassDef) else [node]
            for each in inside:
                if isinstance(each, ast.AsyncFunctionDef) and _opens(each):
                    qualified = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
                    module = name.removesuffix(".__init__")
                    found.add(f"{module}:{qualified}{each.name}")
    return found


OPENING = re.compile(r"(?:^|\.)(?:commit|together|rights_of)$|^platform\.enter(?:_erasure)?$")


def _opens(function: ast.AsyncFunctionDef) -> bool:
    called = (ast.unparse(each.func) for each in ast.walk(function) if isinstance(each, ast.Call))
    return any(OPENING.search(name) and name != "conn.commit" for name in called)


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
