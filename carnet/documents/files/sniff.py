# SPDX-License-Identifier: EUPL-1.2
"""What a file is, by its content alone: its first bytes, and what else it could pass for.

What a sender declares, or a name ends with, only has to agree. A file that is two things at once is
none: what checks it and what opens it would not see the same one.
"""

from __future__ import annotations

import re
from enum import StrEnum

from carnet.documents.files.refused import Refused, TooLarge

MOST = 5_000_000  # bytes. Source: Mon espace santé, help pages: 5 Mo for a document added by its holder
HEAD = 1024


class MediaType(StrEnum):
    """What a person may deposit."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"
    TIFF = "image/tiff"
    TEXT = "text/plain"
    RTF = "application/rtf"


NAMES = {
    "application/x-pdf": MediaType.PDF,
    "image/jpg": MediaType.JPEG,
    "image/pjpeg": MediaType.JPEG,
    "image/x-png": MediaType.PNG,
    "image/tif": MediaType.TIFF,
    "text/rtf": MediaType.RTF,
    "text/richtext": MediaType.RTF,
}
SUFFIXES = {
    "pdf": MediaType.PDF,
    "jpg": MediaType.JPEG,
    "jpeg": MediaType.JPEG,
    "jpe": MediaType.JPEG,
    "jfif": MediaType.JPEG,
    "png": MediaType.PNG,
    "tif": MediaType.TIFF,
    "tiff": MediaType.TIFF,
    "txt": MediaType.TEXT,
    "text": MediaType.TEXT,
    "rtf": MediaType.RTF,
}
ANY = frozenset(("", "application/octet-stream", "binary/octet-stream"))  # says nothing

SIGNATURES = (
    (b"%PDF-", MediaType.PDF),
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
    (b"II*\0", MediaType.TIFF),
    (b"MM\0*", MediaType.TIFF),
    (b"{\\rtf", MediaType.RTF),
)
OTHERS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b", "zip"),
    (b"BZh", "zip"),
    (b"7z\xbc\xaf'\x1c", "zip"),
    (b"Rar!", "zip"),
    (b"\xfd7zXZ", "zip"),
    (b"(\xb5/\xfd", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
    (b"#!", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"\xfe\xed\xfa\xcf", "program"),
    (b"\0asm", "program"),
    (b"%!PS", "program"),
    (b"GIF8", "other-image"),
    (b"BM", "other-image"),
    (b"II+\0", "other-image"),
    (b"MM\0+", "other-image"),
    (b"\0\0\x01\0", "other-image"),
    (b"\xff\x0a", "other-image"),
    (b"\0\0\0\x0cJXL ", "other-image"),
    (b"\0\0\0\x0cjP  ", "other-image"),
    (b"8BPS", "other-image"),
    (b"ID3", "media"),
    (b"OggS", "media"),
    (b"\x1aE\xdf\xa3", "media"),
    (b"RIFF", "media"),
)
HEIF = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"))
# The beginning of a page or of XML, as a browser that guesses would find it.
MARKUP = re.compile(
    rb"<\s*(?:!doctype|!--|\?xml|html|head|body|script|svg|iframe|object|embed|style|title|table"
    rb"|meta|link|img|a\s|h1|div|p\s*>|br)",
    re.IGNORECASE,
)
ACTIVE = re.compile(rb"<\s*(?:html|script|svg|iframe|!doctype)|<\?php", re.IGNORECASE)
ZIP_END = b"PK\x05\x06"  # then 16 bytes, the length of a comment, and the comment to the very end
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniff(data: bytes, declared: str = "", name: str = "") -> MediaType:
    """The kind of a file; Refused or TooLarge with its reason.

    declared: a media type, parameters allowed; one that says nothing is "". name: of the file, "" too.
    """
    if not data:
        raise Refused("empty")
    if len(data) > MOST:
        raise TooLarge("A file has at most 5 MB.")
    found = _kind(data)
    _alone(data, found)
    said = declared.split(";")[0].strip().lower()
    # Windows says application/msword of an RTF.
    agreed = {found, *(("application/msword",) if found is MediaType.RTF else ())}
    if said not in ANY and NAMES.get(said, said) not in agreed:
        raise Refused("other-type")
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    if suffix in SUFFIXES and SUFFIXES[suffix] is not found:
        raise Refused("other-type")
    return found


def _kind(data: bytes) -> MediaType:
    for signature, kind in SIGNATURES:
        if data.startswith(signature):
            return kind
    for signature, rule in OTHERS:
        if data.startswith(signature) and not _plain(data, signature):
            raise Refused(_of_riff(data) if rule == "media" and signature == b"RIFF" else rule)
    if data[4:8] == b"ftyp":
        raise Refused("heic" if data[8:12] in HEIF else "media")
    if data[128:132] == b"DICM":
        raise Refused("dicom")
    if b"%PDF-" in data[:HEAD]:  # what stands before may be another file
        before = data[: data.index(b"%PDF-")].strip(b"\xef\xbb\xbf\r\n\t \0")
        if before:
            raise Refused("web" if MARKUP.search(before) else "two-kinds")
        return MediaType.PDF
    return _text(data)


def _plain(data: bytes, signature: bytes) -> bool:
    """Whether letters that begin a file are those of a text: BMI 24, MZ..., ID3 negative."""
    return len(signature) < 4 and signature.isalnum() and not CONTROL.search(data[:HEAD])


def _of_riff(data: bytes) -> str:
    return "other-image" if data[8:12] == b"WEBP" else "media"


def _text(data: bytes) -> MediaType:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            head = data.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise Refused("unknown") from None
    else:
        head = data.removeprefix(b"\xef\xbb\xbf")
    if MARKUP.match(head.lstrip()[:HEAD]):
        raise Refused("web")
    # A text may have a few stray commands (bell, escape); one in a hundred bytes is no text.
    if b"\0" in head or len(CONTROL.findall(head)) > max(8, len(head) // 100):
        raise Refused("unknown")
    return MediaType.TEXT


def _alone(data: bytes, found: MediaType) -> None:
    """Refuse what is also an archive, a page or another document."""
    end = data.rfind(ZIP_END)
    if end >= 0 and end + 22 <= len(data):
        comment = int.from_bytes(data[end + 20 : end + 22], "little")
        if end + 22 + comment == len(data):
            raise Refused("two-kinds")
    if found is MediaType.TEXT:
        return  # served as text that nobody guesses about
    if ACTIVE.search(data[:HEAD]):
        raise Refused("two-kinds")
    if found is not MediaType.PDF and b"%PDF-" in data[:HEAD]:
        raise Refused("two-kinds")
