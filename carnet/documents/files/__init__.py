# SPDX-License-Identifier: EUPL-1.2
"""Files people deposit: what they are, without what acts in them, and how they are shown.

    media = files.sniff(data, declared="application/pdf", name="bilan.pdf")
    kept = files.clean(data, media)       # inert bytes, and what was removed
    seen = files.look(kept.data, kept.media_type)
    png = files.page(kept.data, kept.media_type, 1, 800)

All that parses runs in a process that can do nothing else (`confined.py`); these calls block: a server
makes them in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from carnet.documents.files.confined import Confinement, call, confinement
from carnet.documents.files.refused import Refused, TooLarge, removed
from carnet.documents.files.sniff import MOST, NAMES, MediaType, sniff

__all__ = [
    "MOST",
    "Cleaned",
    "Confinement",
    "Look",
    "MediaType",
    "Refused",
    "TooLarge",
    "clean",
    "confinement",
    "look",
    "page",
    "pages",
    "removed",
    "shown",
    "sniff",
    "text",
]

JOBS = "carnet.documents.files"
IMAGES = frozenset((MediaType.JPEG, MediaType.PNG, MediaType.TIFF))
CLEANERS = {MediaType.PDF: "pdf", MediaType.TEXT: "plain", MediaType.RTF: "rtf"}
NARROWEST, WIDEST = 200, 1600  # pixels of a page image
DRAWING = 5  # seconds of processor for one: a scan takes less than one
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A file as it is kept."""

    data: bytes
    media_type: str  # as it is served: an RTF is kept as its text
    removed: tuple[str, ...]  # keys of words.toml


@dataclass(frozen=True, slots=True)
class Look:
    """What a page that shows a file begins with."""

    pages: int  # that have a picture; 0 for a text
    text: str


def clean(data: bytes, media: MediaType) -> Cleaned:
    """The file without what acts, hides or lies outside; Refused when it cannot be had."""
    if media in IMAGES:
        made = call(f"{JOBS}.images:clean", data, media=str(media))
        kept = str(media)
    else:
        made = call(f"{JOBS}.{CLEANERS[media]}:clean", data)
        kept = str(media) if media is MediaType.PDF else PLAIN
    if not made.data.strip():
        raise Refused("empty")
    return Cleaned(made.data, kept, tuple(str(each) for each in made.told))


def shown(media: str) -> MediaType | None:
    """The kind a media type shows as, as pictures or as text; None for one that is only saved."""
    bare = media.split(";")[0].strip().lower()
    return MediaType(bare) if bare in frozenset(MediaType) else NAMES.get(bare)


def look(data: bytes, media: str) -> Look:
    """How many page images a file has, and its text."""
    kind = shown(media)
    if kind is MediaType.PDF:
        told = call(f"{JOBS}.render:look", data).told
        return Look(int(told["pages"]), str(told["text"]))
    if kind in IMAGES:
        return Look(int(call(f"{JOBS}.images:look", data, media=str(kind)).told), "")
    if kind is MediaType.TEXT or kind is MediaType.RTF:
        return Look(0, call(f"{JOBS}.{CLEANERS[kind]}:clean", data).data.decode())
    return Look(0, "")


def text(data: bytes, media: str) -> str:
    """What can be read of a file as text; "" of a picture."""
    return look(data, media).text


def pages(data: bytes, media: str) -> int:
    """How many page images a file has."""
    return look(data, media).pages


def page(data: bytes, media: str, number: int, width: int) -> bytes:
    """One page as PNG. number: from 1. width: pixels, brought within bounds."""
    kind, width = shown(media), max(NARROWEST, min(width, WIDEST))
    if kind is MediaType.PDF:
        made = call(f"{JOBS}.render:page", data, seconds=DRAWING, number=number, width=width)
        return made.data
    if kind in IMAGES:
        made = call(
            f"{JOBS}.images:page",
            data,
            seconds=DRAWING,
            media=str(kind),
            number=number,
            width=width,
        )
        return made.data
    raise Refused("no-page")
