# SPDX-License-Identifier: EUPL-1.2
"""`carnet demo` with its thousand people, from the command to the first page, twice."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._told import tell
from carnet.postgres.cluster import Cluster
from tests.durability.installation import HOST, answers, free_port


def run() -> None:
    """In a new folder, then again in the same."""
    folder = Path(tempfile.mkdtemp(prefix="carnet-bench-"))
    folder.chmod(0o755)
    try:
        first = started(folder / "data")
        second = started(folder / "data")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tell("`carnet demo` to its first page, a new folder", f"{first:.1f} s")
    tell("`carnet demo` to its first page, the second time", f"{second:.1f} s")


def started(data: Path) -> float:
    """Seconds until the home page answers; the demonstration is stopped afterwards."""
    port = free_port()
    begin = time.perf_counter()
    with (data.parent / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "carnet", "demo", "--data", str(data), "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while not answers(f"http://{HOST}:{port}/"):
            if process.poll() is not None or time.perf_counter() - begin > 120:
                raise RuntimeError((data.parent / "log").read_text()[-2000:])
            time.sleep(0.02)
        return time.perf_counter() - begin
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        cluster = Cluster(data)
        deadline = time.monotonic() + 30
        while cluster.running() and time.monotonic() < deadline:
            time.sleep(0.05)
