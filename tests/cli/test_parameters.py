# SPDX-License-Identifier: EUPL-1.2
"""carnet parameters, as it is typed: load, show, remove, their exit status."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from carnet.cli import app
from tests.fhir.search.own.samples import HERE, look, parameter, reindexed
from tests.rest.samples import LAB
from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_loaded_shown_and_removed(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARNET_DATABASE_URL", space.admin_url)
    monkeypatch.setenv("CARNET_DATA", str(space.built.settings.data))

    async def call(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["parameters", *words])

    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "called.json").write_text(
        json.dumps(parameter("called", "string", "Organization.name", "Organization")), "utf-8"
    )
    (folder / "wrong.json").write_text(
        json.dumps(parameter("wrong", "string", "Organization.nothing", "Organization")), "utf-8"
    )
    built_in = (await call("show")).stdout
    assert "called" not in built_in
    first = await call("load", str(folder))
    assert first.exit_code == 1 and "1 loaded, 1 refused" in first.stdout
    assert "called.json: called (string) on Organization; its words rest readable" in first.stdout
    assert "wrong.json: REFUSED, its expression" in first.stdout
    (folder / "wrong.json").unlink()
    again = await call("load", str(folder))
    assert again.exit_code == 0 and "0 loaded, 0 refused" in again.stdout
    shown = (await call("show")).stdout
    assert "called (string) on Organization: not complete" in shown and HERE + "called" in shown
    assert (await reindexed(space)).good
    assert "called (string) on Organization: searched since" in (await call("show")).stdout
    assert (await space.get("Organization?called=lab", as_=LAB)).status == 200
    assert (await call("remove", "nothing")).exit_code == 1
    assert f"removed: {HERE}called" in (await call("remove", "called")).stdout
    assert (await call("show")).stdout == built_in
    await look(space)
    assert (await space.get("Organization?called=lab", as_=LAB)).status == 400
    # Nothing of it stays in the rows once they are done again.
    rows = (
        "SELECT count(*) FROM record.idx_string WHERE param ="
        " (SELECT number FROM search.parameter WHERE code = 'called')"
    )
    ((before,),) = await space.rows(rows)
    report = await reindexed(space)
    ((after,),) = await space.rows(rows)
    assert before > 0 == after and report.good
