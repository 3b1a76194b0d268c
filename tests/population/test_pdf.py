# SPDX-License-Identifier: EUPL-1.2
"""The PDF writer: valid files whose text can be read."""

from io import BytesIO

from pypdf import PdfReader

from carnet.population import pdf

ACCENTS = "Cœur, garçon, Noël, été : 1,73 m² à 37 °C, « µmol/L » – 5 €"


def _read(content: bytes) -> PdfReader:
    return PdfReader(BytesIO(content), strict=True)


def test_the_text_is_readable_with_its_accents() -> None:
    reader = _read(pdf.write("Essai", [pdf.Paragraph(ACCENTS)], "Pied de page"))
    text = reader.pages[0].extract_text()
    assert ACCENTS in text
    assert "Pied de page" in text and "Page 1/1" in text


def test_pages_are_a4_and_the_title_is_in_the_file() -> None:
    content = pdf.write("Compte rendu (essai) \\ é", [], "")
    reader = _read(content)
    assert content.startswith(b"%PDF-1.4\n")
    assert (reader.pages[0].mediabox.width, reader.pages[0].mediabox.height) == (595, 842)
    assert reader.metadata is not None
    assert reader.metadata.title == "Compte rendu (essai) \\ é"


def test_parentheses_and_backslashes_stay_text() -> None:
    nasty = "a) Tj ET (b \\ c"
    assert nasty in _read(pdf.write("t", [pdf.Paragraph(nasty)], "")).pages[0].extract_text()


def test_a_long_text_turns_the_page_and_loses_no_line() -> None:
    blocks = [pdf.Paragraph(f"ligne numéro {number}.") for number in range(150)]
    pages = _read(pdf.write("Long", blocks, "")).pages
    assert len(pages) == 4
    text = "\n".join(page.extract_text() for page in pages)
    assert [n for n in range(150) if f"ligne numéro {n}." not in text] == []


def test_lines_are_folded_inside_the_margin() -> None:
    sentence = "Une phrase assez longue pour ne pas tenir sur une seule ligne de la page. " * 4
    lines = pdf.folded(sentence, 300, 10)
    assert len(lines) > 3
    assert all(pdf.width(line, 10) <= 300 for line in lines)
    assert " ".join(lines) == sentence.strip()


def test_a_table_keeps_its_cells() -> None:
    rows = [pdf.Row((f"Analyse {n}", f"{n},5 g/L", "4,0 - 6,0")) for n in range(80)]
    table = pdf.Table((5, 3, 4), ("Examen", "Résultat", "Référence"), rows)
    reader = _read(pdf.write("Table", [table], ""))
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert all(f"Analyse {n}" in text and f"{n},5 g/L" in text for n in range(80))


def test_places_in_the_cross_reference_table_are_exact() -> None:
    content = pdf.write("x", [pdf.Paragraph("œ" * 30)], "pied")
    start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
    lines = content[start:].split(b"\n")
    for number, line in enumerate(lines[3 : 3 + int(lines[1].split()[1]) - 1], 1):
        assert content[int(line[:10]) :].startswith(f"{number} 0 obj".encode())


def test_the_same_content_gives_the_same_bytes() -> None:
    blocks: list[pdf.Block] = [pdf.Heading("Titre"), pdf.Paragraph("Texte")]
    assert pdf.write("t", blocks, "f") == pdf.write("t", blocks, "f")
