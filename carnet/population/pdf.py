# SPDX-License-Identifier: EUPL-1.2
"""A small writer of PDF 1.4: A4 pages, Helvetica, headings, paragraphs and tables.

For the documents of the demonstration: a page takes about a millisecond, the text can be read and
searched, and the same content gives the same bytes (nothing is compressed, no date is written).
Source: ISO 32000-1 and PDF Reference 1.4; widths: Adobe's Helvetica metrics.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

PAGE_WIDTH, PAGE_HEIGHT = 595, 842  # points, A4
LEFT, RIGHT, TOP, BOTTOM = 56, 539, 792, 66

REGULAR, BOLD = "F1", "F2"

# Helvetica, characters 32 to 126, thousandths of the size.
WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
BOLDER = 1.08  # Helvetica-Bold is about that much wider

# What WinAnsi lacks and our texts may hold.
SPELLED = str.maketrans({"≥": ">=", "≤": "<=", "\u202f": " ", "\u00a0": " ", "−": "-"})
ESCAPED = str.maketrans({"\\": "\\\\", "(": "\\(", ")": "\\)", "\n": " ", "\r": " "})


@dataclass(frozen=True, slots=True)
class Heading:
    """A line in bold, with space above."""

    text: str
    size: float = 12.0


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text, folded at the margin."""

    text: str
    bold: bool = False
    size: float = 10.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two columns of lines, as at the head of a letter."""

    left: Sequence[str]
    right: Sequence[str]


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of a table, and whether they stand out."""

    cells: Sequence[str]
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header; `columns` are parts of the width."""

    columns: Sequence[float]
    header: Sequence[str]
    rows: Sequence[Row]


Block = Heading | Paragraph | Pair | Table


def write(title: str, blocks: Iterable[Block], footer: str) -> bytes:
    """The PDF of those blocks, footer and page number on each page."""
    layout = _Layout()
    for block in blocks:
        layout.add(block)
    return _file(title, layout.pages, footer)


@cache
def _width_of(character: str) -> int:
    code = ord(character)
    if 32 <= code <= 126:
        return WIDTHS[code - 32]
    base = ord(unicodedata.normalize("NFD", character)[0])
    return WIDTHS[base - 32] if 32 <= base <= 126 else 556


def width(text: str, size: float, bold: bool = False) -> float:
    """Length of a line in points."""
    return sum(map(_width_of, text)) * size * (BOLDER if bold else 1.0) / 1000.0


def folded(text: str, room: float, size: float, bold: bool = False) -> list[str]:
    """The text cut at spaces into lines that fit; a longer word keeps its line to itself."""
    lines: list[str] = []
    line = ""
    for word in text.translate(SPELLED).split():
        longer = f"{line} {word}" if line else word
        if line and width(longer, size, bold) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


class _Layout:
    """Writes from the top of a page down, and turns the page."""

    def __init__(self) -> None:
        self.pages: list[list[str]] = [[]]
        self.y = float(TOP)

    def add(self, block: Block) -> None:
        match block:
            case Heading(text, size):
                self.room(size * 3.2)
                self.y -= size * 0.6
                self.lines(text, size, bold=True)
                self.y -= 3
            case Paragraph(text, bold, size):
                self.lines(text, size, bold)
                self.y -= 4
            case Pair(left, right):
                self.pair(left, right)
            case Table():
                self.table(block)

    def room(self, height: float) -> None:
        if self.y - height < BOTTOM:
            self.pages.append([])
            self.y = float(TOP)

    def text(self, x: float, text: str, size: float, bold: bool = False) -> None:
        if text:
            self.pages[-1].append(
                f"BT /{BOLD if bold else REGULAR} {size:g} Tf {x:.1f} {self.y:.1f} Td "
                f"({text.translate(SPELLED).translate(ESCAPED)}) Tj ET"
            )

    def rule(self) -> None:
        y = self.y - 3
        self.pages[-1].append(f"0.5 w {LEFT} {y:.1f} m {RIGHT} {y:.1f} l S")

    def lines(self, text: str, size: float, bold: bool = False) -> None:
        for line in folded(text, RIGHT - LEFT, size, bold):
            self.room(size * 1.35)
            self.y -= size * 1.35
            self.text(LEFT, line, size, bold)

    def pair(self, left: Sequence[str], right: Sequence[str]) -> None:
        for number in range(max(len(left), len(right))):
            self.room(13)
            self.y -= 13
            for x, column in ((LEFT, left), (LEFT + 290, right)):
                if number < len(column):
                    self.text(x, column[number], 9.5, bold=number == 0)
        self.y -= 10

    def table(self, table: Table) -> None:
        total = sum(table.columns)
        widths = [part * (RIGHT - LEFT) / total for part in table.columns]
        for row in (Row(table.header, bold=True), *table.rows):
            cells = [
                folded(cell, room - 6, 9, row.bold)
                for cell, room in zip(row.cells, widths, strict=True)
            ]
            height = 12.0 * max(map(len, cells))
            self.room(height + 4)
            top = self.y
            x = float(LEFT)
            for lines, room in zip(cells, widths, strict=True):
                self.y = top
                for line in lines:
                    self.y -= 12
                    self.text(x, line, 9, row.bold)
                x += room
            self.y = top - height
            if row.cells is table.header:
                self.rule()
            self.y -= 4
        self.y -= 6


def _file(title: str, pages: Sequence[Sequence[str]], footer: str) -> bytes:
    """The file: catalogue, page tree, two fonts, information, then each page and its content."""
    kids = " ".join(f"{6 + 2 * number} 0 R" for number in range(len(pages)))
    name = title.translate(SPELLED).translate(ESCAPED)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (fr-FR) >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} "
        f"/MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}] "
        "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        f"<< /Title ({name}) /Producer (Carnet) >>",
    ]
    for number, page in enumerate(pages):
        foot = folded(footer, RIGHT - LEFT - 70, 7.5)
        below = [
            f"BT /F1 7.5 Tf {LEFT} {44 - 9 * line} Td ({text.translate(ESCAPED)}) Tj ET"
            for line, text in enumerate(foot)
        ]
        count = f"BT /F1 7.5 Tf 500 44 Td (Page {number + 1}/{len(pages)}) Tj ET"
        content = "\n".join((*page, *below, count))
        objects.append(f"<< /Type /Page /Parent 2 0 R /Contents {7 + 2 * number} 0 R >>")
        length = len(content.encode("cp1252", "replace"))
        objects.append(f"<< /Length {length} >>\nstream\n{content}\nendstream")
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252", "replace")
    start = len(out)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    out += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\n"
        f"startxref\n{start}\n%%EOF\n"
    ).encode()
    return bytes(out)
