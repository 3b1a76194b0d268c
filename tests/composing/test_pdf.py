# SPDX-License-Identifier: EUPL-1.2
"""The readable copy: what a reader, a screen reader and a cautious deposit find in it."""

import io
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest
import segno

from carnet.composing.pdf import (
    Facts,
    Heading,
    Items,
    Note,
    Paragraph,
    Picture,
    Sheet,
    Table,
    write,
)
from carnet.documents.files import pdf

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def square() -> bytes:
    made = io.BytesIO()
    segno.make("a prescription").save(made, kind="png", scale=4)
    return made.getvalue()


@pytest.fixture(scope="module")
def made() -> bytes:
    blocks = (
        Facts((("Nom de naissance", "ŁUKASZEWSKI"), ("Prénoms", "Cœur Noël"))),
        Heading("Problèmes"),
        Paragraph("Œdème ≥ 2 µm,\nà revoir\x07"),
        Table(
            ("Date", "Problème"), [("2020", f"numéro {each}. " * 30) for each in range(20)], (1, 4)
        ),
        Items(("un", "deux")),
        Note("Source : le dossier"),
        Picture(square(), "Code de l’ordonnance", text="à côté"),
    )
    return write(Sheet("Synthèse médicale", blocks, AT, "ŁUKASZEWSKI Noël"))


def test_every_accent_is_read_back_and_the_header_stands_on_each_page(made: bytes) -> None:
    pages = [each.extract_text() for each in pypdf.PdfReader(io.BytesIO(made)).pages]
    whole = "\n".join(pages)
    assert len(pages) > 1
    for text in ("ŁUKASZEWSKI", "Cœur Noël", "Œdème ≥ 2 µm,\nà revoir\n", "numéro 19", "à côté"):
        assert text in whole
    for place, page in enumerate(pages, 1):
        assert f"Page {place} sur {len(pages)}" in page
    assert all("Problème" in page for page in pages[:-1])


def test_the_file_says_its_title_its_language_and_its_structure(made: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(made))
    root: Any = reader.root_object
    assert reader.metadata is not None
    assert reader.metadata.title == "Synthèse médicale"
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("fr-FR", True)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    document = root["/StructTreeRoot"]["/K"][0].get_object()
    tags = [each.get_object() for each in document["/K"]]
    assert [each["/S"] for each in tags[:2]] == ["/H1", "/P"]
    assert {each["/S"] for each in tags} == {"/H1", "/H2", "/P", "/Figure"}
    assert any(each.get("/Alt") == "Code de l’ordonnance" for each in tags)
    pages: Any = reader.pages
    fonts = [each["/BaseFont"] for page in pages for each in page["/Resources"]["/Font"].values()]
    assert fonts and all("DejaVu" in each for each in fonts)


def test_nothing_in_it_acts(made: bytes) -> None:
    removed, _ = pdf.clean(made)
    assert removed == ["metadata"]  # its title and its date; a file that acts says more


def test_the_same_sheet_gives_the_same_bytes() -> None:
    sheet = Sheet("Titre", [Paragraph("corps")], AT, language="en-GB")
    assert write(sheet) == write(sheet)
    assert "Page 1 of 1" in pypdf.PdfReader(io.BytesIO(write(sheet))).pages[0].extract_text()


def test_a_cell_longer_than_a_page_loses_no_word() -> None:
    words = " ".join(f"mot{each}" for each in range(3000))
    read = pypdf.PdfReader(io.BytesIO(write(Sheet("T", [Table(("A",), [(words,)])], AT))))
    text = " ".join(page.extract_text() for page in read.pages)
    assert [each for each in words.split() if each not in set(text.split())] == []
