# SPDX-License-Identifier: EUPL-1.2
"""Who read a document that another replaces is told, when they would see both: by the outbox, once."""

import asyncio

import pytest

from carnet.documents import corrected
from carnet.events import Event, Relay
from tests import people
from tests.documents.lots import corrected as next_version
from tests.documents.lots import document_of, fresh, lot
from tests.fhir.search.own.samples import worker_of
from tests.space import Space

pytestmark = pytest.mark.anyio

TOLD = "SELECT reader FROM notices.outgoing WHERE template = 'document-replaced' ORDER BY reader"


async def relayed(space: Space) -> None:
    """What the worker does with the outbox."""
    async with worker_of(space) as made:

        async def listener(event: Event) -> None:
            await corrected.tell(made, event)
            await corrected.tell(made, event)  # told again after a crash

        relay, waits = Relay(made.pool, [listener]), 600
        while await space.rows("SELECT seq FROM record.outbox"):
            # A transaction that runs elsewhere on the server, in another test's database, holds events back.
            if not await relay.once():
                waits -= 1
                assert waits, "events wait for a transaction that does not end"
                await asyncio.sleep(0.05)


async def test_who_read_the_older_version_is_told_once_and_masks_are_obeyed(space: Space) -> None:
    gp = f"rpps:{int(people.GP.rpps)}"
    for minutes, masked in ((0, False), (9, True)):
        old = fresh(minutes=minutes)
        first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
        for reader in ("gp", "hospital-doctor", "patient"):
            assert (await space.get(first, as_=reader)).status == 200
        assert (await space.get(first, as_="outsider")).status == 404
        await relayed(space)
        before = await space.rows(TOLD)
        if masked:
            assert (await space.post(f"{first}/$hide", {}, as_="patient")).status == 204
        answer = await space.post("", lot(next_version(old)), as_="lab-software")
        assert answer.status == 200
        await relayed(space)
        told = [each for (each,) in await space.rows(TOLD)]
        new = sorted(told)
        for each in before:
            new.remove(each[0])
        if masked:  # the médecin traitant still sees what the patient masked
            assert new == [gp]
        else:
            assert len(new) == 2
            assert gp in new
    texts = await space.rows(
        "SELECT codes::text FROM notices.outgoing WHERE template = 'document-replaced'"
    )
    assert {each for (each,) in texts} == {"{}"}
