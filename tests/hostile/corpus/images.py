# SPDX-License-Identifier: EUPL-1.2
"""Pictures that swell, loop, lie or carry something: PNG, JPEG, TIFF and what is named so.

Each is (media type said, bytes). Source: PNG 3rd ed.; ITU T.81; TIFF 6.0; CVE lists of image readers.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Final

from PIL import Image

from tests.hostile.corpus.bait import Bait
from tests.hostile.corpus.markup import ACT, SVG

PNG: Final = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes, *, good: bool = True) -> bytes:
    """A chunk of a PNG."""
    check = zlib.crc32(kind + content) if good else 0
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(width: int, height: int, *more: bytes, data: bytes | None = None, kind: int = 0) -> bytes:
    """A grey PNG of these sides, whatever it holds."""
    content = (
        data if data is not None else zlib.compress(bytes(min((width + 1) * height, 1_000_000)))
    )
    return b"".join(
        (
            PNG,
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)),
            *more,
            chunk(b"IDAT", content),
            chunk(b"IEND", b""),
        )
    )


def tiff(
    entries: list[tuple[int, int, int, int]], *, next_at: int = 0, count: int | None = None
) -> bytes:
    """A little-endian TIFF of one directory; entries are (tag, type, count, value)."""
    said = len(entries) if count is None else count
    made = b"II*\0" + struct.pack("<IH", 8, said)
    made += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return made + struct.pack("<I", next_at) + bytes(64)


def of(kind: str, size: tuple[int, int] = (8, 8), **more: object) -> bytes:
    """A good picture."""
    made = io.BytesIO()
    Image.new("RGB", size, (200, 10, 10)).save(made, kind, **more)
    return made.getvalue()


def documents(bait: Bait) -> dict[str, tuple[str, bytes]]:
    """Every one, by name."""
    sides = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    strips = [(273, 4, 1, 100), (278, 4, 1, 8), (279, 4, 1, 64)]
    flood = [(256, 4, 1, 30_000), (257, 4, 1, 30_000), *sides[2:], *strips]
    jpeg, good, page = of("JPEG"), of("PNG"), of("TIFF")
    wide = bytearray(jpeg)
    frame = wide.index(b"\xff\xc0")
    wide[frame + 5 : frame + 9] = struct.pack(">HH", 65_500, 65_500)
    svg = f'<svg xmlns="{SVG}" onload="{ACT}"><image href="{bait.url}/i"/></svg>'.encode()
    html = f"<html><script>{ACT}</script>".encode()
    exif = Image.Exif()
    exif[0x010E] = f"<script>{ACT}</script>"
    exif[0x0112] = 99
    made: dict[str, bytes] = {
        "png-flood": png(30_000, 30_000),
        "png-flood-filled": png(30_000, 30_000, data=zlib.compress(bytes(100_000_000), 9)),
        "png-sides-huge": png(2**31 - 1, 2**31 - 1),
        "png-sides-none": png(0, 0),
        "png-thin": png(2**31 - 1, 1),
        "png-cut": good[: len(good) // 2],
        "png-crc-wrong": good.replace(b"IDAT", b"IDAU"),
        "png-no-data": png(8, 8, data=b""),
        "png-data-bomb": png(8, 8, data=zlib.compress(bytes(200_000_000), 9)),
        "png-text-bomb": png(8, 8, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100_000_000), 9))),
        "png-itxt-bomb": png(8, 8, chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(100_000_000), 9))),
        "png-iccp-bomb": png(8, 8, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100_000_000), 9))),
        "png-many-texts": png(8, 8, *[chunk(b"tEXt", b"k\0" + b"v" * 50)] * 20_000),
        "png-chunk-long": PNG + struct.pack(">I", 2**31 - 1) + b"IHDR",
        "png-palette-none": png(8, 8, kind=3),
        "png-kind-unknown": png(8, 8, kind=9),
        "png-animated": png(
            8, 8, chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)),
            chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 8, 8, 0, 0, 0, 0, 0, 0)),
        ),
        "png-script": png(8, 8, chunk(b"tEXt", b"Comment\0" + html)),
        "png-then-html": good + html,
        "png-then-zip": good + b"PK\x03\x04" + bytes(60),
        "png-is-svg": svg,
        "png-is-html": html,
        "png-is-gif": b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + bytes(50),
        "png-is-bmp": b"BM" + struct.pack("<IIIIii", 99, 0, 54, 40, 2**31 - 1, 2**31 - 1) + bytes(50),
        "png-is-eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run",
        "png-is-webp": b"RIFF\x24\0\0\0WEBPVP8 " + bytes(40),
        "jpeg-flood": bytes(wide),
        "jpeg-cut": jpeg[: len(jpeg) // 2],
        "jpeg-no-end": jpeg[:-2],
        "jpeg-head": jpeg[:4],
        "jpeg-exif": of("JPEG", exif=exif),
        "jpeg-exif-loop": jpeg[:2] + b"\xff\xe1\x00\x1aExif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0" + jpeg[2:],
        "jpeg-comments": jpeg[:2] + (b"\xff\xfe\x00\x40" + html.ljust(62, b" ")[:62]) * 20_000 + jpeg[2:],
        "jpeg-scans": jpeg[:-2] + jpeg[jpeg.index(b"\xff\xda") : -2] * 500 + b"\xff\xd9",
        "jpeg-then-html": jpeg + html,
        "jpeg-is-png": good,
        "tiff-flood": tiff(flood),
        "tiff-loop": tiff([*sides, *strips], next_at=8),
        "tiff-tags-many": tiff([*sides, *strips], count=65_535),
        "tiff-count-huge": tiff([(256, 3, 2**31, 8), *sides[1:], *strips]),
        "tiff-strips-huge": tiff([*sides, (273, 4, 2**30, 100), (279, 4, 2**30, 100)]),
        "tiff-strip-outside": tiff([*sides, (273, 4, 1, 2**31), (279, 4, 1, 2**31)]),
        "tiff-sides-none": tiff([(256, 3, 1, 0), (257, 3, 1, 0), *sides[2:], *strips]),
        "tiff-compression-unknown": tiff([*sides[:3], (259, 3, 1, 34_712), sides[4], *strips]),
        "tiff-jpeg-inside": tiff([*sides[:3], (259, 3, 1, 7), sides[4], *strips]),
        "tiff-lzw-empty": tiff([*sides[:3], (259, 3, 1, 5), sides[4], *strips]),
        "tiff-big": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**60),
        "tiff-cut": page[: len(page) // 2],
        "tiff-head": b"II*\0",
        "tiff-offset-far": b"MM\0*" + struct.pack(">I", 2**32 - 1),
        "tiff-is-html": html,
    }  # fmt: skip
    return {name: (f"image/{name.partition('-')[0]}", content) for name, content in made.items()}
