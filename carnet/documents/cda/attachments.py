# SPDX-License-Identifier: EUPL-1.2
"""Files carried inside a CDA document: the body of a level 1, the PDF copy, images.

Only what is written in the document is read: a reference to elsewhere is never followed. A file
whose base64 is not base64, that is too large or is not what it says, is not extracted; why is told
by code. A file is what its bytes say it is, whatever name its media type gives it.
"""

import binascii
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from carnet.documents.cda import datatypes as d

MAX_BYTES: Final = 7_000_000  # once decoded: an XML text has at most ten million characters
MAX_FILES: Final = 50

# Media types kept as files, with the bytes they begin with (none for text).
MAGIC: Final[dict[str, tuple[bytes, ...]]] = {
    "application/pdf": (b"%PDF-",),
    "text/plain": (),
    "text/rtf": (b"{\\rtf",),
    "application/rtf": (b"{\\rtf",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/tiff": (b"II*\0", b"MM\0*"),
}
# Other names software gives them.
ALSO: Final = {
    "application/x-pdf": "application/pdf",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/tif": "image/tiff",
    "text/richtext": "text/rtf",
}
# A PDF may have junk before its header (ISO 32000, implementation notes): looked for in the first
# kilobyte.
PDF_HEAD: Final = 1024
WHITE: Final = b" \t\r\n"
# HL7 v3 CompressionAlgorithm → window bits of zlib, tried in order; Z (compress) is not read.
WINDOWS: Final = {"DF": (-15, 15), "GZ": (31,), "ZL": (15,)}


class Role(StrEnum):
    BODY = "body"  # nonXMLBody: the document itself
    COPY = "copy"  # section 55108-5: the whole report as people print it
    ATTACHED = "attached"  # another document inside this one
    IMAGE = "image"  # an illustration of the narrative


class Trouble(StrEnum):
    """Why a file was not extracted."""

    BASE64 = "base64"
    EMPTY = "empty"
    SIZE = "size"
    NUMBER = "number"
    MEDIA_TYPE = "media-type"  # not one we keep
    CONTENT = "content"  # not what its media type says
    ELSEWHERE = "elsewhere"  # a reference, a compression or an encoding not read


@dataclass(frozen=True, slots=True)
class Attachment:
    place: str
    role: Role
    media_type: str
    title: str | None
    data: bytes
    section: int | None  # index in the sections; None for the body of a level 1
    renamed: bool = False  # its media type said something else than its bytes


@dataclass(frozen=True, slots=True)
class NotExtracted:
    place: str
    role: Role
    media_type: str | None
    trouble: Trouble


def read(
    value: d.Element, *, place: str, role: Role, title: str | None, section: int | None
) -> Attachment | NotExtracted:
    """One ED value: `nonXMLBody/text` or `observationMedia/value`."""
    given = d.attribute(value, "mediaType")
    said = (given or "text/plain").partition(";")[0].strip().lower()  # the default of HL7 v3 ED
    media_type = ALSO.get(said, said)
    written = value.text or ""
    if len(value):  # thumbnail or reference: the text may come after
        written += "".join(part.tail or "" for part in value)
    if d.child(value, "reference") is not None and not written.strip():
        return NotExtracted(place, role, media_type, Trouble.ELSEWHERE)
    representation = value.get("representation")
    if representation is None:  # TXT by default, but a file that is no text was not typed in
        representation = "TXT" if media_type.startswith("text/") else "B64"
    data = _bytes(written, representation)
    compression = value.get("compression")
    if compression and not isinstance(data, Trouble) and _judge(media_type, data) is not None:
        # Some say it and do not do it: what is already what it says is left as it is.
        data = _opened(data, compression)
    if isinstance(data, Trouble):
        return NotExtracted(place, role, media_type, data)
    found = _known(data)
    renamed = found is not None and not _same(found, media_type)
    if found is not None and renamed:
        media_type = found
    trouble = _judge(media_type, data)
    if trouble:
        return NotExtracted(place, role, media_type, trouble)
    return Attachment(place, role, media_type, title, data, section, renamed and given is not None)


def _opened(data: bytes, compression: str) -> bytes | Trouble:
    """What was compressed, never more than MAX_BYTES of it."""
    for window in WINDOWS.get(compression, ()):
        opener = zlib.decompressobj(window)
        try:
            whole = opener.decompress(data, MAX_BYTES + 1)
        except zlib.error:
            continue
        if len(whole) > MAX_BYTES:
            return Trouble.SIZE
        return whole if opener.eof else Trouble.CONTENT
    return Trouble.CONTENT if compression in WINDOWS else Trouble.ELSEWHERE


def _known(data: bytes) -> str | None:
    """The kind of file the bytes are; None when they do not tell."""
    if b"%PDF-" in data[:PDF_HEAD]:
        return "application/pdf"
    return next(
        (kind for kind, magic in MAGIC.items() if magic and data.startswith(magic)),
        None,
    )


def _same(one: str, other: str) -> bool:
    return one == other or {one, other} == {"text/rtf", "application/rtf"}


def _bytes(written: str, representation: str) -> bytes | Trouble:
    if representation == "TXT":
        return written.strip().encode()
    if representation != "B64":
        return Trouble.ELSEWHERE
    if not written.isascii():
        return Trouble.BASE64
    packed = written.encode("ascii").translate(None, WHITE)
    if len(packed) > MAX_BYTES * 4 // 3 + 4:
        return Trouble.SIZE
    try:
        # strict: no foreign character, no data after the padding, no missing padding
        return binascii.a2b_base64(packed, strict_mode=True)
    except binascii.Error:
        return Trouble.BASE64


def _judge(media_type: str, data: bytes) -> Trouble | None:
    if not data:
        return Trouble.EMPTY
    if len(data) > MAX_BYTES:
        return Trouble.SIZE
    magic = MAGIC.get(media_type)
    if magic is None:
        return Trouble.MEDIA_TYPE
    if media_type == "application/pdf":
        return None if magic[0] in data[:PDF_HEAD] else Trouble.CONTENT
    if magic and not data.startswith(magic):
        return Trouble.CONTENT
    return None
