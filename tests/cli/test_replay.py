# SPDX-License-Identifier: EUPL-1.2
"""carnet audit replay: who could read then, as an officer of data protection is shown it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner, Result

from carnet.cli import app
from carnet.rights import block
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARNET_DATABASE_URL", space.admin_url)
    monkeypatch.setenv("CARNET_DATA", str(space.built.settings.data))


async def call(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["audit", "replay", *words])


async def test_who_could_read_then_and_no_content(space: Space, settings: None) -> None:
    """The nurse, blocked since: then she could, by her team's consent; now she cannot."""
    patient, nurse = space.patient_id(), await space.actor("nurse")
    document = (await space.get("DocumentReference?_count=1", as_="patient")).entries[0]
    assert (await space.get(f"DocumentReference/{document['id']}", as_="nurse")).status == 200
    before = space.clock.now
    space.clock.advance(timedelta(hours=1))
    await block.block(await space.visit("patient"), int(people.NURSE.rpps))
    after = space.clock.now + timedelta(minutes=1)
    said = await call(patient, "--at", before.isoformat(), "--by", "operator:dpo")
    assert said.exit_code == 0, said.output
    record, *found = map(json.loads, said.stdout.splitlines())
    assert record["open"] and record["resources"] > 100
    then = {each["sub"]: each for each in found}
    assert then[nurse.sub]["rule"] == "care-team"
    assert then[nurse.sub]["reasons"][0]["kind"] == "consent"
    assert then[nurse.sub]["could_read"] and then[nurse.sub]["matrix"]
    for content in (document["content"][0]["attachment"]["title"], document["id"], people.GP.name):
        assert content not in said.stdout
    said = await call(patient, "--at", after.isoformat(), "--of", nurse.sub)
    assert len(said.stdout.splitlines()) == 1, "the record alone"
    # It was asked, and the person sees that it was.
    events = await space.rows(
        "SELECT sub, purpose FROM access.audit WHERE act = 'replay' ORDER BY seq"
    )
    assert events[0] == ("operator:dpo", "HSYSADMIN")
    # The line of her reading says the same.
    ((seq,),) = await space.rows(
        "SELECT seq FROM access.audit WHERE sub = %s AND act = 'read' ORDER BY seq DESC LIMIT 1",
        nurse.sub,
    )
    said = await call("--line", str(seq))
    assert json.loads(said.stdout.splitlines()[-1])["replay_agrees"], said.stdout
    # Planted: a line that claims a rule she was not let in by.
    await space.rows("UPDATE access.audit SET rule = 'treating-doctor' WHERE seq = %s", seq)
    assert (await call("--line", str(seq))).exit_code == 3


async def test_what_cannot_be_replayed_is_said(space: Space, settings: None) -> None:
    patient = space.patient_id()
    for words in ((patient, "--at", "yesterday"), ("nobody", "--at", "2026-11-22"),
                  (patient, "--at", "1999-01-01"), ("--line", "999999999")):  # fmt: skip
        assert (await call(*words)).exit_code == 1
