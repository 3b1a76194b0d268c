# SPDX-License-Identifier: EUPL-1.2
"""The elements of a DICOM file, walked strictly before anything reads their values.

Nothing is copied or allocated by what the file declares: a length is only compared with what is left.
Source: DICOM PS3.5 §7 (elements, sequences, encapsulated pixels), PS3.10 §7 (file meta information).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

DEEPEST: Final = 8  # sequences in sequences
MOST: Final = 50_000  # elements of one file
PREAMBLE: Final = 128
MAGIC: Final = b"DICM"
TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # a file of two kinds, which DICOM allows

LONG: Final = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
SHORT: Final = frozenset("AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
WITHOUT: Final = 0xFFFFFFFF
ITEM, ITEM_END, END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
PIXELS: Final = (0x7FE0, 0x0010)


class Broken(Exception):
    """The file is not as DICOM says; rule: a key of refused.toml."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


@dataclass(slots=True)
class Walked:
    """What a walk found: the representation and bytes' place of each element of the first level."""

    vr: dict[tuple[int, int], str] = field(default_factory=dict)
    where: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    fragments: list[tuple[int, int]] = field(default_factory=list)  # of encapsulated pixels


@dataclass(slots=True)
class Walk:
    """One walk over the bytes of a file."""

    data: bytes
    found: Walked = field(default_factory=Walked)
    count: int = 0

    def dataset(
        self, at: int, stop: int, explicit: bool, depth: int = 0, *, item: bool = False
    ) -> int:
        """Walk the elements up to `stop`, or those of an item to its own end; where it stopped."""
        last = (-1, -1)
        while at < stop:
            tag = self._tag(at, stop)
            if item and tag == ITEM_END:
                return at + 8
            if tag <= last or tag[0] == 0xFFFE:
                raise Broken("order")
            last = tag
            at = self._element(tag, at, stop, explicit, depth)
        if item:
            raise Broken("truncated")
        return at

    def _tag(self, at: int, stop: int) -> tuple[int, int]:
        if at + 8 > stop:
            raise Broken("truncated")
        self.count += 1
        if self.count > MOST:
            raise Broken("too-complex")
        group, element = struct.unpack_from("<HH", self.data, at)
        return group, element

    def _element(self, tag: tuple[int, int], at: int, stop: int, explicit: bool, depth: int) -> int:
        vr, length, start = self._head(at, stop, explicit)
        if depth == 0:
            self.found.vr[tag] = vr
            self.found.where[tag] = (start, length)
        if length == WITHOUT and tag == PIXELS and depth == 0 and vr in ("OB", "OW"):
            return self._fragments(start, stop)
        if vr == "SQ" or (length == WITHOUT and vr in ("UN", "")):
            return self._sequence(start, stop, length, explicit and vr != "UN", depth + 1)
        if length == WITHOUT:
            raise Broken("length")
        if start + length > stop:
            raise Broken("truncated")
        return start + length

    def _head(self, at: int, stop: int, explicit: bool) -> tuple[str, int, int]:
        if not explicit:
            return "", struct.unpack_from("<I", self.data, at + 4)[0], at + 8
        vr = self.data[at + 4 : at + 6].decode("latin-1")
        if vr in SHORT:
            return vr, struct.unpack_from("<H", self.data, at + 6)[0], at + 8
        if vr not in LONG:
            raise Broken("representation")
        if at + 12 > stop:
            raise Broken("truncated")
        return vr, struct.unpack_from("<I", self.data, at + 8)[0], at + 12

    def _sequence(self, at: int, stop: int, length: int, explicit: bool, depth: int) -> int:
        if depth > DEEPEST:
            raise Broken("too-deep")
        end = stop if length == WITHOUT else at + length
        if end > stop:
            raise Broken("truncated")
        while at < end:
            tag = self._tag(at, end)
            size = struct.unpack_from("<I", self.data, at + 4)[0]
            at += 8
            if tag == END and length == WITHOUT:
                return at
            if tag != ITEM:
                raise Broken("order")
            if size == WITHOUT:
                at = self.dataset(at, end, explicit, depth, item=True)
            elif at + size > end:
                raise Broken("truncated")
            else:
                at = self.dataset(at, at + size, explicit, depth)
        if length == WITHOUT:
            raise Broken("truncated")
        return at

    def _fragments(self, at: int, stop: int) -> int:
        while True:
            tag = self._tag(at, stop)
            size = struct.unpack_from("<I", self.data, at + 4)[0]
            at += 8
            if tag == END:
                return at
            if tag != ITEM or size == WITHOUT:
                raise Broken("order")
            if at + size > stop:
                raise Broken("truncated")
            self.found.fragments.append((at, size))
            at += size


def begin(data: bytes) -> int:
    """Where the file meta information begins; Broken for what is no DICOM file, or is another one too."""
    if len(data) < PREAMBLE + 16 or data[PREAMBLE : PREAMBLE + 4] != MAGIC:
        raise Broken("not-dicom")
    preamble = data[:PREAMBLE]
    if preamble.strip(b"\0") and preamble[:4] not in TIFF:
        raise Broken("preamble")
    return PREAMBLE + 4


def meta(data: bytes) -> tuple[Walked, int]:
    """The file meta information, and where the data set begins."""
    at = begin(data)
    group, element, length = struct.unpack_from("<HH4xI", data, at)
    if (group, element) != (2, 0) or data[at + 4 : at + 8] != b"UL\4\0":
        raise Broken("not-dicom")
    end = at + 12 + length
    if end > len(data):
        raise Broken("truncated")
    walk = Walk(data)
    walk.dataset(at + 12, end, True)
    return walk.found, end
