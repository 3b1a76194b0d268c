# SPDX-License-Identifier: EUPL-1.2
"""The patient summary as a PDF in two languages: what an independent reader finds in it."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import pypdf
import pytest

from carnet.composing.ips.sheet import LOCALES, words
from carnet.summary.told import LANGUAGES
from tests.documents.lots import document_of, fresh, lot
from tests.space import Answer, Space
from tests.summary.facts import ATC, concept, prescription
from tests.summary.test_told import filled

pytestmark = pytest.mark.anyio


async def pdf(space: Space, language: str = "fr", as_: str = "patient") -> Answer:
    path = f"Patient/{space.patient_id()}/$summary?_format=application/pdf&_language={language}"
    return await space.get(path, as_=as_)


def text_of(answer: Answer) -> str:
    """What is read in it, on one line."""
    assert answer.status == 200, answer.body[:300]
    pages = pypdf.PdfReader(io.BytesIO(answer.body)).pages
    return " ".join("\n".join(each.extract_text() for each in pages).split())


def test_every_word_is_said_in_every_language() -> None:
    assert set(LOCALES) == set(LANGUAGES)
    assert all(set(each) == set(LANGUAGES) for each in words().values())


async def test_the_pdf_says_what_the_document_says(space: Space) -> None:
    await filled(space)
    for language, title, problem in (
        ("fr", "Synthèse médicale internationale", "Asthme"),
        ("en", "International Patient Summary", "Asthme *"),
    ):
        answer = await pdf(space, language)
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-language"] == language
        assert "no-store" in answer.headers["cache-control"]
        read = pypdf.PdfReader(io.BytesIO(answer.body))
        assert read.metadata is not None
        assert read.metadata.title == title
        assert str(read.root_object["/Lang"]) == LOCALES[language]
        said = text_of(answer)
        path = f"Patient/{space.patient_id()}/$summary?_language={language}"
        composition = (await space.get(path, as_="patient")).json["entry"][0]["resource"]
        assert problem in said
        for section in composition["section"]:
            assert section["title"] in said
            for cell in map(unescape, re.findall("<td>([^<]+)</td>", section["text"]["div"])):
                for piece in re.split(" · | ; ", cell):
                    assert said_in(piece, said), (language, piece)


def said_in(piece: str, text: str) -> bool:
    """Whether words are read, wherever a line was folded or a page turned."""
    return "".join(piece.split()) in "".join(text.split()) or set(piece.split()) <= set(
        text.split()
    )


@pytest.mark.parametrize("persona", ["outsider", "blocked", "minor", "operator", "lab-software"])
async def test_the_pdf_is_absent_to_who_may_not_open_the_record(space: Space, persona: str) -> None:
    hidden = await pdf(space, "fr", persona)
    path = f"Patient/{'a' * 26}/$summary?_format=application/pdf&_language=fr"
    unknown = await space.get(path, as_=persona)
    assert (hidden.status, hidden.json["issue"]) == (unknown.status, unknown.json["issue"])
    assert hidden.status == 404


async def test_a_masked_treatment_is_not_in_the_summary_of_who_does_not_see_it(
    space: Space,
) -> None:
    """The patient masks the document a treatment was read in: it goes with it, in both forms."""
    metformin = concept(ATC, "A10BA02", "Zymoglucine du test")
    subject = {"reference": f"Patient/{space.patient_id()}"}
    medicine: dict[str, Any] = prescription(metformin, "2026-11-01", "500 mg", subject=subject)
    document = fresh(minutes=7).xml
    sent = lot(document)
    sent["entry"].append(
        {
            "fullUrl": "urn:uuid:7f1d0f5e-8d52-4a64-9a0e-31c9d6a2b7aa",
            "resource": medicine,
            "request": {"method": "POST", "url": "MedicationRequest"},
        }
    )
    posted = await space.post("", sent, as_="gp")
    assert posted.status == 200, posted.body
    id = document_of(posted)
    for reader in ("patient", "gp", "hospital-doctor"):
        assert "Zymoglucine" in text_of(await pdf(space, "fr", reader)), reader
    masked = await space.post(f"{id}/$hide", {}, as_="patient")
    assert masked.status in (200, 204), masked.body
    assert "Zymoglucine" in text_of(await pdf(space, "en", "gp")), "its author keeps it"
    for language in LANGUAGES:
        assert "Zymoglucine" not in text_of(await pdf(space, language, "hospital-doctor"))
    seen = await space.get(f"Patient/{space.patient_id()}/$summary", as_="hospital-doctor")
    assert b"Zymoglucine" not in seen.body
