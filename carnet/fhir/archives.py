# SPDX-License-Identifier: EUPL-1.2
"""Archives of definitions: packages of FHIR (.tgz) and ZIP files, read within limits, never unpacked to disk.

Source: FHIR NPM packages (`package/`, `package.json`); what national agencies publish as ZIP.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from carnet import errors

GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
TAR: Final = (257, b"ustar")  # of a .tgz that is unzipped already
MOST_FILES: Final = 50_000
LARGEST: Final = 512 * 1024 * 1024  # bytes of all that is read of one


class Damaged(errors.Invalid):
    """The archive is damaged: it cannot be unpacked."""


class TooMuch(errors.TooLarge):
    """The archive has too many files, or too large ones."""


def is_tar(content: bytes) -> bool:
    """Whether these are the bytes of a tar archive, or of a .tgz."""
    place, mark = TAR
    if content.startswith(GZIP):
        try:
            content = zlib.decompressobj(wbits=31).decompress(content, 512)
        except zlib.error:
            return False
    return content[place : place + len(mark)] == mark


def is_one(content: bytes) -> bool:
    """Whether these are the bytes of an archive."""
    return content.startswith(ZIP) or is_tar(content)


def members(content: bytes, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each wanted file of an archive."""
    found = _of_zip(content, wanted) if content.startswith(ZIP) else _of_tar(content, wanted)
    left = LARGEST
    try:
        for at, (name, body) in enumerate(found):
            left -= len(body)
            if at > MOST_FILES or left < 0:
                raise TooMuch
            yield name, body
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile,
            NotImplementedError, RuntimeError, ValueError):  # fmt: skip
        raise Damaged from None


def _of_tar(content: bytes, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
        passed = 0  # what is not wanted is unpacked too
        for at, member in enumerate(archive):
            passed += member.size
            if at > MOST_FILES or passed > 2 * LARGEST:
                raise TooMuch
            if member.isfile() and wanted(member.name):
                file = archive.extractfile(member)
                if file is not None:
                    yield member.name, file.read(LARGEST + 1)


def _of_zip(content: bytes, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        listed = archive.infolist()
        if len(listed) > MOST_FILES:
            raise TooMuch
        for member in listed:
            if not member.is_dir() and wanted(member.filename):
                with archive.open(member) as file:
                    body = file.read(LARGEST + 1)
                if len(body) > LARGEST:
                    raise TooMuch
                yield member.filename, body
