# SPDX-License-Identifier: EUPL-1.2
"""Blocks to the bytes of a PDF: A4, embedded DejaVu Sans, title, language, page numbers, tags.

Each block is a marked sequence under a structure element (H1, H2, P, Figure), read in the order written;
the footer is an artefact. The same sheet gives the same bytes. Source: ISO 32000-1, 14.7 and 14.8.
"""

from __future__ import annotations

import io
import logging
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final

from fpdf import FPDF
from fpdf.enums import MethodReturnValue
from fpdf.prefs import ViewerPreferences

from carnet.composing.pdf.blocks import (
    Block,
    Facts,
    Heading,
    Items,
    Note,
    Paragraph,
    Picture,
    Table,
)

FONT: Final = "DejaVu"
FONTS: Final = files("carnet.composing.pdf") / "fonts"
MARGIN: Final = 18.0  # millimetres, as everything here
BODY: Final = 10.0  # points
SMALL: Final = 8.0
SIZES: Final = {1: 16.0, 2: 12.5, 3: 11.0}
LEADING: Final = 0.47  # millimetres a line takes for each point of its letters
LABEL: Final = 52.0  # the column of names, in facts
GAP: Final = 2.2
KEEP: Final = 18.0  # under a heading there is room for something
QUIET: Final = logging.getLogger("fontTools")
PAGES: Final = {"fr": "Page {0} sur {{nb}}", "en": "Page {0} of {{nb}}"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A document to read: `title` is also the file's; `footer` stands on each page."""

    title: str
    blocks: Sequence[Block]
    created: datetime
    footer: str = ""
    language: str = "fr-FR"
    author: str = ""


def write(sheet: Sheet) -> bytes:
    """The PDF of a sheet."""
    QUIET.setLevel(logging.ERROR)  # it tells each table of a font it leaves
    page = _Pages(sheet)
    page.block(Heading(sheet.title, 1))
    for each in sheet.blocks:
        page.block(each)
    return bytes(page.output())


def _plain(text: str) -> str:
    """Characters a page can show: composed, without controls (line ends stay)."""
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    return "".join(each for each in composed if each == "\n" or (each >= " " and each != "\x7f"))


class _Pages(FPDF):
    """Writes from the top of a page down, and turns the page."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(format="A4", unit="mm")
        self.sheet = sheet
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(FONT, style, str(FONTS / name))
        self.set_margin(MARGIN)
        self.set_auto_page_break(False)
        self.set_title(_plain(sheet.title))
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.set_display_mode(zoom="default")  # no OpenAction
        self.set_lang(sheet.language)
        if sheet.author:
            self.set_author(_plain(sheet.author))
        self.set_creator("Carnet")
        self.set_producer("Carnet")
        self.set_creation_date(sheet.created)
        self.set_font(FONT, "", BODY)
        self.add_page()

    @property
    def bottom(self) -> float:
        return float(self.h - MARGIN - 8)

    def footer(self) -> None:
        """Whose document it is, and where one is in it: nothing a reader aloud should repeat."""
        self._out("/Artifact BMC")
        self.set_y(-MARGIN)
        self.set_font(FONT, "", SMALL)
        words = PAGES.get(self.sheet.language[:2], PAGES["fr"]).format(self.page_no())
        self.cell(self.epw - 30, 4, self._shortened(_plain(self.sheet.footer), self.epw - 32))
        self.cell(30, 4, words, align="R")
        self._out("EMC")

    def block(self, block: Block) -> None:
        """One block, under the one before."""
        match block:
            case Heading(text, level):
                size = SIZES.get(level, BODY)
                if level > 1:
                    self.ln(GAP)
                self._room(size * LEADING + (KEEP if level > 1 else 0))
                self._lines(text, size, "B", f"H{min(level, 6)}")
            case Paragraph(text, bold):
                self._lines(text, BODY, "B" if bold else "", "P")
            case Note(text):
                self._lines(text, SMALL, "", "P")
            case Facts(pairs):
                for name, value in pairs:
                    self._row((name, value), (LABEL, self.epw - LABEL), "B", frame=False)
            case Items(lines):
                for line in lines:
                    self._lines("• " + line, BODY, "", "P", tight=True)
            case Table():
                self._table(block)
            case Picture():
                self._picture(block)
        self.ln(GAP)

    def _room(self, height: float) -> bool:
        """Whether the page had to be turned to have that much left."""
        if self.get_y() + height <= self.bottom:
            return False
        self.add_page()
        return True

    @contextmanager
    def _tagged(self, tag: str) -> Iterator[None]:
        # The library writes tags for pictures alone; the element it yields takes any other name.
        with self._marked_sequence() as element:
            element.s = f"/{tag}"
            yield

    def _folded(self, text: str, width: float, size: float, style: str) -> list[str]:
        self.set_font(FONT, style, size)
        found = self.multi_cell(
            width, size * LEADING, _plain(text), dry_run=True, output=MethodReturnValue.LINES
        )
        assert isinstance(found, list)
        return [str(each) for each in found] or [""]

    def _shortened(self, text: str, width: float) -> str:
        while text and self.get_string_width(text) > width:
            text = text[:-2] + "…" if len(text) > 2 else ""
        return text

    def _lines(self, text: str, size: float, style: str, tag: str, *, tight: bool = False) -> None:
        lines, height = self._folded(text, self.epw, size, style), size * LEADING
        while lines:
            self._room(height)
            fit = max(1, int((self.bottom - self.get_y()) // height))
            self.set_font(FONT, style, size)
            with self._tagged(tag):
                for line in lines[:fit]:
                    self.cell(self.epw, height, line, new_x="LMARGIN", new_y="NEXT")
            lines = lines[fit:]
        if tight:
            self.ln(0.4)

    def _row(
        self,
        cells: Sequence[str],
        widths: Sequence[float],
        styles: str = "",
        *,
        frame: bool = True,
        header: Sequence[str] = (),
    ) -> None:
        """Cells side by side; `styles` is B for the first alone, BB for all."""
        height, pad = BODY * LEADING, 1.2 if frame else 0.4
        faces = [
            "B" if styles == "BB" or (styles and not place) else "" for place in range(len(cells))
        ]
        folded = [
            self._folded(text, width, BODY, face)
            for text, width, face in zip(cells, widths, faces, strict=True)
        ]
        while any(folded):
            most = max(map(len, folded))
            whole = self.bottom - MARGIN - 2 * pad - (height + 2 * pad if header else 0)
            turned = self._room(min(most, int(whole // height)) * height + 2 * pad)
            if turned and header:
                self._row(header, widths, "BB")
            fit = max(1, int((self.bottom - self.get_y() - 2 * pad) // height))
            top, tall = self.get_y(), min(most, fit) * height + 2 * pad
            left = self.l_margin
            for lines, width, face in zip(folded, widths, faces, strict=True):
                if frame:
                    self._out("/Artifact BMC")
                    self.rect(left, top, width, tall)
                    self._out("EMC")
                self.set_font(FONT, face, BODY)
                if lines and any(lines):
                    with self._tagged("P"):
                        for place, line in enumerate(lines[:fit]):
                            self.set_xy(left, top + pad + place * height)
                            self.cell(width, height, line)
                left += width
            self.set_xy(self.l_margin, top + tall)
            folded = [lines[fit:] for lines in folded]

    def _table(self, table: Table) -> None:
        parts = list(table.widths) or [1.0] * len(table.header)
        widths = [self.epw * each / sum(parts) for each in parts]
        self.set_draw_color(150)
        self._room(3 * BODY * LEADING)
        self._row(table.header, widths, "BB")
        for row in table.rows:
            self._row(row, widths, header=table.header)

    def _picture(self, picture: Picture) -> None:
        self._room(picture.width)
        top = self.get_y()
        shown = io.BytesIO(picture.png)
        self.image(
            shown, x=self.l_margin, y=top, w=picture.width, h=picture.width, alt_text=picture.said
        )
        if picture.text:
            width, height = self.epw - picture.width - 4, SMALL * LEADING
            lines = self._folded(picture.text, width, SMALL, "")
            with self._tagged("P"):
                for place, line in enumerate(lines[: int(picture.width // height)]):
                    self.set_xy(self.l_margin + picture.width + 4, top + place * height)
                    self.cell(width, height, line)
        self.set_xy(self.l_margin, top + picture.width)
