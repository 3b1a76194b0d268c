# SPDX-License-Identifier: EUPL-1.2
"""A file only its person opens: one encrypted entry of a ZIP, which 7-Zip and most archive programs read.

Who hands it over cannot read it, names of documents included: they are inside. It takes its name once it
is whole.
Source: WinZip, AE-2 (AES-256, HMAC-SHA1-80, PBKDF2 of 1,000 rounds: the code must be long); PKWARE,
APPNOTE 4.5.3.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import AsyncIterator
from hashlib import pbkdf2_hmac, sha1
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from carnet import errors

SHORTEST = 12  # characters of a code
ROUNDS, SALT, KEY, TAG, BLOCK = 1000, 16, 32, 10, 16
AES = struct.pack("<HHH2sBH", 0x9901, 7, 2, b"AE", 3, 0)  # version 2, 256 bits, stored as it is
NEEDS, METHOD, FLAGS = 51, 99, 1 | 1 << 11  # encrypted, its name in UTF-8
DATED = 0x21 << 16  # the first of January 1980: it says nothing
UNKNOWN = 0xFFFFFFFF  # a size said in the extra field


class WrongCode(errors.Invalid):
    """A code has twelve characters at least."""


class Exists(errors.Conflict):
    """There is a file of this name already."""


class _Sealing:
    """AES in counter mode, counted as AE-2 does (little-endian, from 1), and the tag of what it made."""

    def __init__(self, code: str, salt: bytes) -> None:
        made = pbkdf2_hmac("sha1", code.encode(), salt, ROUNDS, 2 * KEY + 2)
        self.check = made[2 * KEY :]
        self._cipher = Cipher(algorithms.AES(made[:KEY]), modes.ECB()).encryptor()  # noqa: S305 (of counters)
        self.tag = hmac.new(made[KEY : 2 * KEY], digestmod=sha1)
        self._next, self._left = 1, b""

    def seal(self, data: bytes) -> bytes:
        """The next bytes."""
        blocks = -(-(len(data) - len(self._left)) // BLOCK)
        counters = b"".join(
            number.to_bytes(BLOCK, "little") for number in range(self._next, self._next + blocks)
        )
        self._next += max(blocks, 0)
        stream = self._left + self._cipher.update(counters)
        self._left = stream[len(data) :]
        found = int.from_bytes(data, "big") ^ int.from_bytes(stream[: len(data)], "big")
        sealed = found.to_bytes(len(data), "big")
        self.tag.update(sealed)
        return sealed


async def write(path: Path, name: str, chunks: AsyncIterator[bytes], code: str, salt: bytes) -> int:
    """Write the chunks as the one entry of an archive; returns how many bytes there were.

    code: what opens it. salt: 16 random bytes.
    """
    if len(code) < SHORTEST:
        raise WrongCode
    part = _beside(path)
    sealing, raw, size = _Sealing(code, salt), name.encode(), 0
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_head(raw, 0) + salt + sealing.check)
            async for chunk in chunks:
                for start in range(0, len(chunk), 1 << 16):
                    file.write(sealing.seal(chunk[start : start + (1 << 16)]))
                size += len(chunk)
            file.write(sealing.tag.digest()[:TAG])
            start = file.tell()
            file.write(_directory(raw, size, start))
            file.seek(0)
            file.write(_head(raw, size))
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, path)
    except BaseException:
        os.unlink(part)
        raise
    return size


def _beside(path: Path) -> Path:
    """Where it is written until it is whole."""
    if path.exists():
        raise Exists
    return path.with_name(path.name + ".part")


def _sizes(size: int) -> tuple[int, int]:
    return size, size + SALT + 2 + TAG


def _head(raw: bytes, size: int) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, *_sizes(size)) + AES
    return struct.pack(
        "<4sHHHIIIIHH", b"PK\x03\x04", NEEDS, FLAGS, METHOD, DATED, 0, UNKNOWN, UNKNOWN, len(raw), len(extra)
    ) + raw + extra  # fmt: skip


def _directory(raw: bytes, size: int, start: int) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, *_sizes(size)) + AES
    entry = struct.pack(
        "<4sHHHHIIIIHHHHHII", b"PK\x01\x02", 3 << 8 | NEEDS, NEEDS, FLAGS, METHOD, DATED, 0, UNKNOWN,
        UNKNOWN, len(raw), len(extra), 0, 0, 0, 0o100600 << 16, 0,
    ) + raw + extra  # fmt: skip
    far = b""
    if start >= UNKNOWN:
        far = struct.pack(
            "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 3 << 8 | NEEDS, NEEDS, 0, 0, 1, 1, len(entry), start
        ) + struct.pack("<4sIQI", b"PK\x06\x07", 0, start + len(entry), 1)  # fmt: skip
    place = min(start, UNKNOWN)
    return entry + far + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), place, 0)
