# SPDX-License-Identifier: EUPL-1.2
"""Lines of an input, numbered, and the lots they are done by; read in bounded memory, whatever is sent."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from carnet import errors

LINES: Final = 400  # of one transaction, at most
BYTES: Final = 2 << 20  # of one transaction; one line passes whatever its size
BEYOND: Final = b"\x00too long: "  # what stands for a line that is too long, before its digest
BOM: Final = b"\xef\xbb\xbf"
GZIP: Final = b"\x1f\x8b"


class Compressed(errors.Invalid):
    """Lines are sent as they are: expand what is compressed first."""


class Step(StrEnum):
    """What is done with some lines."""

    PLACE = "place"
    PERSONS = "persons"  # write those that are Patients
    DOCUMENTS = "documents"  # write those that are DocumentReferences
    WRITE = "write"  # the others


# Beside the name of an input: its lines that are written in another step than the others.
BESIDE: Final = {Step.PERSONS: "|persons", Step.DOCUMENTS: "|documents"}
OF_TYPE: Final = {"Patient": Step.PERSONS, "DocumentReference": Step.DOCUMENTS}


@dataclass(frozen=True, slots=True)
class Lot:
    """Some lines of an input, in order, and what to do with them."""

    step: Step
    input: str
    lines: tuple[tuple[int, bytes], ...]

    @property
    def kept(self) -> str:
        """Under what name its answers are kept."""
        return self.input + BESIDE.get(self.step, "")


@dataclass(slots=True)
class Done:
    """What came of lines. before: those that were done by an earlier run.

    persons, documents: of lines that were given their place, those that are Patients, which have none
    until they are written, and DocumentReferences; left: those about a person who has no place yet.
    """

    lines: int = 0
    refused: int = 0
    before: int = 0
    persons: int = 0
    left: int = 0
    documents: int = 0

    def add(self, other: Done) -> None:
        """Both together."""
        self.lines += other.lines
        self.refused += other.refused
        self.before += other.before
        self.persons += other.persons
        self.left += other.left
        self.documents += other.documents


class Crew(Protocol):
    """Those who do lots, several at once."""

    @property
    def width(self) -> int:
        """How many lots at once."""

    def do(self, lot: Lot) -> Awaitable[Done]:
        """Do one."""


Source = Callable[[], AsyncIterator[bytes]]


@dataclass(slots=True)
class Cut:
    """Lines gathered until they make a lot."""

    step: Step
    input: str
    lines: list[tuple[int, bytes]]
    size: int = 0

    def add(self, number: int, raw: bytes) -> bool:
        """Add a line; whether there are enough."""
        self.lines.append((number, raw))
        self.size += len(raw)
        return len(self.lines) >= LINES or self.size >= BYTES

    def taken(self) -> Lot:
        """The lot; the next one begins."""
        lot = Lot(self.step, self.input, tuple(self.lines))
        self.lines, self.size = [], 0
        return lot


async def numbered(source: AsyncIterator[bytes], longest: int) -> AsyncIterator[tuple[int, bytes]]:
    """Lines and their numbers from 1, from pieces of any size; blank ones are only counted.

    A line that is longer than `longest` is not kept: what stands for it says which it was.
    """
    number, line, first = 1, _Line(longest), True
    async for piece in _begun(source):
        if first:
            if piece.startswith(GZIP):
                raise Compressed
            piece, first = piece.removeprefix(BOM), False
        *ended, rest = piece.split(b"\n")
        for part in ended:
            if held := line.ended(part):
                yield number, held
            number += 1
        line.add(rest)
    if held := line.ended(b""):
        yield number, held


async def _begun(source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, of which the first has the marks a file may begin with."""
    head: bytes | None = b""
    async for piece in source:
        if head is None:
            yield piece
            continue
        head += piece
        if len(head) >= len(BOM):
            whole, head = head, None
            yield whole
    if head:
        yield head


class _Line:
    """A line as it comes; of one that is too long, its digest alone."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0
        self._digest: Any = None

    def add(self, part: bytes) -> None:
        """More of it."""
        self._size += len(part)
        if self._digest is None:
            if part:
                self._parts.append(part)
            if self._size <= self._longest:
                return
            self._digest = hashlib.sha256()
            for each in self._parts:
                self._digest.update(each)
            self._parts = []
        else:
            self._digest.update(part)

    def ended(self, part: bytes) -> bytes:
        """The whole of it, without white space around; the next one begins."""
        if not self._parts and self._digest is None and len(part) <= self._longest:
            return part.strip()
        self.add(part)
        whole = b"".join(self._parts).strip()
        if self._digest is not None:
            whole = BEYOND + str(self._digest.hexdigest()).encode()
        self._parts, self._size, self._digest = [], 0, None
        return whole
