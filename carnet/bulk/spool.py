# SPDX-License-Identifier: EUPL-1.2
"""Lines that wait to be imported: a file without a name, under a key that is nowhere but in memory.

Whatever ends the process ends it: nothing is left to be read or swept.
"""

from __future__ import annotations

import asyncio
import os
import struct
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PIECE = 1 << 18  # bytes sealed at once


class Spool:
    """Bytes written once, and read again from the beginning any number of times."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by __exit__)
        self._seal = AESGCM(os.urandom(32))
        self._waiting = bytearray()
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fileno(self) -> int:
        """Of the file."""
        return self._file.fileno()

    def write(self, piece: bytes) -> None:
        """Add some bytes."""
        self._waiting += piece
        while len(self._waiting) >= PIECE:
            self._flush(PIECE)

    async def read(self) -> AsyncIterator[bytes]:
        """All of it, by pieces."""
        if self._waiting:
            await asyncio.to_thread(self._flush, len(self._waiting))
        place = 0
        for number in range(self._count):
            piece, place = await asyncio.to_thread(self._piece, number, place)
            yield piece

    def _flush(self, size: int) -> None:
        sealed = self._seal.encrypt(self._nonce(self._count), bytes(self._waiting[:size]), None)
        del self._waiting[:size]
        self._file.seek(0, os.SEEK_END)
        self._file.write(struct.pack(">I", len(sealed)) + sealed)
        self._count += 1

    def _piece(self, number: int, place: int) -> tuple[bytes, int]:
        self._file.seek(place)
        (size,) = struct.unpack(">I", self._file.read(4))
        return self._seal.decrypt(
            self._nonce(number), self._file.read(size), None
        ), place + 4 + size

    def _nonce(self, number: int) -> bytes:
        return struct.pack(">4xQ", number)
