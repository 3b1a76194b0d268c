# SPDX-License-Identifier: EUPL-1.2
"""What a path holds: each file that brings codes, recognised by what is in it, not by its name."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from carnet import errors
from carnet.fhir import json, xml
from carnet.fhir.terminology.load import cim10, fhir, loinc, svs
from carnet.fhir.terminology.load.model import Brought

SUFFIXES: Final = (".json", ".xml", ".csv", ".txt", ".tgz", ".tar.gz", ".json.gz", ".ndjson")
LARGEST: Final = 512 * 1024 * 1024  # bytes of one file, unpacked
MOST_FILES: Final = 50_000  # of one package


class NotTerminology(errors.Invalid):
    """The file is no code system, value set or table of codes that is known."""


class Damaged(errors.Invalid):
    """The compressed file is damaged: it cannot be unpacked."""


def files(path: Path) -> Iterator[Path]:
    """The file, or those of the folder that may bring codes."""
    if path.is_file():
        yield path
        return
    for found in sorted(path.rglob("*")):
        if found.is_file() and found.name.lower().endswith(SUFFIXES):
            yield found


def understood(path: Path, content: bytes, known: Mapping[str, str], version: str = "") -> Brought:
    """What a file brings. known: addresses of systems by their other names."""
    if path.name.endswith((".tgz", ".tar.gz")):
        return fhir.brought(_of_archive(path), "FHIR package")
    if content.startswith(b"\x1f\x8b"):
        content = _unpacked(content)
    if b"\0" in content:
        raise NotTerminology
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{"):
        return _of_json(content)
    if head.startswith(b"<"):
        root = xml.parse(content)
        if root.tag == svs.ROOT:
            return svs.brought(root, known)
        if root.tag == "ClaML":
            return cim10.from_claml(root, version)
        raise NotTerminology
    if b"\n" in head and loinc.is_one(head):
        return loinc.brought(content, path.parent, version)
    if cim10.is_list(head):
        return cim10.from_list(content, version)
    raise NotTerminology


def _of_json(content: bytes) -> Brought:
    try:
        resources: list[dict[str, Any]] = [json.parse(content)]
    except json.TrailingData:
        resources = [json.parse(line) for line in content.splitlines() if line.strip()]
    if resources[0].get("resourceType") == "Bundle":
        entries = resources[0].get("entry")
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise NotTerminology
        resources = [each["resource"] for each in entries if "resource" in each]
    found = fhir.brought(resources)
    if not (found.systems or found.value_sets or found.names):
        raise NotTerminology
    return found


def _unpacked(content: bytes) -> bytes:
    """What a compressed file holds, no more than is read of any."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            found = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error):
        raise Damaged from None
    if len(found) > LARGEST:
        raise errors.TooLarge("The file is larger than half a gigabyte once it is unpacked.")
    return found


def _of_archive(path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from _members(path)
    except (OSError, EOFError, zlib.error, tarfile.TarError):
        raise Damaged from None


def _members(path: Path) -> Iterator[dict[str, Any]]:
    with tarfile.open(path, "r:gz") as archive:
        left = LARGEST
        for at, member in enumerate(archive):
            name = member.name.rpartition("/")[2]
            if at > MOST_FILES or left < 0:
                raise errors.TooLarge("The package has too many files, or too large ones.")
            if not member.isfile() or not name.startswith(("CodeSystem", "ValueSet")):
                continue
            file = archive.extractfile(member)
            if file is not None and name.endswith(".json"):
                left -= member.size
                yield json.parse(file.read())
