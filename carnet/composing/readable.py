# SPDX-License-Identifier: EUPL-1.2
"""The readable copy of a document: the same parts and lines, on paper."""

from __future__ import annotations

from collections.abc import Iterator

from carnet.composing.cda.codes import listed
from carnet.composing.model import Document, Json, Part
from carnet.composing.pdf import Block, Facts, Heading, Note, Paragraph, Sheet, Table, write

SEXES = {"female": "Féminin", "male": "Masculin"}
COPY = (
    "Copie lisible du document {} : le document de référence est le fichier CDA du dossier, qui dit"
    " la même chose sous forme codée."
)


def pdf(document: Document) -> bytes:
    """The PDF people read and print."""
    return write(
        Sheet(
            title=document.named,
            blocks=tuple(_blocks(document)),
            created=document.at,
            footer=f"{_name(document.patient)} — {document.named}",
            author=document.signer.shown,
        )
    )


def _blocks(document: Document) -> Iterator[Block]:
    patient, signer = document.patient, document.signer
    born = str(patient.get("birthDate") or "")
    ins = next((str(each.get("value")) for each in listed(patient.get("identifier"))), "")
    yield Facts(
        tuple(
            (name, value)
            for name, value in (
                ("Patient", _name(patient)),
                ("Né(e) le", "/".join(reversed(born.split("-")))),
                ("Sexe", SEXES.get(str(patient.get("gender")), "Inconnu")),
                ("Matricule INS", ins),
                ("Écrit et signé par", signer.shown),
                ("Lieu", signer.place.name),
                ("Le", f"{document.at:%d/%m/%Y à %H:%M} (UTC)"),
                *_stay(document),
                ("Médecin traitant", document.attending.shown if document.attending else ""),
                ("Destinataires", ", ".join(each.shown for each in document.recipients)),
            )
            if value
        )
    )
    for part in document.parts:
        yield from _part(part, 2)
    yield Note(COPY.format(f"2.25.{document.number.int}"))


def _stay(document: Document) -> Iterator[tuple[str, str]]:
    stay = document.stay
    if stay is not None and stay.start is not None:
        end = f" au {stay.end:%d/%m/%Y}" if stay.end else ""
        yield "Séjour", f"du {stay.start:%d/%m/%Y}{end}"


def _part(part: Part, level: int) -> Iterator[Block]:
    yield Heading(part.title, level)
    if part.lines:
        widths = (3.0, *(2.0 for _ in part.header[1:]))
        yield Table(part.header, tuple(each.cells for each in part.lines), widths)
    for words in part.words:
        yield Paragraph(words)
    if part.nothing:
        yield Paragraph(part.nothing)
    for inside in part.inside:
        yield from _part(inside, min(level + 1, 3))


def _name(patient: Json) -> str:
    """Birth name, first given name, and the used name when it is another."""
    names = {str(each.get("use")): each for each in listed(patient.get("name"))}
    birth, used = names.get("official", {}), names.get("usual", {})
    given = " ".join(str(each) for each in birth.get("given") or [])
    said = f"{birth.get('family', '')} {given}".strip()
    other = str(used.get("family") or "")
    return f"{said} ({other})" if other and other != birth.get("family") else said
