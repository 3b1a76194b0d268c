# SPDX-License-Identifier: EUPL-1.2
"""The confined process: import one job, shut the cell, read one file, answer, end.

    python -I -c … carnet.documents.files.images:clean 536870912 10

On its input: the length and bytes of the arguments (JSON), then of the file. On its output: the same for
what is told (JSON) and for the bytes made. Nothing else is open.
"""

from __future__ import annotations

import codecs
import importlib
import json
import os
import struct
import sys

from carnet.documents.files import cell
from carnet.documents.files.refusal import Refusal

LENGTHS = struct.Struct(">II")
PIECE = 1 << 16
ENCODINGS = "utf-8 utf-16 utf-16-le utf-16-be utf-32 latin-1 ascii cp1252 cp437".split()


def main(job: str, memory: str, seconds: str) -> None:
    """Do one job on one file."""
    module, _, name = job.partition(":")
    work = getattr(importlib.import_module(module), name)
    for encoding in ENCODINGS:
        codecs.lookup(encoding)  # kept: nothing can be imported later
    layers = cell.shut(int(memory), int(seconds))
    made = b""
    try:
        head, size = LENGTHS.unpack(_read(LENGTHS.size))
        arguments = json.loads(_read(head))
        told, made = work(_read(size), **arguments)
        told = {"told": told, "layers": layers}
    except Refusal as refusal:
        told = {"refused": refusal.rule, "layers": layers}
    except MemoryError:
        told = {"refused": "too-complex", "layers": layers}
    except Exception as error:  # whatever a parser raises on what it cannot read
        told = {"refused": "unreadable", "error": type(error).__name__, "layers": layers}
    said = json.dumps(told).encode()
    _write(LENGTHS.pack(len(said), len(made)) + said)
    _write(made)
    os._exit(0)


def _read(size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = os.read(0, min(PIECE, size - len(pieces)))
        if not piece:
            os._exit(1)
        pieces += piece
    return bytes(pieces)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view[:PIECE]) :]


if __name__ == "__main__":
    main(*sys.argv[1:])
