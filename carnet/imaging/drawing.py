# SPDX-License-Identifier: EUPL-1.2
"""Pictures, frames and metadata of an image, made in the confined process.

Each job gives ({"no": rule}, b"") for what it cannot make.
"""

from __future__ import annotations

import io
from typing import Any, Final

from PIL import Image, ImageFile, ImageOps, JpegImagePlugin
from pydicom.dataset import Dataset

from carnet.imaging import walk
from carnet.imaging.reading import PIXELS, SIDE, formats, opened
from carnet.imaging.walk import Broken, Walked

QUALITY: Final = 85
BULK: Final = frozenset("OB OD OF OL OV OW UN".split())
MOST: Final = 2 << 20  # characters of the metadata of one image

Image.preinit()  # nothing can be imported later
Image.MAX_IMAGE_PIXELS = None  # judged here
ImageFile.LOAD_TRUNCATED_IMAGES = False
READ_BY = (JpegImagePlugin,)


def metadata(data: bytes) -> tuple[dict[str, Any], bytes]:
    """All elements that are not private, nor pixels, nor names of files, as DICOM JSON."""
    dataset, _, _ = opened(data)
    _bare(dataset)
    return dict(dataset.to_json_dict(suppress_invalid_tags=True)), b""


def frame(data: bytes, *, number: int) -> tuple[dict[str, str] | None, bytes]:
    """The bytes of one frame, from 1, as the file has them."""
    try:
        dataset, walked, syntax = opened(data)
        return None, _frame(data, dataset, walked, syntax, number)
    except Broken as broken:
        return {"no": broken.rule}, b""


def draw(data: bytes, *, number: int, width: int) -> tuple[dict[str, str] | None, bytes]:
    """One frame as JPEG, no wider than asked."""
    try:
        dataset, walked, syntax = opened(data)
        raw = _frame(data, dataset, walked, syntax, number)
        shown = formats()["syntaxes"][syntax]["shown"]
        if shown == "jpeg":
            picture = _jpeg(raw)
        elif shown == "native":
            picture = _native(dataset, raw)
        else:
            raise Broken("not-shown")
    except Broken as broken:
        return {"no": broken.rule}, b""
    picture.thumbnail((width, width * 4))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=QUALITY)
    return None, made.getvalue()


def _bare(dataset: Dataset) -> None:
    for element in list(dataset):
        tag = element.tag
        if tag.is_private or element.VR in BULK or tag.group == 0x0004:
            del dataset[tag]
        elif element.VR == "SQ":
            for item in element.value:
                _bare(item)


def _frame(data: bytes, dataset: Dataset, walked: Walked, syntax: str, number: int) -> bytes:
    count = int(dataset.get("NumberOfFrames") or 1)
    if not 1 <= number <= count or walk.PIXELS not in walked.where:
        raise Broken("no-frame")
    if formats()["syntaxes"][syntax]["shown"] == "native":
        start, length = walked.where[walk.PIXELS]
        bits = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated
        if bits % 8:
            raise Broken("not-shown")
        size = bits // 8
        if size * count > length:
            raise Broken("pixels")
        return data[start + size * (number - 1) : start + size * number]
    pieces = [data[at : at + size] for at, size in walked.fragments[1:]]
    if count == 1:
        return b"".join(pieces)
    if len(pieces) != count:
        raise Broken("not-shown")
    return pieces[number - 1]


def _jpeg(raw: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(raw), formats=("JPEG",))
        width, height = picture.size
        if width * height > PIXELS or max(width, height) > SIDE:
            raise Broken("pixels")
        picture.load()
    except (OSError, SyntaxError, ValueError, TypeError):
        raise Broken("unreadable") from None
    return picture.convert("L" if picture.mode == "L" else "RGB")


def _native(dataset: Dataset, raw: bytes) -> Image.Image:
    size = (dataset.Columns, dataset.Rows)
    if dataset.Columns * dataset.Rows > PIXELS:
        raise Broken("pixels")
    kind = str(dataset.get("PhotometricInterpretation", ""))
    if kind == "RGB" and dataset.BitsAllocated == 8 and not dataset.get("PlanarConfiguration"):
        return Image.frombytes("RGB", size, raw)
    if kind not in ("MONOCHROME1", "MONOCHROME2") or dataset.SamplesPerPixel != 1:
        raise Broken("not-shown")
    if dataset.BitsAllocated == 8:
        picture = Image.frombytes("L", size, raw)
    elif dataset.BitsAllocated == 16:
        signed = dataset.get("PixelRepresentation") == 1
        wide = Image.frombytes("I", size, raw, "raw", "I;16S" if signed else "I;16")
        picture = _windowed(dataset, wide)
    else:
        raise Broken("not-shown")
    return ImageOps.invert(picture) if kind == "MONOCHROME1" else picture


def _windowed(dataset: Dataset, wide: Image.Image) -> Image.Image:
    """The grey levels of a window on the stored values: the file's own, else all there are."""
    slope, intercept = _one(dataset, "RescaleSlope", 1.0), _one(dataset, "RescaleIntercept", 0.0)
    center, width = _one(dataset, "WindowCenter", 0.0), _one(dataset, "WindowWidth", 0.0)
    if width >= 1 and slope:
        low = (center - width / 2 - intercept) / slope
        high = (center + width / 2 - intercept) / slope
    else:
        extrema = wide.getextrema()
        low, high = float(extrema[0]), float(extrema[1])  # type: ignore[arg-type]
    scale = 255 / (high - low) if high > low else 1.0
    return wide.point(lambda value: value * scale - low * scale).convert("L")


def _one(dataset: Dataset, keyword: str, default: float) -> float:
    value = dataset.get(keyword)
    if value is None or value == "":
        return default
    try:
        return float(value[0] if hasattr(value, "__getitem__") and value else value)
    except (TypeError, ValueError, IndexError):
        return default


def _warm() -> None:
    made = io.BytesIO()
    Image.frombytes("I", (2, 1), b"\0\1\0\2", "raw", "I;16").point(
        lambda value: value * 1.0
    ).convert("L").save(made, "JPEG")
    _jpeg(made.getvalue()).thumbnail((1, 1))


_warm()
