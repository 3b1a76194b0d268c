# SPDX-License-Identifier: EUPL-1.2
"""The file of roots (`roots.ndjson` in the data folder): every head, one a line, only added to.

To be copied elsewhere: a log is believed as far as somebody else holds its roots.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import orjson

from carnet.access.log.heads import Head, WrongHead

NAME = "roots.ndjson"
TAIL = 4096  # bytes that hold the last line


def append(path: Path, found: Iterable[Head]) -> None:
    """Add the heads past the last one of the file, durably."""
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _mend(file)
        before = last(path)
        size = before.size if before else 0
        lines = [orjson.dumps(head.line()) + b"\n" for head in found if head.size > size]
        if lines:
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())


def _mend(file: IO[bytes]) -> None:
    """Drop a last line cut by a crash: its head is added again."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - TAIL))
    tail = file.read()
    if tail and not tail.endswith(b"\n"):
        file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)


def last(path: Path) -> Head | None:
    """The last head of a file; None when there is none."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - TAIL))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        try:
            return Head.of(orjson.loads(line))
        except (orjson.JSONDecodeError, WrongHead):
            continue  # cut by a crash in the middle of a line
    return None


def read(path: Path) -> list[Head]:
    """Every head of a file; a last line cut by a crash is passed over, any other is WrongHead."""
    lines = path.read_bytes().split(b"\n")
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(Head.of(orjson.loads(line)))
        except (orjson.JSONDecodeError, WrongHead):
            if number == len(lines):
                break
            raise WrongHead(f"Line {number} of the roots is not a head.") from None
    return found


class NoRoots(WrongHead):
    """There is no file of roots there."""
