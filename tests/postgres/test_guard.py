# SPDX-License-Identifier: EUPL-1.2
"""What an operator answers for is looked at before anything is served."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from carnet.access.door import tombstones
from carnet.cli import common
from carnet.cli.check import named_matrix
from carnet.config import Instance, Settings
from carnet.postgres.check import Check, checks, refusals
from tests.space import Peopled, Space, _Url, clone, pattern, settings_of

pytestmark = pytest.mark.anyio


async def found(space: Space, settings: Settings) -> dict[str, Check]:
    async with await psycopg.AsyncConnection.connect(space.admin_url, autocommit=True) as conn:
        seen = [*await checks(conn, settings), named_matrix(settings)]
    return {check.name: check for check in seen}


async def test_a_production_serves_by_a_named_matrix_and_an_unmoved_clock(space: Space) -> None:
    real = replace(space.built.settings, instance=Instance.PRODUCTION)
    assert "access matrix" in {each.name for each in refusals((await found(space, real)).values())}
    named = replace(real, matrix="matrix.toml")
    seen = await found(space, named)
    assert seen["access matrix"].ok
    assert seen["moved clock"].ok
    await space.rows("INSERT INTO access.clock (shift) VALUES (%s)", timedelta(days=42))
    seen = await found(space, named)
    assert "moved clock" in {each.name for each in refusals(seen.values())}
    assert (await found(space, space.built.settings))["moved clock"].ok, "a demonstration's may"


async def test_a_line_that_waits_for_its_seal_is_an_alarm_not_a_refusal(space: Space) -> None:
    old = timedelta(minutes=10)
    await space.rows("UPDATE access.audit SET at = clock_timestamp()")
    assert (await found(space, space.built.settings))["seal age"].ok
    await space.rows("UPDATE access.audit SET at = clock_timestamp() - %s", old)
    seen = (await found(space, space.built.settings))["seal age"]
    assert (seen.ok, seen.required) == (False, False)


def test_a_restored_database_is_erased_again_before_any_command_serves_it(
    peopled: Peopled, tmp_path: Path
) -> None:
    import shutil

    cid = peopled.where.people["patient"]
    shutil.copytree(peopled.folder / "keys", tmp_path / "keys")
    stone = tombstones.after(None, cid, peopled.at, "request")
    tombstones.Tombstones(tmp_path / "tombstones.jsonl").append([stone])
    with clone(peopled.cluster, peopled.name) as name:
        server: Any = _Url(pattern(peopled.cluster, name))
        common.bring_up_to_date(settings_of(tmp_path), server)
        with psycopg.connect(peopled.cluster.url(database=name)) as conn:
            left = conn.execute("SELECT count(*) FROM record.resource WHERE cid = %s", (cid,))
            assert left.fetchone() == (0,)
            state = conn.execute("SELECT state FROM access.record WHERE cid = %s", (cid,))
            assert state.fetchone() == ("deleted",)
