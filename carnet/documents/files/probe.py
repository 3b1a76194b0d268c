# SPDX-License-Identifier: EUPL-1.2
"""A job that tries what a hostile file would make its parser do; run in the cell by `carnet check`."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from carnet.documents.files import cell


def escapes(data: bytes) -> tuple[list[str], bytes]:
    """The names of what could be done; none, in a cell that holds."""
    return [name for name, attempt in ATTEMPTS.items() if _done(attempt)], b""


def _done(attempt: Callable[[], Any]) -> bool:
    try:
        attempt()
    except (OSError, MemoryError):
        return False
    return True


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)


ATTEMPTS: dict[str, Callable[[], Any]] = {
    "read a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "write a file": lambda: os.open("/tmp/escaped", os.O_WRONLY | os.O_CREAT),  # noqa: S108
    "open a socket": socket.socket,
    "start a process": _fork,
    "become a program": lambda: _become(),
    "signal a process": lambda: os.kill(os.getppid(), signal.SIGCONT),
    "take more memory": lambda: bytearray(2 * cell.MEMORY),
    "run what it wrote": lambda: mmap.mmap(
        -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ),
    "trace a process": lambda: _traced(),
}


def _become() -> None:
    try:
        os.execv("/nothing-here", ["nothing"])  # noqa: S606
    except FileNotFoundError:
        return  # looked for: one that is there would have been run


def _traced() -> None:
    if ctypes.CDLL(None, use_errno=True).ptrace(0, 0, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
