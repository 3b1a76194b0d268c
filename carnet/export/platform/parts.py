# SPDX-License-Identifier: EUPL-1.2
"""The files of an archive: a tar written as it goes, its manifest last, signed."""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, BinaryIO, Final

import orjson

from carnet import errors

FORM: Final = 1  # of the archive
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
SUMS: Final = "SHA256SUMS"
LARGEST: Final = 256 << 20  # bytes of one file that is read here
PART: Final = 4 << 20  # bytes of lines that wait for one file
TOGETHER: Final = 32 << 20  # bytes of lines that wait, of all files
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*){0,3}", re.ASCII)
DOCUMENT: Final = re.compile(r"documents/[0-9a-f]{2}/([0-9a-f]{64})", re.ASCII)
SIGNED: Final = b"carnet platform archive 1\n"  # what a signature of a manifest begins with


class NotWhole(errors.Invalid):
    """This archive is not whole, or a file of it is not what its manifest says. Nothing was written."""


def signed(manifest: bytes) -> bytes:
    """What is signed of a manifest."""
    return SIGNED + sha256(manifest).hexdigest().encode() + b"\n"


@dataclass
class Writer:
    """Writes files one after another; lines wait until there are enough of them for a file."""

    out: BinaryIO
    at: datetime
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    _waiting: dict[str, list[bytes]] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _beside: dict[str, str] = field(default_factory=dict)
    _held: int = 0

    def __post_init__(self) -> None:
        self._tar = tarfile.open(  # noqa: SIM115 (closed by `end`)
            fileobj=self.out, mode="w|", format=tarfile.PAX_FORMAT
        )

    def put(self, name: str, data: bytes) -> None:
        """One file, told in the manifest but for a document, whose name is its digest."""
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(data), int(self.at.timestamp()), 0o600
        self._tar.addfile(info, io.BytesIO(data))
        if not DOCUMENT.fullmatch(name):
            self.files[name] = {"size": len(data), "sha256": sha256(data).hexdigest()}

    def line(self, name: str, line: bytes) -> None:
        """One line of `name`-1.ndjson, -2…"""
        self._keep(name, line)
        if self._sizes[name] >= PART:
            self._flush(name)
        elif self._held >= TOGETHER:
            self._flush(max(self._sizes, key=self._sizes.__getitem__))

    def pair(self, rows: str, row: bytes, name: str, line: bytes) -> None:
        """A line of `name`, and one that says more of it at the same place of `rows`."""
        self._beside[name] = rows
        self._keep(rows, row)
        self._keep(name, line)
        if self._sizes[name] >= PART:
            self._flush(name)
        elif self._held >= TOGETHER:
            self._flush(max(self._beside, key=lambda each: self._sizes.get(each, 0)))

    def _keep(self, name: str, line: bytes) -> None:
        self._waiting.setdefault(name, []).append(line)
        self._sizes[name] = self._sizes.get(name, 0) + len(line) + 1
        self._held += len(line) + 1

    def _flush(self, name: str) -> None:
        rows = self._beside.get(name)
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        for each in (rows, name) if rows else (name,):
            lines = self._waiting.pop(each)
            self._held -= self._sizes.pop(each)
            self.put(f"{each}-{number}.ndjson", b"\n".join((*lines, b"")))

    def flush(self) -> None:
        """Write all that waits."""
        beside = set(self._beside.values())
        for name in sorted(self._waiting):
            if name not in beside:
                self._flush(name)

    def end(self, manifest: bytes, signature: bytes) -> None:
        """The manifest, without which nothing is whole."""
        sums = "".join(f"{said['sha256']}  {name}\n" for name, said in self.files.items())
        self.put(SUMS, sums.encode())
        self.put(MANIFEST, manifest)
        self.put(SIGNATURE, signature)
        self._tar.close()


@dataclass(frozen=True, slots=True)
class Part:
    """One file that was read."""

    name: str
    data: bytes

    @property
    def lines(self) -> Iterator[Any]:
        """Its lines as JSON."""
        for line in self.data.splitlines():
            yield orjson.loads(line)


@dataclass
class Reader:
    """Reads the files in order and holds each against the manifest, which comes last."""

    source: BinaryIO
    manifest: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    signature: bytes = b""
    documents: int = 0
    _seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def parts(self) -> Iterator[Part]:
        """Every file but the manifest; NotWhole, at the end at the latest."""
        try:
            with tarfile.open(fileobj=self.source, mode="r|") as tar:
                for info in tar:
                    file = tar.extractfile(info) if info.isreg() else None
                    if file is None or info.size > LARGEST or not NAME.fullmatch(info.name):
                        raise NotWhole
                    if self.signature:  # nothing comes after it
                        raise NotWhole
                    data = file.read()
                    if len(data) != info.size:
                        raise NotWhole
                    yield from self._part(info.name, data)
        except (
            tarfile.TarError,
            EOFError,
            zlib.error,
            orjson.JSONDecodeError,
            KeyError,
            TypeError,
        ):
            raise NotWhole from None
        except ValueError:
            raise NotWhole from None
        self._whole()

    def _part(self, name: str, data: bytes) -> Iterator[Part]:
        document = DOCUMENT.fullmatch(name)
        if document:
            if sha256(data).hexdigest() != document[1] or self.raw:
                raise NotWhole
            self.documents += 1
        elif name == MANIFEST:
            self.raw, self.manifest = data, orjson.loads(data)
            return
        elif name == SIGNATURE:
            self.signature = data
            return
        else:
            if name in self._seen or self.raw:
                raise NotWhole
            self._seen[name] = {"size": len(data), "sha256": sha256(data).hexdigest()}
            if name == SUMS:
                return
        yield Part(name, data)

    def _whole(self) -> None:
        said = self.manifest
        listed = {name: each for name, each in self._seen.items() if name != SUMS}
        if not self.raw or not self.signature or said.get("carnet-platform") != FORM:
            raise NotWhole
        if said["files"] != listed or said["documents"] != self.documents:
            raise NotWhole
