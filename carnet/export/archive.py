# SPDX-License-Identifier: EUPL-1.2
"""A ZIP written as it goes, whose beginning is never a ZIP.

Each entry's size is written before its bytes (the readers that unpack by streaming need it), and the
directory comes last. A file that was kept inside, itself a ZIP, could end a cut archive with a directory
of its own: its mark is never left whole in what we write.
Source: PKWARE, APPNOTE 6.3.10 (4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from carnet.identity.traits import LOCAL

UTF8 = 1 << 11  # names are UTF-8
DEFLATED = 8
NEEDS, NEEDS_64 = 20, 45  # versions that unpack
LARGE = 0xFFFFFFFF
MARK = b"PK\x05\x06"  # of an end of directory
MODE = 0o100600 << 16  # a file its owner alone reads


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive."""

    name: str
    size: int
    packed: int
    crc: int
    at: int  # where it begins
    digest: str  # SHA-256 of its bytes


@dataclass
class Archive:
    """What was written so far; each method returns the bytes to send."""

    now: datetime
    entries: list[Entry] = field(default_factory=list)
    length: int = 0

    def add(self, name: str, data: bytes) -> bytes:
        """One file; names are told apart by who gives them."""
        body = deflated(data)
        crc = zlib.crc32(data)
        raw = name.encode()
        self.entries.append(
            Entry(name, len(data), len(body), crc, self.length, sha256(data).hexdigest())
        )
        head = struct.pack(
            "<4sHHHIIIIHH", b"PK\x03\x04", NEEDS, UTF8, DEFLATED, self._dated(), crc,
            len(body), len(data), len(raw), 0,
        )  # fmt: skip
        self.length += len(head) + len(raw) + len(body)
        return head + raw + body

    def end(self) -> bytes:
        """The directory: with it the archive is whole."""
        found = bytearray()
        for entry in self.entries:
            raw, extra, place = entry.name.encode(), b"", entry.at
            if entry.at >= LARGE:
                extra, place = struct.pack("<HHQ", 1, 8, entry.at), LARGE
            found += struct.pack(
                "<4sHHHHIIIIHHHHHII", b"PK\x01\x02", 3 << 8 | NEEDS_64,
                NEEDS_64 if extra else NEEDS, UTF8, DEFLATED, self._dated(), entry.crc,
                entry.packed, entry.size, len(raw), len(extra), 0, 0, 0, MODE, place,
            ) + raw + extra  # fmt: skip
        count, size, start = len(self.entries), len(found), self.length
        if count >= 0xFFFF or start >= LARGE or size >= LARGE:
            found += struct.pack(
                "<4sQHHIIQQQQ",
                b"PK\x06\x06",
                44,
                NEEDS_64,
                NEEDS_64,
                0,
                0,
                count,
                count,
                size,
                start,
            ) + struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
        found += struct.pack(
            "<4sHHHHIIH", MARK, 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), min(size, LARGE),
            min(start, LARGE), 0,
        )  # fmt: skip
        self.length += len(found)
        return bytes(found)

    def _dated(self) -> int:
        """Date and time as MS-DOS wrote them, where the archive is made."""
        now = self.now.astimezone(LOCAL)
        time = now.hour << 11 | now.minute << 5 | now.second // 2
        return ((now.year - 1980) << 9 | now.month << 5 | now.day) << 16 | time


def deflated(data: bytes) -> bytes:
    """Compressed; the mark of an end of directory is cut in two, lest a cut archive end with it."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    found, start = [], 0
    while (place := data.find(MARK, start)) >= 0:
        found += [packer.compress(data[start : place + 2]), packer.flush(zlib.Z_FULL_FLUSH)]
        start = place + 2
    return b"".join((*found, packer.compress(data[start:]), packer.flush()))
