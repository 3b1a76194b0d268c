# SPDX-License-Identifier: EUPL-1.2
"""The body of a CDA document as people read it: sections, and their narrative as safe HTML.

Nothing of the source's markup passes: each narrative element is answered by one of ours, every
text is escaped, and the only attributes written are spans and scopes of cells and a class of
CLASSES. Links lose their target, images are shown from the attachments. Source: CDA R2,
NarrativeBlock.
"""

from dataclasses import dataclass
from html import escape
from typing import Final

from carnet.documents.cda import datatypes as d

# Narrative element → HTML element; "" keeps the content alone.
ELEMENTS: Final = {
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tfoot": "tfoot",
    "tr": "tr",
    "th": "th",
    "td": "td",
    "paragraph": "p",
    "item": "li",
    "sub": "sub",
    "sup": "sup",
}
BLOCKS: Final = frozenset({"table", "list", "paragraph"})
# styleCode → class of ours (CDA R2 4.3.5.11); others are dropped.
CLASSES: Final = {
    "bold": "bold",
    "italics": "italic",
    "underline": "underline",
    "emphasis": "italic",
}
SPANS: Final = ("colspan", "rowspan")
SCOPES: Final = frozenset({"row", "col", "rowgroup", "colgroup"})
MAX_SPAN: Final = 1000  # HTML's own limit for columns


@dataclass(frozen=True, slots=True)
class Section:
    """One section, in reading order."""

    place: str  # where in the source, e.g. structuredBody/component[2]/section
    level: int  # 1 for the sections of the body
    code: d.Code | None
    title: str | None
    templates: tuple[str, ...]
    html: str  # safe; "" without narrative


@dataclass(frozen=True, slots=True)
class Placed:
    """A section of the source with what was read of it: for the readers of its entries."""

    section: Section
    element: d.Element
    index: int


def sections(body: d.Element, narrative: d.Narrative) -> list[Placed]:
    """Every section below a structuredBody, parents before children."""
    found: list[Placed] = []
    _walk(body, "structuredBody", 1, found, narrative)
    return found


def _walk(
    parent: d.Element, place: str, level: int, found: list[Placed], narrative: d.Narrative
) -> None:
    for index, component in enumerate(d.children(parent, "component"), 1):
        element = d.child(component, "section")
        if element is None:
            continue
        here = f"{place}/component[{index}]/section"
        section = Section(
            here,
            level,
            d.code(d.child(element, "code"), narrative),
            d.text(d.child(element, "title")),
            d.templates(element),
            html(d.child(element, "text")),
        )
        found.append(Placed(section, element, len(found)))
        _walk(element, here, level + 1, found, narrative)


def html(narrative: d.Element | None) -> str:
    """A narrative block as HTML that may be put in a page as it is."""
    if narrative is None or d.text(narrative) is None:
        return ""  # nothing to read: a table that only frames an image
    pieces: list[str] = []
    _inside(narrative, pieces)
    written = "".join(pieces).strip()
    if written and not any(d.local(e) in BLOCKS for e in narrative):
        return f"<p>{written}</p>"
    return written


def _inside(element: d.Element, pieces: list[str]) -> None:
    if element.text:
        pieces.append(_text(element.text))
    for part in element:
        _element(part, pieces)
        if part.tail:
            pieces.append(_text(part.tail))


def _element(element: d.Element, pieces: list[str]) -> None:
    kind = d.local(element)
    if kind == "br":
        pieces.append("<br>")
        return
    if kind == "list":
        _list(element, pieces)
        return
    if kind == "caption":
        _caption(element, pieces)
        return
    name = ELEMENTS.get(kind)
    style = _class(element)
    if name is None:
        name = "span" if style else ""
    if name == "p" and _blocks(element):
        name = "div"  # HTML closes a paragraph at the first table or list
    if not name:
        _inside(element, pieces)
        return
    pieces.append(f"<{name}{style}{_spans(element) if kind in ('td', 'th') else ''}>")
    _inside(element, pieces)
    pieces.append(f"</{name}>")


def _list(element: d.Element, pieces: list[str]) -> None:
    name = "ol" if element.get("listType") == "ordered" else "ul"
    for caption in d.children(element, "caption"):
        _caption(caption, pieces)
    pieces.append(f"<{name}>")
    for item in d.children(element, "item"):
        _element(item, pieces)
    pieces.append(f"</{name}>")


def _caption(element: d.Element, pieces: list[str]) -> None:
    parent = element.getparent()
    name = "caption" if parent is not None and d.local(parent) == "table" else "p"
    pieces.append(f"<{name}>")
    _inside(element, pieces)
    pieces.append(f"</{name}>")


def _blocks(element: d.Element) -> bool:
    return any(d.local(e) in BLOCKS for e in element.iterdescendants())


def _class(element: d.Element) -> str:
    codes = element.get("styleCode")
    if not codes:
        return ""
    names = dict.fromkeys(CLASSES[c] for c in codes.lower().split() if c in CLASSES)
    return f' class="{" ".join(names)}"' if names else ""


def _spans(cell: d.Element) -> str:
    written = ""
    for name in SPANS:
        span = cell.get(name, "")
        if span.isascii() and span.isdigit() and len(span) <= 4 and 1 < int(span) <= MAX_SPAN:
            written += f' {name}="{int(span)}"'
    scope = cell.get("scope", "")
    if scope in SCOPES:
        written += f' scope="{scope}"'
    return written


def _text(written: str) -> str:
    """Text of the source: escaped, its runs of white space folded to one."""
    if written.isspace():
        return " "
    folded = " ".join(written.split())
    if written[0].isspace():
        folded = " " + folded
    if written[-1].isspace():
        folded += " "
    return escape(folded)
