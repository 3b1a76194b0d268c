# SPDX-License-Identifier: EUPL-1.2
"""The keys of a private instance, under a passphrase that is written nowhere.

A key made of the passphrase (scrypt) seals (AES-256-GCM) all the files of the folder of keys: without it the
attachments and the resources of the database are noise. While the instance runs the keys are in a folder of
memory where the system has one, to which data/keys leads; nothing of them is left on the disk.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from carnet import errors
from carnet.config import memory_folder

NAME: Final = "owner.lock"
RUNNING: Final = "owner.running"  # locked while a program has the folder open
COST: Final = 2**17  # 128 MB and a third of a second for one try
SHORTEST: Final = 8  # characters of a passphrase
LONGEST: Final = 1024


class WrongPassphrase(errors.Forbidden):
    """The passphrase is not the one of this folder."""


class TooShort(errors.Invalid):
    """A passphrase has eight characters at least."""


class InUse(errors.Conflict):
    """This folder is open in another `carnet open`: use its pages, or stop it first."""


class Broken(errors.Invalid):
    """The lock of this folder cannot be read: restore owner.lock from its copy."""


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """The key a passphrase makes; never logged (no repr)."""

    salt: bytes
    value: bytes


def exists(data: Path) -> bool:
    """Whether a folder has a lock."""
    return (data / NAME).exists()


def key_of(passphrase: str, salt: bytes, cost: int = COST) -> Key:
    """The key of a passphrase and a salt."""
    if len(passphrase) > LONGEST:
        raise WrongPassphrase
    made = Scrypt(salt=salt, length=32, n=cost, r=8, p=1)
    return Key(salt, made.derive(passphrase.encode()))


def matches(data: Path, passphrase: str) -> bool:
    """Whether a passphrase opens the lock."""
    try:
        unseal(data, passphrase)
    except WrongPassphrase:
        return False
    return True


def unseal(data: Path, passphrase: str) -> tuple[Key, dict[str, bytes]]:
    """The key, and the files that were sealed under it."""
    try:
        said = json.loads((data / NAME).read_bytes())
        salt, nonce, sealed = (base64.b64decode(said[each]) for each in ("salt", "nonce", "sealed"))
        cost = int(said["scrypt"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Broken from None
    if not 2**10 <= cost <= 2**20:
        raise Broken
    key = key_of(passphrase, salt, cost)
    try:
        plain = AESGCM(key.value).decrypt(nonce, sealed, salt)
    except InvalidTag:
        raise WrongPassphrase from None
    held: dict[str, Any] = json.loads(plain)
    return key, {name: base64.b64decode(value) for name, value in held.items()}


def seal(data: Path, key: Key, folder: Path, cost: int = COST) -> None:
    """Write the files of a folder under a key, in the place of what was there."""
    held = {
        each.name: base64.b64encode(each.read_bytes()).decode()
        for each in sorted(folder.iterdir())
        if each.is_file()
    }
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(key.value).encrypt(nonce, json.dumps(held).encode(), key.salt)
    said = {
        "form": 1,
        "scrypt": cost,
        "salt": base64.b64encode(key.salt).decode(),
        "nonce": base64.b64encode(nonce).decode(),
        "sealed": base64.b64encode(sealed).decode(),
    }
    temporary = data / f"{NAME}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(said, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(data / NAME)


@dataclass(frozen=True, slots=True)
class Unlocked:
    """The keys at hand."""

    data: Path
    folder: Path
    key: Key
    cost: int

    def keep(self) -> None:
        """Seal what is in the folder now."""
        seal(self.data, self.key, self.folder, self.cost)


@contextlib.contextmanager
def alone(data: Path, patience: float = 0.0) -> Iterator[None]:
    """One program at a time has a folder open: a second one would take the keys from under the first.

    patience: seconds left to what a killed program began, which ends by itself.
    """
    number = os.open(data / RUNNING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + patience
    try:
        while not _taken(number):
            if time.monotonic() >= until:
                raise InUse
            time.sleep(0.1)
        yield
    finally:
        os.close(number)


def _taken(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def unlocked(data: Path, passphrase: str, cost: int = COST) -> Iterator[Unlocked]:
    """The folder of keys, at hand while it runs; a new lock is made when there is none."""
    with alone(data), _unlocked(data, passphrase, cost) as held:
        yield held


@contextlib.contextmanager
def _unlocked(data: Path, passphrase: str, cost: int) -> Iterator[Unlocked]:
    held: dict[str, bytes] = {}
    if exists(data):
        key, held = unseal(data, passphrase)
        cost = int(json.loads((data / NAME).read_bytes())["scrypt"])
    else:
        if len(passphrase) < SHORTEST:
            raise TooShort
        key = key_of(passphrase, secrets.token_bytes(16), cost)
    folder = Path(tempfile.mkdtemp(prefix="carnet-", dir=memory_folder()))  # mode 0700
    link = data / "keys"
    try:
        for name, content in held.items():
            path = folder / Path(name).name
            path.write_bytes(content)
            path.chmod(0o600)
        if link.is_symlink():  # of a run that was killed
            shutil.rmtree(link.resolve(), ignore_errors=True)
            link.unlink()
        link.symlink_to(folder, target_is_directory=True)
        opened = Unlocked(data, folder, key, cost)
        try:
            yield opened
        finally:
            opened.keep()
    finally:
        link.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def put_away(data: Path, folder: Path) -> None:
    """Remove the keys of a run that was killed; those of one that began since are another's."""
    link = data / "keys"
    if link.is_symlink() and link.resolve() == folder:
        link.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def wipe(data: Path) -> None:
    """Erase a folder: its lock first, without which the rest says nothing."""
    path = data / NAME
    with contextlib.suppress(OSError):
        path.write_bytes(secrets.token_bytes(max(path.stat().st_size, 4096)))
    path.unlink(missing_ok=True)
    link = data / "keys"
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
        link.unlink()
    shutil.rmtree(data)
