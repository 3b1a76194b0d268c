# SPDX-License-Identifier: EUPL-1.2
"""carnet alerts, beside a folder without a database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from carnet.access.limits.table import load
from carnet.cli import app


@pytest.mark.parametrize("instance", ["production", "demonstration"])
def test_the_rates_of_an_installation_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: str
) -> None:
    monkeypatch.setenv("CARNET_INSTANCE", instance)
    done = CliRunner().invoke(app, ["alerts", "rates", "--data", str(tmp_path)])
    assert done.exit_code == 0, done.output
    said = {each["name"]: each["most"] for each in map(json.loads, done.output.splitlines())}
    expected = load(demonstration=instance == "demonstration")
    assert said == {name: rate.most for name, rate in expected.items()}
