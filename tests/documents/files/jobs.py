# SPDX-License-Identifier: EUPL-1.2
"""Jobs a hostile file would have its parser do, run in the cell by the tests."""

from __future__ import annotations

import ctypes
import os
from typing import Any


def echo(data: bytes, **said: Any) -> tuple[Any, bytes]:
    """What came."""
    return said, data


def forever(data: bytes) -> tuple[None, bytes]:
    """Never ends."""
    while True:
        pass


def asleep(data: bytes) -> tuple[None, bytes]:
    """Takes no time of the processor, and never ends."""
    while True:
        os.read(0, 1) or __import__("time").sleep(1)


def crash(data: bytes) -> tuple[None, bytes]:
    """Dies as a parser written in C does."""
    ctypes.string_at(0)
    return None, b""


def greedy(data: bytes) -> tuple[None, bytes]:
    """Takes a gigabyte."""
    return None, bytes(len(bytearray(1 << 30)) // (1 << 30))


def flood(data: bytes) -> tuple[None, bytes]:
    """Answers more than anybody reads."""
    piece = bytes(1 << 20)
    while True:
        os.write(1, piece)


def nonsense(data: bytes) -> tuple[None, bytes]:
    """Answers what is no answer."""
    os.write(1, b"\0\0\0\4\0\0\0\0[1]]")
    os._exit(0)


def environment(data: bytes) -> tuple[Any, bytes]:
    """What it was given besides its file."""
    return {name: value for name, value in os.environ.items() if name != "LC_CTYPE"}, b""


def descriptors(data: bytes) -> tuple[list[int], bytes]:
    """Files open in it, but for its two pipes and the way to nowhere."""
    found = []
    for number in range(3, 256):
        try:
            os.lseek(number, 0, os.SEEK_CUR)
        except OSError as error:
            if error.errno != 9:
                found.append(number)
        else:
            found.append(number)
    return found, b""
