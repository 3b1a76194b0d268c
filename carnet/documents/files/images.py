# SPDX-License-Identifier: EUPL-1.2
"""Pictures decoded and written again: pixels alone remain. Confined.

Their size is judged by their header, before one pixel is decoded.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

from PIL import Image, ImageFile, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from carnet.documents.files.refusal import Refusal

PIXELS = 40_000_000  # of one picture: decoded and turned, it holds in the memory of the cell
SIDE = 30_000  # pixels
PAGES = 100
QUALITY = 92  # of a JPEG written again
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/tiff": "TIFF"}
MODES = frozenset(("1", "L", "LA", "P", "RGB", "RGBA", "I;16"))

Image.preinit()  # nothing can be imported later
Image.MAX_IMAGE_PIXELS = None  # judged here
ImageFile.LOAD_TRUNCATED_IMAGES = False
PngImagePlugin.MAX_TEXT_CHUNK = 1 << 20
PngImagePlugin.MAX_TEXT_MEMORY = 4 << 20
TiffImagePlugin.READ_LIBTIFF = False
READ_BY = (JpegImagePlugin, PngImagePlugin, TiffImagePlugin)  # imported before the cell is shut


def clean(data: bytes, media: str) -> tuple[list[str], bytes]:
    """What was removed, and the picture without it."""
    removed: set[str] = set()
    picture = opened(data, media)
    if {"exif", "icc_profile", "comment", "photoshop", "xmp", "adobe", "Software"} & (
        picture.info.keys()
    ) or getattr(picture, "text", None):
        removed.add("metadata")
    made = io.BytesIO()
    if media == "image/tiff":
        _tiff(picture, made)
    elif media == "image/png":
        if getattr(picture, "n_frames", 1) > 1:
            removed.add("frames")
        _upright(picture).save(made, "PNG", **_resolution(picture))
    else:
        whole = _upright(picture)
        resolution = _resolution(picture)
        if whole is not picture:
            picture.close()  # its pixels, before those of the JPEG
        whole.save(made, "JPEG", quality=QUALITY, **resolution)
    return sorted(removed), made.getvalue()


def look(data: bytes, media: str) -> tuple[int, bytes]:
    """How many pictures a file holds."""
    return _count(opened(data, media)), b""


def page(data: bytes, media: str, number: int, width: int) -> tuple[None, bytes]:
    """One picture, no wider than asked, as PNG."""
    picture = opened(data, media)
    if not 1 <= number <= _count(picture):
        raise Refusal("no-page")
    if number > 1:
        picture.seek(number - 1)
        _judged(picture)
    picture.draft("RGB", (width, width * 4))  # of a JPEG: decoded no larger than needed
    shown = _upright(picture)
    if shown.mode in ("I;16", "I", "F"):
        shown = shown.point(lambda value: value / 256).convert("L")
    elif shown.mode not in ("L", "RGB", "RGBA"):
        shown = shown.convert("RGBA" if "transparency" in shown.info else "RGB")
    shown.thumbnail((width, width * 4))
    made = io.BytesIO()
    Image.frombytes(shown.mode, shown.size, shown.tobytes()).save(made, "PNG")
    return None, made.getvalue()


def opened(data: bytes, media: str) -> Image.Image:
    """A picture whose header was read, and whose size is bearable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=(FORMATS[media],))
    except Image.DecompressionBombError:
        raise Refusal("too-many-pixels") from None
    except (OSError, SyntaxError, ValueError, TypeError, KeyError):
        raise Refusal("unreadable") from None
    _judged(picture)
    return picture


def _judged(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > PIXELS or max(width, height) > SIDE:
        raise Refusal("too-many-pixels")
    if width < 1 or height < 1:
        raise Refusal("unreadable")


def _count(picture: Image.Image) -> int:
    """Pictures of a TIFF; an animation is its first one."""
    if picture.format != "TIFF":
        return 1
    try:
        count = int(getattr(picture, "n_frames", 1))
    except (OSError, SyntaxError, ValueError, EOFError):
        raise Refusal("unreadable") from None
    if count > PAGES:
        raise Refusal("too-many-pages")
    return count


def _upright(picture: Image.Image) -> Image.Image:
    """The pixels, decoded, turned as the camera says, in a mode that can be written."""
    turned = picture.getexif().get(0x0112, 1) not in (0, 1)
    try:
        picture.load()
    except OSError as error:
        cut = "truncated" in str(error) or "unexpected end" in str(error)
        raise Refusal("truncated" if cut else "unreadable") from None
    except (SyntaxError, ValueError, TypeError, EOFError):
        raise Refusal("unreadable") from None
    whole = ImageOps.exif_transpose(picture) if turned else picture
    if picture.format == "JPEG" and whole.mode not in ("L", "RGB"):
        whole = whole.convert("RGB")
    elif whole.mode not in MODES:
        whole = whole.convert("L" if whole.mode in ("I", "F", "I;16B") else "RGB")
    whole.info = {key: whole.info[key] for key in ("transparency",) if key in whole.info}
    return whole


def _resolution(picture: Image.Image) -> dict[str, tuple[float, float]]:
    """Points by inch, for who prints it."""
    found = picture.info.get("dpi")
    try:
        across, down = (float(each) for each in found or ())
    except (TypeError, ValueError):
        return {}
    return {"dpi": (across, down)} if 30 <= across <= 2400 and 30 <= down <= 2400 else {}


def _tiff(picture: Image.Image, made: io.BytesIO) -> None:
    """Every page, one in memory at a time, without any tag but those of its pixels."""
    with TiffImagePlugin.AppendingTiffWriter(made) as writer:
        for frame in _frames(picture):
            frame.encoderinfo = {}
            frame.save(writer, format="TIFF", compression="tiff_deflate")
            writer.newFrame()


def _frames(picture: Image.Image) -> Iterator[Image.Image]:
    for number in range(_count(picture)):
        try:
            picture.seek(number)
        except (OSError, SyntaxError, ValueError, EOFError):
            raise Refusal("unreadable") from None
        _judged(picture)
        whole = _upright(picture)
        yield (
            Image.frombytes(whole.mode, whole.size, whole.tobytes())
            if whole.mode != "P"
            else (whole.convert("RGB"))
        )
