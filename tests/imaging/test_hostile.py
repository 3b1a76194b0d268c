# SPDX-License-Identifier: EUPL-1.2
"""Files made to break, fool or fill a reader: each is refused with its reason, or kept inert."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from carnet.app.imaging import confine
from carnet.imaging import multipart, reading, walk
from carnet.imaging.drawing import draw, metadata
from carnet.imaging.instances import NotTaken, Refused, read, rules
from tests.imaging.pictures import picture, written

PDF = "1.2.840.10008.5.1.4.1.1.104.1"
DIRECTORY = "1.2.840.10008.1.3.10"


def told(data: bytes) -> dict[str, Any]:
    ((found,), _) = reading.read(data, sizes=[len(data)])
    return found


def preamble(first: bytes) -> bytes:
    return first.ljust(128, b"\0") + written(picture())[128:]


def swapped(old: bytes, new: bytes) -> bytes:
    data = written(picture())
    assert data.count(old) == 1
    return data.replace(old, new)


def nested(depth: int) -> bytes:
    made = picture()
    inside = Dataset()
    inside.PatientID = "x"
    for _ in range(depth):
        outer = Dataset()
        outer.OtherPatientIDsSequence = [inside]
        inside = outer
    made.OtherPatientIDsSequence = [inside]
    return written(made)


def deflated() -> bytes:
    """A data set that inflates a thousandfold."""
    plain = written(picture(), "1.2.840.10008.1.2.1.99")
    assert len(plain) > 0
    _, at = walk.meta(plain)
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    return plain[:at] + bomb.compress(bytes(64 << 20)) + bomb.flush()


def declared(rows: int, columns: int, frames: int | None = None) -> bytes:
    changes: dict[str, Any] = {"Rows": rows, "Columns": columns}
    return written(picture(**changes, **({"NumberOfFrames": frames} if frames else {})))


CORPUS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "nothing": ("not-dicom", lambda: b""),
    "text": ("not-dicom", lambda: b"<html>" * 100),
    "windows program": ("preamble", lambda: preamble(b"MZ\x90\0")),
    "linux program": ("preamble", lambda: preamble(b"\x7fELF\x02\x01\x01")),
    "page": ("preamble", lambda: preamble(b"<html><script>alert(1)</script>")),
    "pdf": ("preamble", lambda: preamble(b"%PDF-1.7")),
    "cut in the pixels": ("truncated", lambda: written(picture())[:-300]),
    "cut in the header": ("truncated", lambda: written(picture())[:500]),
    "many rows": ("pixels", lambda: declared(65535, 65535)),
    "thirty thousand a side": ("pixels", lambda: declared(30000, 30000)),
    "no rows": ("pixels", lambda: declared(0, 16)),
    "many frames": ("pixels", lambda: declared(16, 16, 2**31 - 1)),
    "deflated": ("syntax", deflated),
    "nested": ("too-deep", lambda: nested(9)),
    "nested far": ("too-deep", lambda: nested(200)),
    "wrong representation": (
        "representation",
        lambda: swapped(b"\x28\0\x10\0US\2\0", b"\x28\0\x10\0SS\2\0"),
    ),
    "no representation": (
        "representation",
        lambda: swapped(b"\x28\0\x10\0US\2\0", b"\x28\0\x10\0!!\2\0"),
    ),
    "length beyond": (
        "truncated",
        lambda: swapped(b"\xe0\x7f\x10\0OW\0\0\0\2\0\0", b"\xe0\x7f\x10\0OW\0\0\xf0\xff\xff\x7f"),
    ),
    "order": ("order", lambda: swapped(b"\x28\0\x10\0US", b"\x08\0\x10\0US")),
    "encapsulated pdf": ("class", lambda: written(picture(SOPClassUID=PDF))),
    "directory": ("class", lambda: written(picture(SOPClassUID=DIRECTORY))),
    "number that is a path": (
        "identifiers",
        lambda: _study(b"../../../etc/passwd"),
    ),
}


def _study(value: bytes) -> bytes:
    made = picture()
    data = written(made)
    number = made.StudyInstanceUID.encode()
    return data.replace(number, value.ljust(len(number), b"0")[: len(number)])


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_a_hostile_file_is_refused_for_what_it_is(name: str) -> None:
    rule, made = CORPUS[name]
    assert told(made()) == {"no": rule}
    assert rules()[rule]["en"].endswith(".") and rules()[rule]["fr"].endswith(".")


@pytest.mark.anyio
async def test_in_its_cell_none_of_the_corpus_is_taken_and_no_other_file_suffers() -> None:
    good = written(picture())
    sent = [made() for _, made in CORPUS.values() if made()]
    found = await read(confine, [*sent, good])
    assert all(isinstance(each, Refused) for each in found[:-1])
    assert not isinstance(found[-1], Refused)


@pytest.mark.anyio
async def test_what_a_broken_reader_does_stays_in_its_cell() -> None:
    """The planted fault: a job that asks for what it may not ends there."""
    with pytest.raises(NotTaken):
        await confine("carnet.documents.files.images:clean", b"x" * 1000, media="image/png")


def test_every_cut_of_a_file_is_refused() -> None:
    data = written(picture())
    for end in range(0, len(data) - 1, 7):
        assert "no" in told(data[:end]), end


def test_changed_bytes_are_refused_or_read_and_never_raise() -> None:
    data = bytearray(written(picture()))
    for at in range(128, len(data) - 512):
        held, data[at] = data[at], data[at] ^ 0xFF
        assert isinstance(told(bytes(data)), dict)
        data[at] = held


def test_names_of_files_and_private_elements_stay_inert() -> None:
    made = picture()
    made.add_new(0x00041500, "CS", ["..", "..", "ETC", "PASSWD"])
    made.add_new(0x00090010, "LO", "<script>")
    data = written(made)
    assert "no" not in told(data)
    shown = metadata(data)[0]
    assert not {"00041500", "00090010"} & set(shown)


def test_a_file_that_is_a_tiff_too_is_taken() -> None:
    assert "no" not in told(preamble(b"II*\0\x08\0\0\0"))


def test_a_picture_of_other_pixels_than_declared_is_not_drawn() -> None:
    made = picture()
    data = written(made)
    rows = struct.pack("<H", 16)
    wrong = data.replace(b"\x28\0\x10\0US\2\0" + rows, b"\x28\0\x10\0US\2\0" + b"\xff\xff")
    assert draw(wrong, number=1, width=100) == ({"no": "pixels"}, b"")
    assert draw(data, number=2, width=100) == ({"no": "no-frame"}, b"")


def test_a_walk_ends_at_a_number_of_elements() -> None:
    item = b"\xfe\xff\0\xe0\xff\xff\xff\xff\xfe\xff\x0d\xe0\0\0\0\0"
    body = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + item * walk.MOST
    with pytest.raises(walk.Broken, match="too-complex"):
        walk.Walk(body).dataset(0, len(body), True)


async def _chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def _parts(body: bytes, size: int = 7, largest: int = 1000) -> list[bytes]:
    found = multipart.parts(_chunks(body, size), b"--b", "application/dicom", largest)
    return [each async for each in found]


HEAD = b"Content-Type: application/dicom\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_parts_are_the_same_however_they_arrive(size: int) -> None:
    body = b"--b\r\n" + HEAD + b"one\r\n-\r\n--b\r\n" + HEAD + b"\r\n--b--\r\n"
    assert asyncio.run(_parts(body, size)) == [b"one\r\n-", b""]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"--b", b"--b\r\n" + HEAD + b"endless", b"--b\r\n" + HEAD + b"x" * 2000 + b"\r\n--b--",
        b"--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--", b"--b\r\n\r\nx\r\n--b--",
        b"--b\r\n" + b"A: b\r\n" * 5000, b"--bXX" + HEAD,
    ],
    ids=["empty", "cut", "endless", "large", "page", "bare", "headers", "boundary"],
)  # fmt: skip
def test_parts_that_are_none_are_refused(body: bytes) -> None:
    with pytest.raises((multipart.BrokenParts, multipart.NotRelated, multipart.PartTooLarge)):
        asyncio.run(_parts(body))
