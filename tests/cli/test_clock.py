# SPDX-License-Identifier: EUPL-1.2
"""carnet clock: the clock of a demonstration is moved, and all that is due then is done at once."""

from __future__ import annotations

import asyncio

import pytest
from typer.testing import CliRunner

from carnet.cli import app
from tests.documents.lots import document_of, fresh, lot, mask, metadata
from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_moving_the_clock_tells_and_shows_what_waited_for_its_announcement(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARNET_DATABASE_URL", space.admin_url)
    monkeypatch.setenv("CARNET_DATA", str(space.built.settings.data))
    monkeypatch.setenv("CARNET_INSTANCE", "test")
    labels = [*metadata(b"x")["securityLabel"], mask("INVISIBLE_PATIENT")]
    sent = await space.post("", lot(fresh().xml, securityLabel=labels), as_="lab-software")
    document = document_of(sent)
    assert (await space.get(document, as_="patient")).status == 404
    said = await asyncio.to_thread(CliRunner().invoke, app, ["clock", "+1000w"])
    assert said.exit_code == 0, said.output
    assert "1 awaiting an announcement invited, 1 shown after a month" in said.output
    assert (await space.get(document, as_="patient")).status == 200
