# SPDX-License-Identifier: EUPL-1.2
"""A private instance that is killed: nothing of it stays open, and it begins again with its keys."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from carnet.app.opening import lock
from tests.durability.installation import alive, answers, descendants, free_port

pytestmark = [pytest.mark.db, pytest.mark.slow]

ROOT: Final = Path(__file__).parents[3]
REPORT: Final = ROOT / "docs" / "tutorial" / "report.xml"
WORDS: Final = "trois petits mots à moi"
KEYS: Final = {"audit.key", "installation.json", "operator.key", "portal.key", "signing.json"}


@contextmanager
def opened(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`carnet open`, its pages answering."""
    (data.parent / "words").write_text(WORDS)
    env = {name: value for name, value in os.environ.items() if not name.startswith("CARNET_")}
    log = (data.parent / "log").open("ab")
    given = [
        REPORT,
        "--data",
        data,
        "--port",
        str(port),
        "--passphrase-file",
        data.parent / "words",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "carnet", "open", *map(str, given)], stdout=log, stderr=log, env=env
    )
    try:
        wait(lambda: answers(f"http://127.0.0.1:{port}/health") or process.poll() is not None)
        assert process.poll() is None, (data.parent / "log").read_text()
        yield process
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def wait(until: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    assert callable(until)
    while not until():
        assert time.monotonic() < end, "it was waited for in vain"
        time.sleep(0.1)


def test_a_killed_run_leaves_no_page_no_key_and_begins_again_with_the_same_ones(
    tmp_path: Path,
) -> None:
    data, port = tmp_path / "space", free_port()
    with opened(data, port) as process:
        keys = (data / "keys").resolve()
        before = {each.name: each.read_bytes() for each in keys.iterdir()}
        served = descendants(process.pid)
        assert len(served) >= 2 and set(before) >= KEYS
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait(lambda: not keys.exists() and not any(alive(each) for each in served))
    assert not answers(f"http://127.0.0.1:{port}/health")
    assert not (data / "keys").is_symlink()
    _, held = lock.unseal(data, WORDS)
    assert {name: held[name] for name in KEYS} == {name: before[name] for name in KEYS}
    with opened(data, port):
        found = urllib.request.urlopen(f"http://127.0.0.1:{port}/ouvrir/", timeout=20)
        assert found.status == 200


def test_a_run_that_begins_while_another_serves_is_told_so(tmp_path: Path) -> None:
    data, port = tmp_path / "space", free_port()
    with opened(data, port):
        for words in (["--wipe"], [str(REPORT), "--port", str(free_port())]):
            done = subprocess.run(
                [sys.executable, "-m", "carnet", "open", *words, "--data", str(data)],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
            assert done.returncode == 3 and "another `carnet open`" in done.stderr
        assert answers(f"http://127.0.0.1:{port}/health")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/fhir/Patient", timeout=20)
