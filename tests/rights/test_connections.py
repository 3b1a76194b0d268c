# SPDX-License-Identifier: EUPL-1.2
"""Ending one's own connections; tests/agreement/test_revocation.py does it on a running server."""

import io
import zipfile

import pytest

from carnet import errors
from carnet.app import export
from carnet.rights import connections
from carnet.rights.readers import openings
from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_the_revision_rises_for_oneself_alone_and_the_log_says_so(space: Space) -> None:
    before = dict(await space.rows("SELECT sub, rev FROM access.subject"))
    visit = await space.visit("patient")
    rev = await connections.end(visit)
    after = dict(await space.rows("SELECT sub, rev FROM access.subject"))
    mine = visit.actor.sub
    assert rev == after[mine] == before.pop(mine) + 1
    assert {sub: after[sub] for sub in before} == before
    lines = await openings(await space.visit("patient"), "")
    assert [line.what for line in lines if line.own][:1] == ["Fermeture de vos connexions"]
    await connections.end(await space.visit("gp"))
    ((cid, granted),) = await space.rows(
        "SELECT cid, granted FROM access.audit WHERE act = 'end-connections' AND cid IS NULL"
    )
    assert (cid, granted) == (None, True)


async def test_a_copy_that_is_being_made_ends_with_the_connection(space: Space) -> None:
    visit, sent = await space.visit("patient"), b""
    with pytest.raises(errors.NotFound):
        async for chunk in export.taken(visit, ""):
            if not sent:
                await connections.end(await space.visit("patient"))
            sent += chunk
    assert sent
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(sent))
