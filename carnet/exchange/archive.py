# SPDX-License-Identifier: EUPL-1.2
"""A ZIP archive from anybody: its files in memory, within bounds. Nothing is ever unpacked on a disk.

Refused whole: what is no archive, more members or bytes than the bounds. Left out and told: encrypted
members, links, names that climb out of the archive, second members of one name, wrong checksums.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from typing import Final

from carnet import errors
from carnet.exchange.parts import LARGEST, Note, Opened, Part

MOST: Final = 20_000  # members
RATIO: Final = 200  # times a member above a megabyte may grow: text never does
PIECE: Final = 1 << 16
SMALL: Final = 1 << 20
METHODS: Final = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
# What some systems add for themselves.
NOISE: Final = ("__MACOSX/", "Thumbs.db", ".DS_Store", "desktop.ini")


class NotAnArchive(errors.Invalid):
    """The file is named or begins as a ZIP archive and is not one, or it is cut short."""


class TooManyMembers(errors.TooLarge):
    """The archive holds more than 20,000 files."""


class Bomb(errors.TooLarge):
    """The archive holds more than 256 MB once unpacked, or grows as no document does."""


SENTENCES: Final = {
    "zip-encrypted": (
        "This file of the archive is encrypted: it cannot be read without its password.",
        "Ce fichier de l’archive est chiffré : il ne peut être lu sans son mot de passe.",
    ),
    "zip-link": (
        "This entry of the archive is a link or a device, not a file: it was left out.",
        "Cette entrée de l’archive est un lien ou un périphérique, pas un fichier : elle est laissée.",
    ),
    "zip-climbs": (
        "The name of this file leads out of the archive: it was left out.",
        "Le nom de ce fichier mène hors de l’archive : il est laissé.",
    ),
    "zip-twice": (
        "Two files of the archive have this name: only the first was read.",
        "Deux fichiers de l’archive ont ce nom : seul le premier est lu.",
    ),
    "zip-broken": (
        "This file of the archive is broken: its checksum or its size is wrong.",
        "Ce fichier de l’archive est abîmé : sa somme de contrôle ou sa taille est fausse.",
    ),
    "zip-method": (
        "This file of the archive is compressed in a way that is not read (only stored and deflated).",
        "Ce fichier de l’archive est comprimé d’une façon qui n’est pas lue (seuls stocké et deflate).",
    ),
}


def looks(data: bytes) -> bool:
    """Whether bytes begin as an archive, empty ones included."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def read(data: bytes, room: int = LARGEST) -> Opened:
    """The files of an archive; room: bytes they may have in all."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _members(archive, room)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError):
        raise NotAnArchive from None


def _members(archive: zipfile.ZipFile, room: int) -> Opened:
    listed = archive.infolist()
    if len(listed) > MOST:
        raise TooManyMembers
    if sum(each.file_size for each in listed) > room:
        raise Bomb
    parts: list[Part] = []
    notes: list[Note] = []
    seen: set[str] = set()
    for each in listed:
        name = each.filename.replace("\\", "/")
        if each.is_dir() or any(noise in name for noise in NOISE):
            continue
        rule = _wrong(each, name, seen)
        seen.add(_one(name))
        data = b""
        if not rule:
            try:
                data = _bytes(archive, each, room)
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
                rule = "zip-broken"
            except (RuntimeError, NotImplementedError):
                rule = "zip-encrypted" if each.flag_bits & 0x1 else "zip-method"
        if rule:
            severity = "warning" if rule == "zip-link" else "error"
            notes.append(Note(rule, severity, *SENTENCES[rule], shown(name)))
            continue
        room -= len(data)
        parts.append(Part(name, data))
    return Opened("ZIP", tuple(parts), tuple(notes))


def _wrong(each: zipfile.ZipInfo, name: str, seen: set[str]) -> str:
    kind = stat.S_IFMT(each.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "zip-link"
    steps = name.split("/")
    if name.startswith("/") or ".." in steps or (len(name) > 1 and name[1] == ":"):
        return "zip-climbs"
    if _one(name) in seen:
        return "zip-twice"
    if each.flag_bits & 0x41:  # encrypted, or strongly
        return "zip-encrypted"
    return "" if each.compress_type in METHODS else "zip-method"


def _one(name: str) -> str:
    """A name whatever its capitals, as those who ask for a file by name compare them."""
    return name.upper().casefold()


def _bytes(archive: zipfile.ZipFile, each: zipfile.ZipInfo, room: int) -> bytes:
    """One member; what its header says of its size is not believed."""
    most = min(room, max(each.compress_size * RATIO, SMALL))
    found = bytearray()
    with archive.open(each) as opened:
        while piece := opened.read(PIECE):
            found += piece
            if len(found) > most:
                raise Bomb
    return bytes(found)


def shown(name: str) -> str:
    """A name as it can be written anywhere."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name)[:200]
