# SPDX-License-Identifier: EUPL-1.2
"""Do a job on a file of others in a process that can do nothing else.

Each call has a fresh process, with an empty environment and two pipes, which shuts itself in (`cell.py`),
serves one file and ends. Two work at once, a few more wait, the others are told to come back.
What comes out of it is not trusted more than what went in: it is bounded, and served as inert bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carnet import errors
from carnet.documents.files import cell
from carnet.documents.files.child import LENGTHS
from carnet.documents.files.refused import Refused

ROOT = str(Path(__file__).resolve().parents[3])  # what holds the package `carnet`
START = "import sys; sys.path.insert(0, sys.argv.pop(1));"
START += " from carnet.documents.files import child; child.main(*sys.argv[1:])"
PATIENCE = 15.0  # seconds of the wall clock
MOST = 24 << 20  # bytes of an answer
TOLD = 4 << 20  # of it, bytes of JSON
PIECE = 1 << 16
AT_ONCE, WAITING = 2, 48

_places = threading.BoundedSemaphore(AT_ONCE)
_queue = threading.BoundedSemaphore(AT_ONCE + WAITING)


class Busy(errors.Transient):
    """Too many files are being looked at: try again in a moment."""


class Broken(Exception):
    """The confined process ended without an answer, or with one that is none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a job made."""

    told: Any
    data: bytes
    layers: tuple[str, ...]  # of the cell it was made in


def call(
    job: str,
    data: bytes,
    *,
    patience: float = PATIENCE,
    memory: int = cell.MEMORY,
    seconds: int = cell.SECONDS,
    **arguments: Any,
) -> Answer:
    """Run `module:function` on `data` in a process of its own; blocking, to be called in a thread.

    Raises Refused for what the job refuses, for a file that breaks it, and for one that takes too long.
    """
    if not _queue.acquire(blocking=False):
        raise Busy
    try:
        with _places:
            return _call(job, data, patience, memory, seconds, arguments)
    finally:
        _queue.release()


def _call(
    job: str, data: bytes, patience: float, memory: int, seconds: int, arguments: dict[str, Any]
) -> Answer:
    head = json.dumps(arguments).encode()
    sent = LENGTHS.pack(len(head), len(data)) + head + data
    command = [sys.executable, "-I", "-c", START, ROOT, job, str(memory), str(seconds)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        close_fds=True,
        start_new_session=True,
    )
    try:
        answer = _exchange(process, sent, time.monotonic() + patience)
    except TimeoutError:
        raise Refused("too-complex") from None
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    try:
        return _understood(answer)
    except Broken:
        # Killed by a limit of time: too long. Any other death is a file that broke its parser.
        raise Refused("too-complex" if process.returncode == -24 else "unreadable") from None


def _exchange(process: subprocess.Popen[bytes], sent: bytes, deadline: float) -> bytes:
    """Write all and read all at once, until the end, a limit of size or the deadline."""
    assert process.stdin is not None and process.stdout is not None
    left, found = memoryview(sent), bytearray()
    source, sink = process.stdout.fileno(), process.stdin.fileno()
    os.set_blocking(sink, False)
    with selectors.DefaultSelector() as ready:
        ready.register(source, selectors.EVENT_READ)
        ready.register(sink, selectors.EVENT_WRITE)
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            for key, _ in ready.select(remaining):
                if key.fd == sink:
                    try:
                        left = left[os.write(sink, left[:PIECE]) :]
                    except BrokenPipeError:
                        left = left[:0]
                    except BlockingIOError:
                        continue
                    if not left:
                        ready.unregister(sink)
                        continue
                if key.fd == source:
                    piece = os.read(source, PIECE)
                    found += piece
                    if not piece or len(found) > MOST:
                        return bytes(found)


def _understood(answer: bytes) -> Answer:
    """The answer, checked as what comes from outside is."""
    if len(answer) < LENGTHS.size or len(answer) > MOST:
        raise Broken
    said, made = LENGTHS.unpack_from(answer)
    if said > TOLD or len(answer) != LENGTHS.size + said + made:
        raise Broken
    try:
        told = json.loads(answer[LENGTHS.size : LENGTHS.size + said])
        layers = tuple(str(each) for each in told["layers"])
        if "refused" in told:
            raise Refused(str(told["refused"]))
        return Answer(told["told"], answer[LENGTHS.size + said :], layers)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Broken from None


# ------------------------------------------------------------------------------- what holds here


@dataclass(frozen=True, slots=True)
class Confinement:
    """The cell as it is on this machine."""

    layers: tuple[str, ...]
    escapes: tuple[str, ...]  # what a file could still do in it; nothing, when all is well


def confinement() -> Confinement:
    """Start a confined process that tries to get out, and tell what held it."""
    answer = call("carnet.documents.files.probe:escapes", b"")
    return Confinement(answer.layers, tuple(str(each) for each in answer.told))
