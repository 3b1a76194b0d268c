# SPDX-License-Identifier: EUPL-1.2
"""Attachments in files: sealed, named by the SHA-256 of what lies in them.

A file is written and synced before the commit that names it; one that no row names is an orphan, which
the sweeper removes. Blocking work: called in a thread.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from carnet.fhir.store.bodies import Damaged
from carnet.fhir.store.rows import Attachment


class Attachments:
    """A folder of sealed files, two levels deep."""

    def __init__(self, folder: Path, random: Callable[[int], bytes] = os.urandom) -> None:
        self._folder = folder
        self._random = random

    def write(self, key: AESGCM, cid: int, rid: int, plain: bytes) -> Attachment:
        """Seal, write, sync; the address is the digest of the sealed bytes."""
        nonce = self._random(12)
        sealed = nonce + key.encrypt(nonce, plain, struct.pack(">qq", cid, rid))
        address = sha256(sealed).digest()
        path = self._path(address)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{os.getpid()}.{self._random(4).hex()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        _sync(path.parent)
        return Attachment(address, sha256(plain).digest(), len(plain))

    def read(self, key: AESGCM, cid: int, rid: int, found: Attachment) -> bytes:
        """The plain bytes; Damaged when the file is missing or altered."""
        try:
            sealed = self._path(found.address).read_bytes()
            if sha256(sealed).digest() != found.address:
                raise Damaged
            return key.decrypt(sealed[:12], sealed[12:], struct.pack(">qq", cid, rid))
        except (OSError, InvalidTag):
            raise Damaged from None

    def older_than(self, seconds: float) -> Iterable[bytes]:
        """Addresses of the files at rest for that long, for the sweeper."""
        limit = time.time() - seconds
        for path in self._folder.glob("??/??/*"):
            try:
                old = path.stat().st_mtime < limit
            except FileNotFoundError:
                continue
            if not old:
                continue
            if path.suffix:
                path.unlink(missing_ok=True)  # a write that never ended
            else:
                yield bytes.fromhex(path.name)

    def remove(self, address: bytes) -> None:
        """Forget one file."""
        self._path(address).unlink(missing_ok=True)

    def _path(self, address: bytes) -> Path:
        name = address.hex()
        return self._folder / name[:2] / name[2:4] / name


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
