# SPDX-License-Identifier: EUPL-1.2
"""Commands as processes of their own, on a database of the test's.

Each begins as a copy of a process that has imported the commands and done nothing else: a whole `carnet`
without its two seconds of imports.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from carnet.config import Instance

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["carnet.cli", "tests.export.commands"])


@dataclass
class Ended:
    """What a command said, in one line of words, and its exit status."""

    status: int | None
    said: str


@dataclass
class Commands:
    """An installation as who types commands has it."""

    url: str
    data: Path
    _count: int = 0
    _logs: list[Path] = field(default_factory=list)

    def begin(self, *words: object, largest: int = 0) -> BaseProcess:
        """A command that runs. largest: bytes of a file, where the disk is full."""
        log = self.data.with_name(f"{self.data.name}-{len(self._logs)}.log")
        self._logs.append(log)
        given = {"CARNET_DATABASE_URL": self.url, "CARNET_DATA": str(self.data)}
        given["CARNET_INSTANCE"] = Instance.DEMONSTRATION
        process = _context.Process(
            target=_run, args=(list(map(str, words)), given, str(log), largest)
        )
        process.start()
        return process

    def end(self, process: BaseProcess) -> Ended:
        """What came of the last one that began."""
        process.join(240)
        said = self._logs[-1].read_text("utf-8")
        assert process.exitcode is not None, said
        return Ended(process.exitcode, " ".join(said.split()))

    def __call__(self, *words: object, largest: int = 0) -> Ended:
        """A command, to its end."""
        return self.end(self.begin(*words, largest=largest))


def _run(words: list[str], env: dict[str, str], log: str, largest: int) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name in [name for name in os.environ if name.startswith("CARNET_")]:
        del os.environ[name]
    os.environ |= env
    if largest:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    sys.argv = ["carnet", *words]
    from carnet.cli import main

    main()
