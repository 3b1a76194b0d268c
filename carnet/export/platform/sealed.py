# SPDX-License-Identifier: EUPL-1.2
"""A file in the age format: encrypted to a public key as it goes, opened as it is read.

Chunks of 64 KB, each authenticated with its place and the last one marked: what was altered or cut does
not open. Source: age-encryption.org/v1.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pyrage

from carnet import errors


class WrongRecipient(errors.Invalid):
    """This is not a public key of age: age1… (age-keygen, or carnet export key)."""


class WrongIdentity(errors.Invalid):
    """This file has no private key of age: a line AGE-SECRET-KEY-1…"""


class WrongKey(errors.Invalid):
    """This private key does not open the archive: it was encrypted to another one."""


class Altered(errors.Invalid):
    """The archive was cut or altered. Nothing was written."""


def new_key() -> tuple[str, str]:
    """A private key and its public one."""
    made = pyrage.x25519.Identity.generate()
    return str(made), str(made.to_public())


def recipient(text: str) -> pyrage.x25519.Recipient:
    """A public key; WrongRecipient for anything else."""
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        raise WrongRecipient from None


def identity(path: Path) -> pyrage.x25519.Identity:
    """The private key of a file, as age-keygen writes it."""
    try:
        lines = path.read_text("ascii").split()
        found = next(each for each in lines if each.startswith("AGE-SECRET-KEY-1"))
        return pyrage.x25519.Identity.from_str(found)
    except (OSError, ValueError, StopIteration, pyrage.IdentityError):
        raise WrongIdentity from None


@contextmanager
def writing(out: BinaryIO, to: pyrage.x25519.Recipient) -> Iterator[BinaryIO]:
    """A file whose bytes go encrypted to `out`."""
    source, sink = os.pipe()
    with os.fdopen(source, "rb", 0) as plain:
        disk = _Disk(out)
        work = _Beside(lambda: pyrage.encrypt_io(plain, disk, [to]), plain, disk)
        with os.fdopen(sink, "wb") as file:
            work.start()
            try:
                yield file
            except BaseException:
                with suppress(BrokenPipeError):
                    file.close()
                work.end()  # what failed there comes first
                raise
        work.end()


@contextmanager
def reading(path: Path, by: pyrage.x25519.Identity) -> Iterator[BinaryIO]:
    """The plain bytes of a file. Altered or WrongKey, at the latest when all was read."""
    source, sink = os.pipe()
    out = os.fdopen(sink, "wb", 0)
    with path.open("rb") as sealed, os.fdopen(source, "rb", 1 << 16) as plain:
        work = _Beside(lambda: pyrage.decrypt_io(sealed, _Into(out), [by]), out)
        work.start()
        try:
            yield plain
            while plain.read(1 << 16):  # the last chunk says that it is the last
                pass
        except BaseException:
            plain.close()
            work.wait()
            if isinstance(work.failed, pyrage.DecryptError | OSError) and not work.left:
                work.end()
            raise
        work.end()


class _Into(io.RawIOBase):
    """A pipe that says how much it took."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """All of it."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        done = 0
        while done < len(view):
            done += self._file.write(view[done:])
        return done


class _Disk(io.RawIOBase):
    """A file that keeps what refused to be written: the library tells it in words of its own."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.refused: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """All of it, or the refusal."""
        try:
            return self._file.write(memoryview(data))  # type: ignore[arg-type]
        except OSError as error:
            self.refused = error
            raise

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            self.refused = error
            raise


class _Beside(threading.Thread):
    """The library's loop, beside who writes or reads the plain bytes."""

    def __init__(self, work: Callable[[], None], file: BinaryIO, disk: _Disk | None = None) -> None:
        super().__init__(daemon=True)
        self._work, self._file, self._disk = work, file, disk
        self.failed: BaseException | None = None
        self.left = False  # the other end was closed before the end

    def run(self) -> None:
        try:
            self._work()
        except BrokenPipeError:
            self.left = True
        except BaseException as error:  # told to who waits for the end
            self.failed = error
        finally:
            try:
                self._file.close()
            except OSError:
                self.left = True

    def wait(self) -> None:
        self.join()

    def end(self) -> None:
        """Wait for the end; what failed, in our words."""
        self.join()
        if self.failed is None:
            return
        if self._disk is not None and self._disk.refused is not None:
            raise self._disk.refused
        if isinstance(self.failed, pyrage.DecryptError):
            raise (WrongKey if "matching" in str(self.failed) else Altered) from None
        if isinstance(self.failed, OSError) and self.failed.errno is None:
            raise Altered from None
        raise self.failed
