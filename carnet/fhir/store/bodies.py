# SPDX-License-Identifier: EUPL-1.2
"""How a resource's bytes rest: zstd with a numbered dictionary, then AES-256-GCM.

The identity and version are the associated data: a body put in another row, or an old one in its own
row, does not open.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import cache
from importlib.resources import files

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from carnet import errors

LATEST = 1  # dictionary of new bodies; 0 is none; older ones stay readable
LEVEL = 3
LONGEST = 64 * 1024 * 1024  # bytes a body may unfold to


class Damaged(errors.CarnetError):
    """A stored body does not open: the row or its key was altered."""

    issue = "exception"
    status = 500


@cache
def _dictionary(number: int) -> zstandard.ZstdCompressionDict | None:
    if number == 0:
        return None
    source = files(__package__).joinpath("dictionaries", f"{number}.zdict")
    return zstandard.ZstdCompressionDict(source.read_bytes())


@cache
def _compressor(number: int) -> zstandard.ZstdCompressor:
    dictionary = _dictionary(number)
    if dictionary is None:
        return zstandard.ZstdCompressor(level=LEVEL)
    dictionary.precompute_compress(level=LEVEL)
    return zstandard.ZstdCompressor(
        level=LEVEL, dict_data=dictionary, write_dict_id=False, write_checksum=False
    )


@cache
def _decompressor(number: int) -> zstandard.ZstdDecompressor:
    dictionary = _dictionary(number)
    if dictionary is None:
        return zstandard.ZstdDecompressor()
    return zstandard.ZstdDecompressor(dict_data=dictionary)


def _place(cid: int, rid: int, ver: int) -> bytes:
    return struct.pack(">qqi", cid, rid, ver)


def seal(
    key: AESGCM,
    cid: int,
    rid: int,
    ver: int,
    plain: bytes,
    random: Callable[[int], bytes] = os.urandom,
) -> tuple[int, bytes]:
    """(dictionary number, sealed bytes): 12 bytes of nonce, then text and tag."""
    nonce = random(12)
    packed = _compressor(LATEST).compress(plain)
    return LATEST, nonce + key.encrypt(nonce, packed, _place(cid, rid, ver))


def unseal(key: AESGCM, cid: int, rid: int, ver: int, number: int, sealed: bytes) -> bytes:
    """The resource's JSON bytes, as they were written."""
    try:
        packed = key.decrypt(sealed[:12], sealed[12:], _place(cid, rid, ver))
        return _decompressor(number).decompress(packed, max_output_size=LONGEST)
    except (InvalidTag, zstandard.ZstdError, ValueError):  # the last: cut short
        raise Damaged from None
