# SPDX-License-Identifier: EUPL-1.2
"""carnet terminology, as it is typed: what it loads, what it refuses, its exit status."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from carnet.cli import app
from tests.fhir.terminology.herbs import SYSTEM, concept
from tests.postgres_fixture import Database


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["terminology", *words])


@pytest.mark.slow
def test_a_folder_goes_in_once_and_what_is_refused_is_named(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HL7's own definitions first; a refused file keeps none of the others out, and is told by exit 1."""
    monkeypatch.setenv("CARNET_DATABASE_URL", db.url())
    monkeypatch.setenv("CARNET_DATA", str(tmp_path / "data"))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "herbes.json").write_text(json.dumps(SYSTEM), "utf-8")
    (folder / "tableau.csv").write_text("code;label\n1;Un\n", "utf-8")
    first = call("load", str(folder), "--origin", "Jardin des plantes")
    assert first.exit_code == 1, first.output
    assert "herbes.json: FHIR, 1 code systems, 0 value sets, 8 concepts" in first.stdout
    assert "tableau.csv: REFUSED" in first.stdout
    assert "2 files, 1 refused" in first.stdout
    (folder / "tableau.csv").unlink()
    again = call("load", str(folder))
    assert again.exit_code == 0, again.output
    assert "herbes.json: there already" in again.stdout
    other = SYSTEM | {"concept": [concept("thym", "Farigoule")]}
    (folder / "herbes.json").write_text(json.dumps(other), "utf-8")
    assert "REFUSED" in call("load", str(folder)).stdout
    assert call("load", str(folder), "--replace").exit_code == 0
    shown = call("show").stdout
    assert "HL7 FHIR R4: r4.msgpack.zst" in shown
    assert "herbes.json" in shown and "(Jardin des plantes)" in shown
    with db.connect() as conn:
        row = conn.execute("SELECT count(*) FROM terminology.value_set").fetchone()
        assert row is not None and row[0] > 1_000
