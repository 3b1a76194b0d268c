# SPDX-License-Identifier: EUPL-1.2
"""The readable copy of a document: `write(Sheet(...))` gives the bytes of a PDF, the same every time.

Blocks say what a thing is (a heading, a paragraph, facts, a table), never where it stands. The file
carries its fonts, its language, its title and its structure; nothing in it acts.
"""

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
from carnet.composing.pdf.sheet import Sheet, write

__all__ = [
    "Block", "Facts", "Heading", "Items", "Note", "Paragraph", "Picture", "Sheet", "Table", "write",
]  # fmt: skip
