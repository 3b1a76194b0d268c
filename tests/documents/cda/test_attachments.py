# SPDX-License-Identifier: EUPL-1.2
"""Files inside documents: extracted whole, or not at all and said why."""

import base64
import gzip
import tracemalloc
import zlib

import pytest

from carnet.documents import cda
from carnet.documents.cda.attachments import MAX_BYTES, Role, Trouble

PDF = b"%PDF-1.4 test"
B64 = base64.b64encode(PDF).decode()
ZLIB = base64.b64encode(zlib.compress(PDF)).decode()
DEFLATED = base64.b64encode(zlib.compress(PDF)[2:-4]).decode()
GZIP = base64.b64encode(gzip.compress(PDF, mtime=0)).decode()
BOMB = base64.b64encode(zlib.compress(b"%PDF-" + bytes(20_000_000))).decode()


def level_1(attributes: str, content: str) -> cda.CdaDocument:
    """A document whose whole body is one file."""
    return cda.read(
        f'<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody><text {attributes}>'
        f"{content}</text></nonXMLBody></component></ClinicalDocument>".encode()
    )


def test_the_body_of_a_level_1_is_extracted(consultation: bytes) -> None:
    """The very bytes, with their media type."""
    document = cda.read(consultation)
    (file,) = document.attachments
    assert (file.role, file.media_type) == (Role.BODY, "application/pdf")
    assert file.data.startswith(b"%PDF-1.4")
    assert file.data.endswith(b"%%EOF\n")
    assert document.copy is file
    assert not document.structured


def test_the_pdf_copy_beside_the_data_is_extracted(laboratory: bytes) -> None:
    """From section 55108-5."""
    document = cda.read(laboratory)
    assert [(a.role, a.section) for a in document.attachments] == [(Role.COPY, 2)]
    assert document.copy
    assert document.structured


@pytest.mark.parametrize(
    ("attributes", "content", "data"),
    [
        ('mediaType="application/pdf" representation="B64"', B64, PDF),
        ('mediaType="application/pdf" representation="B64"', f"\n {B64[:8]}\r\n\t{B64[8:]} ", PDF),
        ('mediaType="APPLICATION/PDF" representation="B64"', B64, PDF),
        ('mediaType="application/pdf; charset=utf-8" representation="B64"', B64, PDF),
        ('mediaType="application/x-pdf" representation="B64"', B64, PDF),
        ('mediaType="image/jpeg" representation="B64"', B64, PDF),  # what it is, not what it says
        ('mediaType="text/plain"', " bonjour ", b"bonjour"),
        ("", "bonjour", b"bonjour"),
        ('mediaType="text/rtf" representation="B64"', "e1xydGYxIH0=", b"{\\rtf1 }"),
        ('mediaType="image/jpeg" representation="B64"', "/9j/4AA=", b"\xff\xd8\xff\xe0\x00"),
        ('mediaType="image/tiff" representation="B64"', "SUkqAAg=", b"II*\0\x08"),
        ('mediaType="application/pdf"', B64, PDF),  # the default is a text: a PDF is not one
        ('mediaType="application/pdf" representation="B64" compression="DF"', DEFLATED, PDF),
        ('mediaType="application/pdf" representation="B64" compression="DF"', ZLIB, PDF),
        ('mediaType="application/pdf" representation="B64" compression="ZL"', ZLIB, PDF),
        ('mediaType="application/pdf" representation="B64" compression="GZ"', GZIP, PDF),
        ('mediaType="application/pdf" representation="B64" compression="DF"', B64, PDF),  # not so
        (
            'mediaType="application/pdf" representation="B64"',
            f'<reference value="x"/>{B64}',
            PDF,
        ),
    ],
)
def test_a_file_is_extracted_as_it_was(attributes: str, content: str, data: bytes) -> None:
    """White space in base64 is layout; the rest is the file."""
    document = level_1(attributes, content)
    assert [a.data for a in document.attachments] == [data]
    assert document.not_extracted == ()


def test_a_file_that_swells_is_not_opened_whole() -> None:
    """A hundred megabytes in a hundred kilobytes: reading stops at the limit."""
    swelling = base64.b64encode(zlib.compress(b"%PDF-" + bytes(100_000_000))).decode()
    tracemalloc.start()
    try:
        (lost,) = level_1(
            'mediaType="application/pdf" representation="B64" compression="DF"', swelling
        ).not_extracted
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lost.trouble is Trouble.SIZE
    assert peak < 6 * MAX_BYTES


@pytest.mark.parametrize(
    ("attributes", "content", "trouble"),
    [
        ('mediaType="application/pdf" representation="B64"', B64[:-1], Trouble.BASE64),
        ('mediaType="application/pdf" representation="B64"', B64 + "=", Trouble.BASE64),
        ('mediaType="application/pdf" representation="B64"', B64 + "AAAA", Trouble.BASE64),
        ('mediaType="application/pdf" representation="B64"', "JVBE*Ri0=", Trouble.BASE64),
        ('mediaType="application/pdf" representation="B64"', "JVBERi0é", Trouble.BASE64),
        ('mediaType="application/pdf" representation="B64"', "%PDF-1.4", Trouble.BASE64),
        ('mediaType="application/pdf" representation="B64"', "", Trouble.EMPTY),
        ('mediaType="application/pdf" representation="B64"', "Ym9uam91cg==", Trouble.CONTENT),
        ('mediaType="image/jpeg" representation="B64"', "Ym9uam91cg==", Trouble.CONTENT),
        ('mediaType="text/html"', "&lt;script&gt;", Trouble.MEDIA_TYPE),
        ('mediaType="application/x-msdownload" representation="B64"', "TVo=", Trouble.MEDIA_TYPE),
        ('mediaType="application/pdf"', '<reference value="file:///x"/>', Trouble.ELSEWHERE),
        (
            'mediaType="application/pdf" representation="B64" compression="Z"',
            "AAAA",
            Trouble.ELSEWHERE,
        ),
        (
            'mediaType="application/pdf" representation="B64" compression="DF"',
            "AAAA",
            Trouble.CONTENT,
        ),
        ('mediaType="application/pdf" representation="B64" compression="DF"', BOMB, Trouble.SIZE),
        ('mediaType="application/pdf" representation="B32"', B64, Trouble.ELSEWHERE),
    ],
)
def test_a_wrong_file_is_not_extracted_and_why_is_said(
    attributes: str, content: str, trouble: Trouble
) -> None:
    """Nothing half read."""
    document = level_1(attributes, content)
    assert document.attachments == ()
    assert [n.trouble for n in document.not_extracted] == [trouble]


@pytest.mark.parametrize("over", [0, 3])
def test_a_file_has_a_largest_size(monkeypatch: pytest.MonkeyPatch, over: int) -> None:
    """Counted in bytes once decoded."""
    monkeypatch.setattr("carnet.documents.cda.attachments.MAX_BYTES", 3000)
    data = base64.b64encode(b"%PDF-" + b"x" * (2995 + over)).decode()
    document = level_1('mediaType="application/pdf" representation="B64"', data)
    assert len(document.attachments) == (0 if over else 1)
    assert [n.trouble for n in document.not_extracted] == ([Trouble.SIZE] if over else [])


def test_a_document_may_carry_a_report_of_many_pages() -> None:
    """The limit is above what the documents of the field weigh."""
    assert MAX_BYTES >= 5_000_000


def test_files_have_a_largest_number(laboratory: bytes) -> None:
    """The fifty-first is said, not extracted."""
    start = laboratory.index(b"<component><observationMedia")
    end = laboratory.index(b"</observationMedia></component>") + len(
        b"</observationMedia></component>"
    )
    source = laboratory[:end] + laboratory[start:end] * 50 + laboratory[end:]
    document = cda.read(source)
    assert len(document.attachments) == 50
    assert [n.trouble for n in document.not_extracted] == [Trouble.NUMBER]
