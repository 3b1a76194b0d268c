# SPDX-License-Identifier: EUPL-1.2
"""Sections of a structured document: what people read, and beside it the entries that say the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from carnet.population.cda.copy import pdf_copy
from carnet.population.cda.elements import leaf, loinc, oid, tag, templates
from carnet.population.cda.header import Act, Header, document


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; entries point to its anchor."""

    cells: tuple[str, ...]
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; `widths` are parts of the width on paper."""

    widths: tuple[float, ...]
    header: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A section by its LOINC code, with its text and its entries."""

    code: str
    label: str
    title: str
    templates: tuple[str, ...]
    paragraphs: tuple[str, ...] = ()
    grid: Grid | None = None
    entries: tuple[str, ...] = ()
    inner: tuple["Section", ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """What every document of a kind says of itself."""

    templates: tuple[str, ...]
    act: Act


def structured(
    header: Header, model: Model, sections: Iterable[Section], pdf: bytes, acts: Sequence[Act] = ()
) -> bytes:
    """A document of level 3: its sections, then the PDF people print.

    acts: in place of the model's own.
    """
    inside = [
        _component(section, header.unique_id, str(number))
        for number, section in enumerate(sections, 1)
    ]
    body = tag("structuredBody", *inside, pdf_copy(header.unique_id, pdf))
    return document(header, model.templates, body, acts or (model.act,))


def _component(section: Section, document: str, place: str) -> str:
    inner = (
        _component(one, document, f"{place}.{number}")
        for number, one in enumerate(section.inner, 1)
    )
    read = (*(leaf("paragraph", text) for text in section.paragraphs), _table(section.grid))
    return "\n" + tag(
        "component",
        tag(
            "section",
            templates(*section.templates),
            tag("id", root=oid(document, "section", place)),
            loinc(section.code, section.label),
            leaf("title", section.title),
            tag("text", *read) if any(read) else "",
            *(tag("entry", entry) for entry in section.entries),
            *inner,
        ),
    )


def _table(grid: Grid | None) -> str:
    if grid is None:
        return ""
    head = tag("tr", *(leaf("th", cell) for cell in grid.header))
    rows = (tag("tr", *_cells(row)) for row in grid.rows)
    return tag("table", tag("thead", head), tag("tbody", *rows), border="0")


def _cells(row: Row) -> Iterable[str]:
    first, *others = row.cells
    yield tag("td", leaf("content", first, ID=row.anchor)) if row.anchor else leaf("td", first)
    for cell in others:
        yield leaf("td", cell)
