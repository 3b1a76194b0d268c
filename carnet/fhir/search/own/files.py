# SPDX-License-Identifier: EUPL-1.2
"""SearchParameter resources in files, folders, Bundles and FHIR packages."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from carnet import errors
from carnet.fhir import json

LARGEST: Final = 256 * 1024 * 1024  # bytes of one file, unpacked
MOST_FILES: Final = 50_000  # of one package


class NoJson(errors.Invalid):
    """The file is no JSON resource."""


def found(path: Path) -> Iterator[tuple[str, dict[str, Any] | errors.CarnetError]]:
    """Each SearchParameter under a path with the name of its file; or why the file was not read."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        name = file.name.lower()
        if not file.is_file() or (
            path.is_dir() and not name.endswith((".json", ".tgz", ".tar.gz"))
        ):
            continue
        try:
            if file.stat().st_size > LARGEST:
                raise errors.TooLarge
            if name.endswith((".tgz", ".tar.gz")):
                for inner, content in _of_package(file):
                    yield from ((inner, one) for one in _parameters(content))
            else:
                yield from ((file.name, one) for one in _parameters(file.read_bytes()))
        except errors.CarnetError as refusal:
            yield file.name, refusal
        except (OSError, EOFError, tarfile.TarError):
            yield file.name, errors.Invalid("The package does not open.")


def _of_package(file: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(file, "r:gz") as archive:
        left = LARGEST
        for at, member in enumerate(archive):
            if at > MOST_FILES or left < 0:
                raise errors.TooLarge("The package has too many files, or too large ones.")
            name = member.name.rpartition("/")[2]
            if not member.isfile() or not name.endswith(".json"):
                continue
            if not name.startswith(("SearchParameter", "Bundle")):
                continue
            inner = archive.extractfile(member)
            if inner is not None:
                left -= member.size
                yield name, inner.read(left + 1)


def _parameters(content: bytes) -> Iterator[dict[str, Any]]:
    if b"SearchParameter" not in content:
        return
    try:
        resource = json.parse(content)
    except errors.CarnetError:
        raise NoJson from None
    if resource.get("resourceType") == "SearchParameter":
        yield resource
    elif resource.get("resourceType") == "Bundle":
        for entry in resource.get("entry", ()):
            inner = entry.get("resource", {}) if isinstance(entry, dict) else {}
            if inner.get("resourceType") == "SearchParameter":
                yield inner
