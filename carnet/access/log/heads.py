# SPDX-License-Identifier: EUPL-1.2
"""Signed heads: how long the log is, its root, when; by a key of the installation outside the database."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from carnet import errors

NAME = "audit.key"  # 32 bytes, mode 0600
BEFORE = "audit.before"  # public keys of the machines this log comes from, base64, a line each


class WrongHead(errors.Invalid):
    """This is not a head as the installation hands them out."""


@dataclass(frozen=True, slots=True)
class Head:
    """The log at one moment.

    size: leaves. at: what was written before is in it. upto: no row of a number up to this one is still
    to come. key: Ed25519, public, raw.
    """

    size: int
    root: bytes
    at: datetime
    upto: int
    key: bytes
    signature: bytes = b""

    def text(self) -> bytes:
        """What is signed."""
        lines = (
            "carnet audit 1",
            str(self.size),
            self.root.hex(),
            instant(self.at),
            str(self.upto),
        )
        return "\n".join((*lines, "")).encode()

    def holds(self) -> bool:
        """Whether its own key signed it."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(self.signature, self.text())
        except (InvalidSignature, ValueError):
            return False
        return True

    def line(self) -> dict[str, Any]:
        """As it is handed out."""
        return {
            "size": self.size,
            "root": self.root.hex(),
            "time": instant(self.at),
            "upto": self.upto,
            "key": base64.b64encode(self.key).decode(),
            "signature": base64.b64encode(self.signature).decode(),
        }

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Head:
        """A head as it was handed out; WrongHead for anything else."""
        try:
            return cls(
                int(line["size"]),
                bytes.fromhex(line["root"]),
                datetime.fromisoformat(line["time"]),
                int(line["upto"]),
                base64.b64decode(line["key"], validate=True),
                base64.b64decode(line["signature"], validate=True),
            )
        except (KeyError, TypeError, ValueError):
            raise WrongHead from None


def instant(at: datetime) -> str:
    """RFC 3339, UTC, microseconds."""
    at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


class Signer:
    """Signs heads."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, size: int, root: bytes, at: datetime, upto: int) -> Head:
        """A head; its time is told to the microsecond."""
        bare = Head(size, root, at, upto, self.public)
        return Head(size, root, at, upto, self.public, self._key.sign(bare.text()))

    def sign_text(self, text: bytes) -> bytes:
        """A signature of something else, which says itself what it is."""
        return self._key.sign(text)


def signed_by(key: bytes, text: bytes, signature: bytes) -> bool:
    """Whether a key signed a text."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def load_or_make(folder: Path) -> Signer:
    """The signing key of the installation, made once."""
    path = folder / NAME
    with contextlib.suppress(FileNotFoundError):
        return Signer(path.read_bytes())
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Ed25519PrivateKey.generate().private_bytes_raw())
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):  # the first of two processes wins
        os.link(temporary, path)
    temporary.unlink()
    return Signer(path.read_bytes())


def public_key(folder: Path) -> bytes | None:
    """The installation's public key; None where it has none."""
    with contextlib.suppress(FileNotFoundError):
        return Signer((folder / NAME).read_bytes()).public
    return None


def known_keys(folder: Path) -> list[bytes]:
    """The installation's public key, and those of the machines its log comes from."""
    own, found = public_key(folder), list[bytes]()
    with contextlib.suppress(FileNotFoundError):
        lines = (folder / BEFORE).read_text("ascii").split()
        found = [base64.b64decode(line, validate=True) for line in lines]
    return ([own] if own else []) + found


def keep_keys(folder: Path, keys: list[bytes]) -> None:
    """Keep public keys of the machines a log comes from."""
    text = "".join(base64.b64encode(key).decode() + "\n" for key in keys)
    temporary = (folder / BEFORE).with_suffix(".new")
    temporary.write_text(text, "ascii")
    temporary.rename(folder / BEFORE)
