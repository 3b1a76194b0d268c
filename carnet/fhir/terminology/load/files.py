# SPDX-License-Identifier: EUPL-1.2
"""What a path holds: each file that brings codes, recognised by what is in it, not by its name."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from carnet import errors
from carnet.fhir import archives, json, xml
from carnet.fhir.terminology.load import cim10, fhir, loinc, svs
from carnet.fhir.terminology.load.model import Brought

SUFFIXES: Final = (
    ".json",
    ".xml",
    ".csv",
    ".txt",
    ".tgz",
    ".tar.gz",
    ".json.gz",
    ".ndjson",
    ".zip",
)
LARGEST: Final = 512 * 1024 * 1024  # bytes of one file, unpacked
HEAD: Final = 4096  # bytes by which a table is known
TABLES: Final = (".csv", ".txt", ".xml")  # of an archive
DEFINED: Final = ("CodeSystem", "ValueSet")


class NotTerminology(errors.Invalid):
    """The file is no code system, value set or table of codes that is known."""


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
    if archives.is_one(content):
        table = of_archive(content, known, version)
        return table or fhir.brought(_defined(content), "FHIR package")
    if content.startswith(archives.GZIP):
        content = _unpacked(content)
    if (table := of_table(content, known, version, lambda: loinc.near(path))) is not None:
        return table
    if content[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _of_json(content)
    raise NotTerminology


def of_table(
    content: bytes,
    known: Mapping[str, str],
    version: str = "",
    french: Callable[[], Mapping[str, str]] = dict,
) -> Brought | None:
    """What a table of codes brings; None for what is not one. french: LOINC's names in French."""
    head = content[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"\0" in content[:HEAD]:
        return None
    if head.startswith(b"<"):
        if b"RetrieveValueSetResponse" in head and (root := xml.parse(content)).tag == svs.ROOT:
            return svs.brought(root, known)
        return cim10.from_claml(content, version) if b"<ClaML" in head else None
    if b"\n" in head and loinc.is_one(head):
        return loinc.brought(content, french(), version)
    return cim10.from_list(content, version) if cim10.is_list(head) else None


def of_archive(content: bytes, known: Mapping[str, str], version: str = "") -> Brought | None:
    """The table of codes an archive was made for, as LOINC and the ATIH publish theirs; or None.

    Of two tables of LOINC the whole one; beside a table, what else there is stays.
    """
    names: list[str] = []
    french: dict[str, str] = {}
    tables: dict[str, bytes] = {}
    for name, body in archives.members(content, lambda name: name.lower().endswith(TABLES)):
        last = name.rpartition("/")[2]
        if loinc.VARIANT.fullmatch(last):
            french = loinc.variant(body, last)
        elif promising(body):
            names.append(last)
            tables[last] = body
    chosen = next((name for name in ("Loinc.csv", *names) if name in tables), None)
    return None if chosen is None else of_table(tables[chosen], known, version, lambda: french)


def promising(body: bytes) -> bool:
    """Whether a file begins as LOINC's table, CIM-10's list or ClaML."""
    head = body[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"\0" in head:
        return False
    if head.startswith(b"<"):
        return b"<ClaML" in head
    return (b"\n" in head and loinc.is_one(head)) or cim10.is_list(head)


def _defined(content: bytes) -> Iterator[dict[str, Any]]:
    """The code systems and value sets of a package or of a ZIP archive."""
    for name, body in archives.members(content, _named):
        found = json.parse(body)
        if found.get("resourceType") in DEFINED or name.rpartition("/")[2].startswith(DEFINED):
            yield found


def _named(name: str) -> bool:
    return name.endswith(".json") and any(each in name for each in DEFINED)


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
        raise archives.Damaged from None
    if len(found) > LARGEST:
        raise errors.TooLarge("The file is larger than half a gigabyte once it is unpacked.")
    return found
