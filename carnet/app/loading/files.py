# SPDX-License-Identifier: EUPL-1.2
"""Files of the caller: which there are, and their bytes, within limits."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carnet import errors
from carnet.exchange.parts import Told

if TYPE_CHECKING:
    from carnet.app.loading.containers import Budget

LARGEST: Final = 256 * 1024 * 1024  # bytes of one file, unpacked
MOST_FILES: Final = 1_000_000  # of one load
DEEPEST: Final = 64  # folders in folders

# What some files are, by how they begin; they are not loaded yet, or never by themselves.
STARTS: Final = (
    (b"%PDF", "This is a PDF by itself: it says neither whose it is nor what. Send it in a CDA."),
)
# Files that say nothing of themselves, by how they begin.
KINDS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
)
PLAIN: Final = (".txt", ".text", ".csv", ".log")
TAR_MARK: Final = (257, b"ustar")
PACKAGE: Final = (
    "This is a package of definitions: the operator of the installation loads it (`carnet load`)."
)
PAGES: Final = frozenset((".md", ".rst", ".css", ".xsl", ".xslt", ".xsd", ".license"))
PAGE: Final = "This file of the folder is about the others: by its name it is no health document."


class NotYet(errors.NotSupported):
    """This kind of file is not loaded yet."""


class Empty(errors.Invalid):
    """The file is empty."""


class TooBig(errors.TooLarge):
    """The file is larger than 256 MB once unpacked."""


class WrongGzip(errors.Invalid):
    """The file is named .gz and is not gzip, or it is cut short."""


class NotAFile(errors.Invalid):
    """This is not a file: a pipe, a socket or a device is not read."""


class Nowhere(errors.Invalid):
    """This link leads to no file."""


class TooManyFiles(errors.TooCostly):
    """There are more than a million files in these folders: load them in parts."""


@dataclass(frozen=True, slots=True)
class Named:
    """A file of the caller."""

    path: Path
    argument: int  # the argument it comes from; files named one by one come from the same, -1
    page: bool = False  # a page met in a folder, which nobody means to load
    # Of a file that is inside another one:
    held: bytes | None = field(default=None, repr=False, compare=False)
    told: Told | None = field(default=None, repr=False, compare=False)
    media_type: str = field(default="", compare=False)
    altered: bool = field(default=False, compare=False)  # not the bytes its container describes
    depth: int = 0
    budget: Budget | None = field(default=None, repr=False, compare=False)

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.path.parent


def listed(paths: Sequence[Path]) -> list[Named]:
    """Files, and those of folders in order; hidden ones are nobody's document."""
    found: list[Named] = []
    for place, path in enumerate(paths):
        if not path.is_dir():
            found.append(Named(path, -1))
            continue
        for each in _inside(path, 0):
            found.append(Named(each, place, each.suffix.lower() in PAGES))
            if len(found) > MOST_FILES:
                raise TooManyFiles
    return found


def _inside(folder: Path, depth: int) -> Iterator[Path]:
    """Every file under a folder; a link to a folder is not followed, so there is no ring."""
    if depth > DEEPEST:
        return
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:
        yield folder  # said when it is read
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _inside(folder / entry.name, depth + 1)
        elif not (entry.is_symlink() and _is_folder(entry)):
            yield folder / entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def bytes_of(named: Named) -> bytes:
    """The bytes of a file, wherever it is."""
    if named.held is None:
        return content(named.path)
    return unpacked(named.held) if named.path.suffix.lower() in (".gz", ".tgz") else named.held


def content(path: Path) -> bytes:
    """The bytes of a file, unpacked, within limits."""
    try:
        found = path.stat()
    except (FileNotFoundError, RuntimeError):
        raise Nowhere from None
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise NotAFile
    if found.st_size > LARGEST:
        raise TooBig
    # Nothing waits here for a pipe that was put in the file's place meanwhile.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as opened:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise NotAFile
        held = opened.read(LARGEST + 1)
    if len(held) > LARGEST:
        raise TooBig
    return unpacked(held) if path.suffix.lower() in (".gz", ".tgz") else held


def unpacked(packed: bytes) -> bytes:
    """What gzip files, one after another, hold."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as opened:
            found = opened.read(LARGEST + 1)
    except (EOFError, OSError, zlib.error):
        raise WrongGzip from None
    if len(found) > LARGEST:
        raise TooBig
    return found


def judge(held: bytes, *, loose: bool = False) -> None:
    """Say plainly what is not loaded; loose: whether a file that says nothing of itself is taken."""
    if not held.strip():
        raise Empty
    for start, sentence in STARTS:
        if held.startswith(start) and not loose:
            raise NotYet(sentence)
    place, mark = TAR_MARK
    if held[place : place + len(mark)] == mark:
        raise NotYet(PACKAGE)


def kind_of(held: bytes, path: Path) -> str:
    """The media type of a file that says nothing of itself; "" for one that is not read so."""
    for start, media in KINDS:
        if held.startswith(start):
            return media
    if path.suffix.lower() in PLAIN and b"\0" not in held:
        return "text/plain"
    return ""


def text_of(held: bytes) -> str:
    """text/plain for bytes that are a text and neither XML nor JSON; "" for others."""
    if held.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{", b"[", b"") or b"\0" in held:
        return ""
    try:
        held.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "text/plain"
