# SPDX-License-Identifier: EUPL-1.2
"""The body of a CDA document as people read it: sections, and their narrative as safe HTML.

Nothing of the source's markup passes: each narrative element is answered by one of ours, every
text is escaped, and the only attributes written are spans and scopes of cells, a class of CLASSES,
and the bytes of an image whose content is one. A link is its address in words: nothing to click.
What is written is XHTML too, so it stands in a page and in a FHIR Narrative alike. Source: CDA R2,
NarrativeBlock.

A section that holds entries and no words is read from its entries (see `spoken.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from carnet.documents.cda import datatypes as d
from carnet.documents.cda import spoken
from carnet.documents.cda.header import Party, party

# Narrative element → HTML element; what is not here keeps its content alone.
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
BLOCKS: Final = frozenset({"table", "list", "paragraph", "caption"})
# styleCode → class of ours (CDA R2 4.3.5.11); others are dropped.
CLASSES: Final = {
    "bold": "bold",
    "italics": "italic",
    "bolditalics": "bold italic",
    "underline": "underline",
    "emphasis": "italic",
}
REVISED: Final = {"insert": "ins", "delete": "del"}  # CDA R2 4.3.5.1.1
SPANS: Final = ("colspan", "rowspan")
SCOPES: Final = frozenset({"row", "col", "rowgroup", "colgroup"})
MAX_SPAN: Final = 1000  # HTML's own limit for columns
# Schemes of an address that is shown; one without a scheme names a file beside the document.
SHOWN_SCHEMES: Final = frozenset({"", "http", "https", "mailto", "tel"})
MAX_ADDRESS: Final = 500
MAX_NAMED: Final = 120

SOMEBODY: Final = "une autre personne"  # a section of somebody who is not named

Show = Callable[[str], str]  # identifier of an observationMedia → safe HTML of it, "" for none


@dataclass(frozen=True, slots=True)
class _Around:
    """What an element of a narrative needs of the rest."""

    show: Show
    notes: Mapping[str, int]  # ID of a footnote pointed at again → its number


@dataclass(frozen=True, slots=True)
class Section:
    """One section, in reading order."""

    place: str  # where in the source, e.g. structuredBody/component[2]/section
    level: int  # 1 for the sections of the body
    code: d.Code | None
    title: str | None
    templates: tuple[str, ...]
    html: str  # safe; "" when it says nothing
    generated: bool = False  # the text is ours, from the entries: the document has none there
    parent: int | None = None  # index of the section it stands in
    id: d.Id | None = None
    authors: tuple[Party, ...] = ()  # when they are not those of the document
    subject: str | None = None  # of whom it speaks, when not of the patient: a foetus, a relative
    null: str | None = None  # nullFlavor of the section or of its text

    @property
    def named(self) -> str:
        """Code and title, as a report names a section; not what was written in it."""
        code = self.code.code if self.code else None
        name = self.title or (self.code.label if self.code else None)
        return " ".join(dict.fromkeys(p for p in (code, name) if p))[:MAX_NAMED]


@dataclass(frozen=True, slots=True)
class Placed:
    """A section of the source with what was read of it: for the readers of its entries."""

    section: Section
    element: d.Element
    index: int


def sections(body: d.Element, narrative: d.Narrative, show: Show) -> list[Placed]:
    """Every section below a structuredBody, parents before children."""
    found: list[Placed] = []
    _walk(body, "structuredBody", None, found, narrative, show)
    return found


def _walk(
    parent: d.Element,
    place: str,
    above: int | None,
    found: list[Placed],
    narrative: d.Narrative,
    show: Show,
) -> None:
    for index, component in enumerate(d.children(parent, "component"), 1):
        for rank, element in enumerate(d.children(component, "section"), 1):
            again = f"[{rank}]" if rank > 1 else ""  # against the schema, and read all the same
            here = f"{place}/component[{index}]/section{again}"
            _section(element, here, above, found, narrative, show)


def _section(
    element: d.Element,
    here: str,
    above: int | None,
    found: list[Placed],
    narrative: d.Narrative,
    show: Show,
) -> None:
    level = 1 if above is None else found[above].section.level + 1
    text = d.child(element, "text")
    words = html(text, show)
    told = "" if words else spoken.html(element, narrative)
    section = Section(
        here,
        level,
        d.code(d.child(element, "code"), narrative),
        d.text(d.child(element, "title")),
        d.templates(element),
        words or told,
        bool(told),
        above,
        d.identifier(d.child(element, "id")),
        tuple(
            party("author", e, d.child(e, "assignedAuthor")) for e in d.children(element, "author")
        ),
        _subject(element) or (found[above].section.subject if above is not None else None),
        d.attribute(element, "nullFlavor") or d.attribute(text, "nullFlavor"),
    )
    found.append(Placed(section, element, len(found)))
    _walk(element, here, len(found) - 1, found, narrative, show)


def _subject(element: d.Element) -> str | None:
    """Of whom the section speaks, in the words of the document; somebody, when it has none."""
    subject = d.child(element, "subject")
    if subject is None:
        return None
    related = d.child(subject, "relatedSubject")
    relation = d.code(d.child(related, "code"))
    named = d.name(d.down(related, "subject", "name"))
    words = [relation.label if relation else None, named.text if named else None]
    return " ".join(w for w in words if w) or SOMEBODY


def html(narrative: d.Element | None, show: Show = lambda key: "") -> str:
    """A narrative block as HTML that may be put in a page as it is.

    show: gives the image an observationMedia holds; without it images are left out.
    """
    if narrative is None:
        return ""
    pieces: list[str] = []
    _inside(narrative, pieces, _Around(show, _notes(narrative)))
    written = "".join(pieces).strip()
    if "<img " not in written and d.text(narrative) is None:
        return ""  # nothing to read: a table that only frames a file
    if written and not _blocks(narrative):
        return f"<p>{written}</p>"
    return written


def _inside(element: d.Element, pieces: list[str], around: _Around) -> None:
    if element.text:
        pieces.append(_text(element.text))
    for part in element:
        _element(part, pieces, around)
        if part.tail:
            pieces.append(_text(part.tail))


def _element(element: d.Element, pieces: list[str], around: _Around) -> None:
    kind = d.local(element)
    other = OTHERS.get(kind)
    if other is not None:
        other(element, pieces, around)
        return
    style = _class(element)
    name = ELEMENTS.get(kind) or REVISED.get(element.get("revised", ""), "span" if style else "")
    if name == "p" and _blocks(element):
        name = "div"  # HTML closes a paragraph at the first table, list or paragraph
    if not name:
        _inside(element, pieces, around)
        return
    pieces.append(f"<{name}{style}{_spans(element) if kind in ('td', 'th') else ''}>")
    _inside(element, pieces, around)
    pieces.append(f"</{name}>")


def _break(element: d.Element, pieces: list[str], around: _Around) -> None:
    pieces.append("<br/>")
    _inside(element, pieces, around)


def _list(element: d.Element, pieces: list[str], around: _Around) -> None:
    """Items; its caption before them, and what is no item, against the schema, as one more."""
    name = "ol" if element.get("listType") == "ordered" else "ul"
    for caption in d.children(element, "caption"):
        _caption(caption, pieces, around)
    pieces.append(f"<{name}>")
    _loose(element.text, pieces)
    for item in element:
        kind = d.local(item)
        if kind == "item":
            _element(item, pieces, around)
        elif kind != "caption":
            pieces.append("<li>")
            _element(item, pieces, around)
            pieces.append("</li>")
        _loose(item.tail, pieces)
    pieces.append(f"</{name}>")


def _loose(written: str | None, pieces: list[str]) -> None:
    if written and not written.isspace():
        pieces.append(f"<li>{_text(written)}</li>")


def _caption(element: d.Element, pieces: list[str], around: _Around) -> None:
    parent = element.getparent()
    name = "div" if _blocks(element) else "p"
    if parent is not None and d.local(parent) == "table":
        name = "caption"
    pieces.append(f"<{name}>")
    _inside(element, pieces, around)
    pieces.append(f"</{name}>")


def _link(element: d.Element, pieces: list[str], around: _Around) -> None:
    """The words of a link, then its address in words when they do not say it."""
    _inside(element, pieces, around)
    address = " ".join((element.get("href") or "").split())
    scheme, colon, _ = address.partition(":")
    known = not colon or "/" in scheme or scheme.lower() in SHOWN_SCHEMES
    if not address or address.startswith("#") or not known or len(address) > MAX_ADDRESS:
        return
    bare = (address.partition("://")[2] or address).rstrip("/")
    if bare not in (d.text(element) or ""):
        pieces.append(f' <span class="link">({escape(address)})</span>')


def _media(element: d.Element, pieces: list[str], around: _Around) -> None:
    """The images a renderMultiMedia points at, then its caption."""
    for key in (element.get("referencedObject") or "").split():
        pieces.append(around.show(key.removeprefix("#")))
    _inside(element, pieces, around)


def _footnote(element: d.Element, pieces: list[str], around: _Around) -> None:
    """A note where it is called; with its number when it is called again."""
    number = around.notes.get(element.get("ID", ""))
    pieces.append(f' <span class="note">[{f"{number}. " if number else ""}')
    _inside(element, pieces, around)
    pieces.append("]</span>")


def _footnote_ref(element: d.Element, pieces: list[str], around: _Around) -> None:
    """The number of the note called again; a star where no note of this narrative is it."""
    number = around.notes.get(element.get("IDREF", ""))
    pieces.append(f' <span class="note">[{number or "*"}]</span>')
    _inside(element, pieces, around)


def _notes(narrative: d.Element) -> dict[str, int]:
    """The footnotes that are pointed at, numbered in their order."""
    called = {e.get("IDREF") for e in narrative.iter(f"{d.V3}footnoteRef")}
    found: dict[str, int] = {}
    for note in narrative.iter(f"{d.V3}footnote") if called else ():
        key = note.get("ID")
        if key and key in called:
            found.setdefault(key, len(found) + 1)
    return found


OTHERS: Final = {
    "br": _break,
    "list": _list,
    "caption": _caption,
    "linkHtml": _link,
    "renderMultiMedia": _media,
    "footnote": _footnote,
    "footnoteRef": _footnote_ref,
}


def _blocks(element: d.Element) -> bool:
    return any(d.local(e) in BLOCKS for e in element.iterdescendants())


def _class(element: d.Element) -> str:
    codes = element.get("styleCode")
    if not codes:
        return ""
    names = " ".join(CLASSES[c] for c in codes.lower().split() if c in CLASSES)
    return f' class="{" ".join(dict.fromkeys(names.split()))}"' if names else ""


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
