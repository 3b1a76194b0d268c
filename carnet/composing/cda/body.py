# SPDX-License-Identifier: EUPL-1.2
"""Sections: what people read, and beside it the entries that say the same."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid5

from carnet.composing.cda import codes, elements, entries, told, writers
from carnet.composing.cda.copy import copied
from carnet.composing.cda.elements import Element, tag, templates
from carnet.composing.cda.header import header
from carnet.composing.model import Document, Json, Line, Part

TAKEN = ("treatment", "stopped")


def write(document: Document, copy: bytes | None = None) -> bytes:
    """The document as CDA R2 level 3. copy: the PDF people read, put at its end."""
    writer = _Writer(document)
    parts = [writer.component(part, str(at)) for at, part in enumerate(document.parts, 1)]
    if copy is not None:
        parts.append(copied(document, copy))
    body = tag("component", tag("structuredBody", *parts))
    return elements.document(tag("ClinicalDocument", *header(document), body))


class _Writer:
    """Gives anchors and numbers, each once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.taken: set[tuple[str, str | None]] = set()
        self.last = 0

    def number(self, resource: Json | None) -> Element:
        """The id of an entry: its resource's own number the first time, else a new one."""
        own = entries.own_number(resource)
        if own is None or own in self.taken:
            self.last += 1
            own = str(uuid5(self.document.number, f"entry {self.last}")).upper(), None
        self.taken.add(own)
        return tag("id", root=own[0], extension=own[1])

    def component(self, part: Part, place: str) -> Element:
        """A section with those inside it."""
        anchors = [f"l{place.replace('.', '-')}-{at}" for at in range(1, len(part.lines) + 1)]
        told = list(zip(part.lines, anchors, strict=True))
        section = tag(
            "section",
            *templates(*part.templates),
            tag("id", root=str(uuid5(self.document.number, f"section {place}")).upper()),
            codes.loinc(part.code, part.label),
            tag("title", text=part.title),
            None if part.inside and not part.lines and not part.words else _text(part, anchors),
            *(self.entry(line, anchor) for line, anchor in told if line.kind and line.resource),
            *(self.component(each, f"{place}.{at}") for at, each in enumerate(part.inside, 1)),
        )
        return tag("component", section)

    def entry(self, line: Line, anchor: str) -> Element:
        """What a line says, coded."""
        assert line.kind is not None and line.resource is not None
        made = writers.WRITERS[line.kind](line.resource, anchor, self.number)
        return tag("entry", made, typeCode="DRIV" if line.kind in TAKEN else None)


def _text(part: Part, anchors: list[str]) -> Element:
    return tag("text", *_words(part, anchors))


def _words(part: Part, anchors: list[str]) -> Iterator[Element]:
    if part.lines:
        rows = [_row(line, anchor) for line, anchor in zip(part.lines, anchors, strict=True)]
        head = tag("thead", tag("tr", *(tag("th", text=each) for each in part.header)))
        yield tag("table", head, tag("tbody", *rows))
    for words in part.words:
        for each in words.split("\n"):
            if each.strip():
                yield tag("paragraph", text=each.strip())
    if part.nothing:
        yield tag("paragraph", text=part.nothing)


def _row(line: Line, anchor: str) -> Element:
    """The first cell has the anchor of the entry; a dosage is the second of a treatment."""
    if line.pieces is not None:
        return tag("tr", *(told.cell(each, anchor) for each in line.pieces))
    cells = []
    for at, text in enumerate(line.cells):
        own = anchor if at == 0 else f"{anchor}-posologie" if at == 1 and line.kind in TAKEN else ""
        cells.append(
            tag("td", tag("content", text=text, ID=own) if own else None, text="" if own else text)
        )
    return tag("tr", *cells)
