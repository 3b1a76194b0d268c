# SPDX-License-Identifier: EUPL-1.2
"""A reader run on files, each in a process of its own with little memory and time.

    python -m tests.hostile.child READER FOLDER      one line of JSON for each file of the folder

A reader that hangs or swells is ended by the system: the line then says the signal. Limits are a net
under the reader's own, wide enough for a busy machine; growth is what the reader held at most, beyond
the file itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.fuzz import readers

MEMORY = 2 * 1024**3  # bytes of address space
TIME = 30  # seconds of processor
PATIENCE = 240  # seconds for a folder: a reader may also wait for ever without working


@dataclass(frozen=True, slots=True)
class Ended:
    """How the reading of one file ended."""

    name: str
    how: str  # "read", "refused", "broke", or "signal N"
    said: str  # of the refusal or the fault
    growth: int  # kilobytes
    shown: str  # what was read, as text


def over(reader: str, folder: Path) -> list[Ended]:
    """Every file of the folder, by name."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.child", reader, str(folder)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [Ended(**json.loads(line)) for line in done.stdout.splitlines()]


def main(reader: str, folder: Path) -> None:
    """One fork for each file."""
    read = readers.READERS[reader]
    with contextlib.suppress(*readers.REFUSAL):
        read(b"")  # what it loads once is not counted to a file
    for path in sorted(folder.iterdir()):
        out, into = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.close(out)
            said = one(read, path)
            with os.fdopen(into, "w") as told:
                json.dump(said, told)
            os._exit(0)
        os.close(into)
        with os.fdopen(out) as told:
            text = told.read()
        _, status = os.waitpid(pid, 0)
        ended = {"name": path.name, "said": "", "growth": 0, "shown": ""}
        if os.WIFSIGNALED(status):
            ended["how"] = f"signal {signal.Signals(os.WTERMSIG(status)).name}"
        else:
            ended |= json.loads(text)
        print(json.dumps(ended))


def one(read: readers.Reader, path: Path) -> dict[str, object]:
    """In the fork."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (TIME, TIME))
    content = path.read_bytes()
    before = peak(reset=True)
    said = shown = ""
    try:
        held = read(content)
        how, shown = "read", repr(held)[:100_000]
    except readers.REFUSAL as refusal:
        how, said = "refused", f"{type(refusal).__name__}: {refusal}"
    except BaseException as fault:
        how, said = "broke", repr(fault)[:500]
    return {"how": how, "said": said, "growth": peak() - before, "shown": shown}


def peak(*, reset: bool = False) -> int:
    """The most memory this process has held, in kilobytes; since the last reset, where Linux lets it."""
    status = Path("/proc/self/status")
    if not status.exists():  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
