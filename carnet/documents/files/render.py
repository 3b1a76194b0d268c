# SPDX-License-Identifier: EUPL-1.2
"""A PDF as pictures of its pages and as text. Confined.

The fonts a PDF does not hold are those PDFium was built with: no file is read. No form code runs.
"""

from __future__ import annotations

import io
from typing import Any

import pypdfium2
import pypdfium2.raw as raw
from PIL import Image, PngImagePlugin

from carnet.documents.files.refusal import Refusal

PIXELS = 8_000_000  # of a page image
CHARACTERS = 1_000_000  # of a document's text
PAGES = 2_000  # of a document that is shown

Image.preinit()
WRITTEN_BY = PngImagePlugin  # imported before the cell is shut


def look(data: bytes) -> tuple[dict[str, Any], bytes]:
    """How many pages there are, and their text."""
    document = _opened(data)
    text: list[str] = []
    left = CHARACTERS
    for number in range(len(document)):
        if left <= 0:
            break
        try:
            page = document[number]
            found = page.get_textpage().get_text_bounded()[:left]
            page.close()
        except pypdfium2.PdfiumError:
            continue  # a page that has no readable text
        text.append(found)
        left -= len(found)
    return {"pages": len(document), "text": "\n\n".join(text)}, b""


def page(data: bytes, number: int, width: int) -> tuple[None, bytes]:
    """One page as PNG, no wider than asked."""
    document = _opened(data)
    if not 1 <= number <= len(document):
        raise Refusal("no-page")
    try:
        shown = document[number - 1]
        across, down = shown.get_size()
        if not (0 < across < 1e6 and 0 < down < 1e6):
            raise Refusal("unreadable")
        scale = min(width / across, (PIXELS / (across * down)) ** 0.5, 20000 / down)
        bitmap = shown.render(scale=scale, may_draw_forms=False, rev_byteorder=True)
    except pypdfium2.PdfiumError:
        raise Refusal("unreadable") from None
    picture = bitmap.to_pil()
    made = io.BytesIO()
    picture.convert("RGB").save(made, "PNG")
    return None, made.getvalue()


def _opened(data: bytes) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(data)
        count = len(document)
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD
        raise Refusal("encrypted" if locked else "unreadable") from None
    if count > PAGES:
        raise Refusal("too-many-pages")
    if count < 1:
        raise Refusal("no-page")
    return document
