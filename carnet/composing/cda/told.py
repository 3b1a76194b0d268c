# SPDX-License-Identifier: EUPL-1.2
"""What a cell of a table says, in pieces an entry can point to; and the comment an entry has.

A piece is (name, words): its anchor is that of the line with its name behind; "" is the line itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from carnet.composing.cda import codes
from carnet.composing.cda.codes import listed
from carnet.composing.cda.elements import Element, tag, templates
from carnet.composing.model import Json

Piece = tuple[str, str]
Cells = tuple[tuple[Piece, ...], ...]
BETWEEN: Final = " ; "
PLAIN: Final = "-"  # the name of a piece no entry points to
REMARK: Final = "commentaire"
COMMENT: Final = (
    "2.16.840.1.113883.10.20.1.40", "1.3.6.1.4.1.19376.1.5.3.1.4.2", "1.2.250.1.213.1.1.3.32",
)  # fmt: skip


def words(pieces: Sequence[Piece]) -> str:
    """A cell as it is read."""
    return BETWEEN.join(text for _, text in pieces if text)


def plain(*said: str) -> tuple[Piece, ...]:
    """A cell of words alone."""
    return tuple((PLAIN, each) for each in said if each)


def remarks(resource: Json, *, but: Sequence[str] = ()) -> tuple[Piece, ...]:
    """The notes of a resource as one piece; none when it has none."""
    held = (" ".join(str(each.get("text", "")).split()) for each in listed(resource.get("note")))
    found = [each for each in held if each and each not in but]
    return ((REMARK, BETWEEN.join(found)),) if found else ()


def cell(pieces: Sequence[Piece], anchor: str) -> Element:
    """A cell of the table."""
    said = [(name, text) for name, text in pieces if text]
    made = tag("td")
    for at, (name, text) in enumerate(said):
        own = anchor if not name else f"{anchor}-{name}"
        each = tag("content", text=text, ID=None if name == PLAIN else own)
        each.tail = BETWEEN if at + 1 < len(said) else None
        made.append(each)
    return made


def told(anchor: str, name: str = "") -> Element:
    """What an entry says in words, by its anchor."""
    return tag("text", tag("reference", value=f"#{anchor}-{name}" if name else f"#{anchor}"))


def comment(pieces: Sequence[Piece], anchor: str) -> Element | None:
    """The comment of an entry, in the words of the table."""
    if not any(name == REMARK for name, _ in pieces):
        return None
    return tag(
        "entryRelationship",
        tag(
            "act",
            *templates(*COMMENT),
            codes.loinc("48767-8", "Commentaire"),
            told(anchor, REMARK),
            tag("statusCode", code="completed"),
            classCode="ACT",
            moodCode="EVN",
        ),
        typeCode="SUBJ",
        inversionInd="true",
    )
