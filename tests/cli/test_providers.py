# SPDX-License-Identifier: EUPL-1.2
"""A wrong file of providers stops a command with a sentence, before anything is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "demo", "check"])
def test_a_wrong_file_of_providers_is_said_and_nothing_is_served(
    tmp_path: Path, command: str
) -> None:
    file = tmp_path / "providers.toml"
    file.write_text('[hopital]\nname.fr = "CHU"\n')
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CARNET_")}
    settings = {"CARNET_PROVIDERS": str(file), "CARNET_INSTANCE": "test"}
    done = subprocess.run(
        [sys.executable, "-m", "carnet", command, "--data", str(tmp_path / "data")],
        env=clean | settings, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "section [hopital]: issuer is missing" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "postgres").exists(), "no server was started for it"
