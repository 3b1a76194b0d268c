# SPDX-License-Identifier: EUPL-1.2
"""What a page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a part; level 1 is the document's own, written by the sheet."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text; its own line ends are kept."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A smaller sentence: a source, a reserve."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are worth, one a line: who the person is, who wrote."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header, which is written again on each page; `widths` are parts of the line."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as PNG, with the words that say the same; `text` stands at its side."""

    png: bytes
    said: str
    width: float = 30.0  # millimetres
    text: str = ""


Block = Heading | Paragraph | Note | Facts | Items | Table | Picture
