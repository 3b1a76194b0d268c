# SPDX-License-Identifier: EUPL-1.2
"""Whether an archive is a whole export, and the proofs it holds."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from carnet import errors

MANIFEST = "manifest.json"
STEP = 1 << 16
LARGEST = 1 << 28  # bytes of a manifest, or of a file of proofs


class NotWhole(errors.Invalid):
    """This is not a whole copy of a record: it was cut, or changed."""


def proofs_of(path: Path) -> Iterator[dict[str, Any]]:
    """Each proof of an export, once every file was found to be what its manifest says."""
    try:
        with zipfile.ZipFile(path) as found:
            listed = json.loads(_read(found, MANIFEST))["files"]
            if {*listed, MANIFEST} != set(found.namelist()):
                raise NotWhole
            for name, said in listed.items():
                if _digest(found, name) != said["sha256"]:
                    raise NotWhole
            for name in listed:
                if name.startswith("journal/preuves-"):
                    for line in _read(found, name).splitlines():
                        if line != b"null":
                            yield json.loads(line)
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, KeyError, TypeError, EOFError):
        raise NotWhole from None


def _read(found: zipfile.ZipFile, name: str) -> bytes:
    if found.getinfo(name).file_size > LARGEST:
        raise NotWhole
    return found.read(name)


def _digest(found: zipfile.ZipFile, name: str) -> str:
    seen = sha256()
    with found.open(name) as file:
        while piece := file.read(STEP):
            seen.update(piece)
    return seen.hexdigest()
