# SPDX-License-Identifier: EUPL-1.2
"""carnet audit, as it is typed: what it says, and its exit status."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from carnet import config
from carnet.access import door
from carnet.cli import app
from carnet.fhir.store.ids import Ids
from carnet.postgres.pool import JOB
from tests.access.log.installed import Log
from tests.postgres_fixture import Database

ROWS = 40


class Installed:
    """A log in a database and a data folder, and the command line on both."""

    def __init__(self, db: Database, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.db, self.data = db, data
        monkeypatch.setenv("CARNET_DATABASE_URL", db.url())
        monkeypatch.setenv("CARNET_DATA", str(data))
        self.now = datetime.now(UTC) - timedelta(seconds=ROWS + 5)
        self.log: Log | None = None

    def seal(self, count: int) -> None:
        """Write rows and seal them."""

        async def work() -> None:
            async with self.db.pool("carnet_worker", limits=JOB) as pool:
                self.log = Log(self.db.url(), pool, self.data, now=self.now)
                self.log.write(count)
                await self.log.sealing.once()
                self.now = self.log.now

        asyncio.run(work())

    def call(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["audit", *words])

    def sql(self, query: str) -> None:
        with self.db.connect() as conn:
            conn.execute(query.encode())


@pytest.fixture
def installed(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    found = Installed(db, tmp_path, monkeypatch)
    found.seal(ROWS // 2)
    found.seal(ROWS // 2)
    return found


def test_a_whole_log_is_said_to_be(installed: Installed) -> None:
    said = installed.call("verify")
    assert said.exit_code == 0, said.output
    assert f"{ROWS} lines, {ROWS} sealed, 2 heads, 2 roots" in said.output
    assert "Nothing differs." in said.output


def test_what_was_rewritten_is_named_and_the_status_says_so(installed: Installed) -> None:
    installed.sql("UPDATE access.audit SET sub = 'rpps:1' WHERE seq = 7")
    said = installed.call("verify")
    assert (said.exit_code, "row edited: row 7, leaf 6" in said.output) == (3, True)


def test_an_older_state_is_seen_by_the_roots_somebody_kept(
    installed: Installed, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.ndjson"
    kept.write_text(installed.call("roots", "--all").stdout)
    (tmp_path / "roots.ndjson").unlink()
    half = ROWS // 2
    installed.sql(f"DELETE FROM access.log_head WHERE size > {half}")
    installed.sql(f"DELETE FROM access.log_leaf WHERE pos >= {half}")
    installed.sql(f"DELETE FROM access.audit WHERE seq > {half}")
    alone = installed.call("verify")
    assert alone.exit_code == 0 and "No root handed out was given" in alone.output
    said = installed.call("verify", "--roots", str(kept))
    assert (said.exit_code, "rolled back" in said.output) == (3, True)
    assert installed.call("verify", "--roots", str(tmp_path / "none")).exit_code == 1


def test_an_export_is_verified_elsewhere(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the database, the keys or the folder: with the file, the roots and the public key."""
    file, kept = tmp_path / "audit.ndjson", tmp_path / "roots.ndjson"
    assert installed.call("export", str(file)).exit_code == 0
    key = json.loads(kept.read_text().splitlines()[0])["key"]
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("CARNET_DATA", str(elsewhere))
    monkeypatch.setenv("CARNET_DATABASE_URL", "postgresql://nowhere.invalid/")
    given = ["verify", str(file), "--roots", str(kept), "--key", key]
    assert installed.call(*given).exit_code == 0
    assert installed.call(*given[:-1], "A" * 43 + "=").exit_code == 3
    assert installed.call(*given[:-1], "short").exit_code == 1
    file.write_bytes(file.read_bytes().replace(b'"granted":true', b'"granted":false', 1))
    assert installed.call(*given).exit_code == 3
    assert installed.call("verify", str(tmp_path / "none")).exit_code == 1


def test_a_tail_left_unsealed_has_its_own_status(installed: Installed) -> None:
    assert installed.log is not None
    installed.log.now -= timedelta(hours=1)
    installed.log.write(1)
    said = installed.call("verify")
    assert (said.exit_code, "unsealed beyond the delay" in said.output) == (4, True)


def test_a_line_is_proved_and_another_is_not(installed: Installed, tmp_path: Path) -> None:
    said = installed.call("prove", "7")
    assert said.exit_code == 0, said.output
    proof: dict[str, Any] = json.loads(said.stdout)
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof))
    assert installed.call("verify", "--proof", str(file)).exit_code == 0
    for change in ({"row": {**proof["row"], "sub": "rpps:1"}}, {"leaf": 8}, {"commitment": "00"},
                   {"named": {**proof["named"], "cid": 12}}, {"path": proof["path"][1:]},
                   {"head": {**proof["head"], "size": 41}}):  # fmt: skip
        file.write_text(json.dumps(proof | change))
        assert installed.call("verify", "--proof", str(file)).exit_code == 1
    for absent in ("0", "99", "nothing"):
        said = installed.call("prove", absent)
        assert (said.exit_code, "There is no such line" in said.output) == (1, True), absent


def test_a_watched_record_raises_an_alert_to_review(installed: Installed, db: Database) -> None:
    keyring = door.load_or_make(config.Settings(data=installed.data).keys)
    ids = Ids(keyring.ids, door.now, lambda _: 1)
    installed.sql("INSERT INTO access.record (cid, state, since) VALUES (77, 'open', now())")
    assert installed.call("canary", ids.encode(77, 77), "--by", "operator:x").exit_code == 0
    for absent in (ids.encode(78, 78), "nobody"):
        said = installed.call("canary", absent, "--by", "operator:x")
        assert (said.exit_code, "no record of this id" in said.output) == (1, True), absent
    installed.sql(
        "INSERT INTO access.audit (at, request, sub, client, purpose, act, granted, rule, matrix, cid)"
        " VALUES (now(), 'r', 'rpps:9', 'c', 'TREAT', 'read', true, 'r', 'm', 77)"
    )
    installed.seal(1)
    (alert,) = map(json.loads, installed.call("alerts").stdout.splitlines())
    assert (alert["reason"], alert["sub"]) == ("canary", "rpps:9")
    assert installed.call("alerts", "--review", str(alert["line"])).stdout == ""
    again = installed.call("alerts", "--review", str(alert["line"]))
    assert (again.exit_code, "No alert of this line" in again.output) == (1, True)
