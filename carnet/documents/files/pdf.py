# SPDX-License-Identifier: EUPL-1.2
"""A PDF written again without anything that acts: what is seen stays, what does goes. Confined.

The catalogue, the name trees, annotations and actions are kept by lists of what is harmless, so that
what this page does not know of is left out. Forms are flattened: what was filled in becomes part of the
page. The result is read again and must have nothing left to remove.
Source: ISO 32000-2, 7.7.2 (catalogue), 7.7.4 (names), 12.5.6 (annotations), 12.6 (actions).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pikepdf
import pikepdf.models
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

from carnet.documents.files.refusal import Refusal

PAGES = 500
CHAIN = 5  # actions after one another, for the words of what was removed
ROUNDS = 3  # of cleaning, until nothing is left
CATALOGUE = frozenset(
    "/Type /Version /Pages /PageLabels /Names /Dests /ViewerPreferences /PageLayout /Outlines"
    " /StructTreeRoot /MarkInfo /Lang /OCProperties /OutputIntents".split()
)
ANNOTATIONS = frozenset(
    "/Link /Text /FreeText /Line /Square /Circle /Polygon /PolyLine /Highlight /Underline"
    " /Squiggly /StrikeOut /Stamp /Caret /Ink /Popup /Redact".split()
)
ACTIONS = frozenset(("/GoTo",))
NAMED = frozenset(("/NextPage", "/PrevPage", "/FirstPage", "/LastPage"))
SCRIPTS = frozenset(("/JS", "/JavaScript", "/XFA"))
MEDIA = frozenset(("/Sound", "/Movie", "/Screen", "/RichMedia", "/3D"))
EVENTS = frozenset(("/AA", "/OpenAction"))
# Of any dictionary: what names a file, a program or a site elsewhere, or hides more of either.
EXTERNAL = frozenset(
    "/Ref /OPI /FFilter /FDecodeParms /PS /Collection /Threads /SpiderInfo".split()
)
ATTACHED = frozenset("/EF /RF /AF /EmbeddedFiles".split())
HIDDEN = frozenset("/Metadata /PieceInfo /LastModified".split())


def _ready() -> None:
    """Have qpdf open its source of random numbers, which it asks for to read what is encrypted."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        made = io.BytesIO()
        pdf.save(made, encryption=pikepdf.Encryption(owner="any"))
    with Pdf.open(made):
        pass


_ready()  # nothing can be opened later


def clean(data: bytes) -> tuple[list[str], bytes]:
    """What was removed, and the PDF without it."""
    removed: set[str] = set()
    for turn in range(ROUNDS):
        with _opened(data) as pdf:
            found = _cleaned(pdf, first=turn == 0)
            if turn and not found - {"metadata"}:
                return sorted(removed), data
            removed |= found
            made = io.BytesIO()
            pdf.save(
                made,
                encryption=False,
                deterministic_id=True,
                object_stream_mode=pikepdf.ObjectStreamMode.generate,
                compress_streams=True,
                normalize_content=False,
                linearize=False,
            )
            data = made.getvalue()
    raise Refusal("still-active")


def _opened(data: bytes) -> Pdf:
    try:
        pdf = Pdf.open(io.BytesIO(data), suppress_warnings=True)
    except pikepdf.PasswordError:
        raise Refusal("encrypted") from None
    except pikepdf.PdfError:
        raise Refusal("unreadable") from None
    if len(pdf.pages) > PAGES:
        raise Refusal("too-many-pages")
    if len(pdf.pages) == 0:
        raise Refusal("no-page")
    return pdf


def _cleaned(pdf: Pdf, *, first: bool) -> set[str]:
    removed: set[str] = set()
    if first and pdf.is_encrypted:
        removed.add("encryption")
    if first and "/Info" in pdf.trailer:
        removed.add("metadata")
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]
    if "/AcroForm" in pdf.Root:
        _flatten(pdf, removed)
    root = pdf.Root
    for key in [key for key in list(root.keys()) if key not in CATALOGUE]:
        removed.update(_reason(key, root[key]))
        del root[key]
    names = root.get("/Names")
    if isinstance(names, Dictionary):
        for key in [key for key in list(names.keys()) if key != "/Dests"]:
            removed.update(_reason(key, names[key]))
            del names[key]
    for page in pdf.pages:
        _annotations(page.obj, removed)
    for found in _everything(pdf):
        if isinstance(found, Dictionary | Stream):
            _inert(found, removed)
    return removed


def _flatten(pdf: Pdf, removed: set[str]) -> None:
    """What a form was filled with becomes part of its pages; the form goes."""
    form = pdf.Root["/AcroForm"]
    if isinstance(form, Dictionary):
        if "/XFA" in form:
            removed.add("script")
            del form["/XFA"]
        fields = form.get("/Fields")
        if isinstance(fields, Array) and len(fields):
            removed.add("form")
            if any(each.get("/FT") == Name.Sig for each in fields if isinstance(each, Dictionary)):
                removed.add("signature")
        if _undrawn(pdf):
            form["/NeedAppearances"] = True
    try:
        pdf.generate_appearance_streams()
        pdf.flatten_annotations("all")
    except (pikepdf.PdfError, RuntimeError, ValueError, TypeError):
        pass  # a form too odd to be drawn: its fields go, its pages stay
    if "/AcroForm" in pdf.Root:
        del pdf.Root["/AcroForm"]


def _undrawn(pdf: Pdf) -> bool:
    """Whether a field was filled in by a program that left the drawing of it to the reader."""
    for page in pdf.pages:
        held = page.obj.get("/Annots")
        for each in held if isinstance(held, Array) else ():
            widget = isinstance(each, Dictionary) and str(each.get("/Subtype", "")) == "/Widget"
            if widget and "/AP" not in each:
                return True
    return False


def _annotations(page: Object, removed: set[str]) -> None:
    """Keep the annotations that only show."""
    held = page.get("/Annots")
    if held is None:
        return
    kept = []
    for each in held if isinstance(held, Array) else ():
        kind = str(each.get("/Subtype", "")) if isinstance(each, Dictionary) else ""
        if kind in ANNOTATIONS:
            kept.append(each)
        elif kind == "/FileAttachment":
            removed.add("attachment")
        elif kind in MEDIA:
            removed.add("media")
        elif kind == "/Widget":
            removed.add("form")
    if kept:
        page["/Annots"] = Array(kept)
    else:
        del page["/Annots"]


def _everything(pdf: Pdf) -> Iterator[Object]:
    """Every dictionary and array of the file, those inside others too."""
    for found in pdf.objects:
        waiting = [found]
        while waiting:
            each = waiting.pop()
            yield each
            if isinstance(each, Dictionary | Stream):
                waiting += [value for value in _values(each) if _inside(value)]
            elif isinstance(each, Array):
                waiting += [value for value in each if _inside(value)]


def _values(holder: Object) -> list[Any]:
    return [holder[key] for key in list(holder.keys())]


def _inside(value: Any) -> bool:
    """Whether it is a container written in place: what is indirect is met by itself."""
    return isinstance(value, Dictionary | Array | Stream) and not value.is_indirect


def _inert(holder: Object, removed: set[str]) -> None:
    """Take out of a dictionary what acts, plays, hides or names something elsewhere."""
    stream = isinstance(holder, Stream)
    for key in list(holder.keys()):
        value = holder[key]
        if key in SCRIPTS or key in EVENTS or key in ATTACHED or key in EXTERNAL:
            removed.update(_reason(key, value))
            del holder[key]
        elif key in HIDDEN:
            removed.add("metadata")
            del holder[key]
        elif key == "/F" and (stream or _names_a_file(holder)):
            removed.add("external")
            del holder[key]
        elif isinstance(value, Dictionary) and _acts(value):
            removed.update(_reason(key, value))
            del holder[key]
        elif key == "/Next" and isinstance(value, Array):  # a chain of actions
            removed.add("action")
            del holder[key]
    if stream and str(holder.get("/Subtype", "")) in ("/PS", "/3D", "/U3D", "/PRC"):
        removed.add("media")
        holder.write(b"")
        del holder["/Subtype"]


def _names_a_file(holder: Object) -> bool:
    return holder.get("/Type") in (Name.Filespec, Name.F) or "/S" in holder


def _acts(value: Dictionary) -> bool:
    """Whether a dictionary is an action other than moving in the document."""
    kind = value.get("/S")
    if not isinstance(kind, Name) or not _is_action(value):
        return False
    if str(kind) == "/Named":
        return str(value.get("/N", "")) not in NAMED
    return str(kind) not in ACTIONS


# /S is also a structure type, a border style, a transition and more.
KINDS = frozenset(
    "/GoTo /GoToR /GoToE /GoToDp /Launch /Thread /URI /Sound /Movie /Hide /Named /SubmitForm /ResetForm"
    " /ImportData /SetOCGState /Rendition /Trans /GoTo3DView /JavaScript /RichMediaExecute".split()
)


def _is_action(value: Dictionary) -> bool:
    return value.get("/Type") == Name.Action or (
        str(value.get("/S")) in KINDS and value.get("/Type") in (None, Name.Action)
    )


def _reason(key: str, value: Any) -> set[str]:
    """Which sentence says why something was removed."""
    if key in SCRIPTS:
        return {"script"}
    if key in ATTACHED:
        return {"attachment"}
    if key in EXTERNAL:
        return {"external"}
    if key in HIDDEN:
        return {"metadata"}
    if key in ("/Renditions", "/AlternatePresentations"):
        return {"media"}
    if key in ("/Perms", "/DSS"):
        return {"signature"}
    kinds = set(_kinds(value))
    if "/JavaScript" in kinds:
        return {"script"}
    if kinds & {"/Sound", "/Movie", "/Rendition", "/RichMediaExecute", "/GoTo3DView"}:
        return {"media"}
    # Where to open is lost too: that needs not be told.
    return {"action"} if kinds & KINDS - ACTIONS - {"/Named"} or key == "/URI" else set()


def _kinds(value: Any, depth: int = 0) -> Iterator[str]:
    """The kinds of an action, of those that follow it, and of those of a dictionary of events."""
    if depth > CHAIN:
        return
    if isinstance(value, Array):
        for each in value:
            yield from _kinds(each, depth + 1)
    elif isinstance(value, Dictionary):
        if isinstance(value.get("/S"), Name):
            yield str(value["/S"])
            yield from _kinds(value.get("/Next"), depth + 1)
        elif "/Type" not in value:
            for each in _values(value):
                yield from _kinds(each, depth + 1)
