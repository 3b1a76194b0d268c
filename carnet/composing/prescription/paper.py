# SPDX-License-Identifier: EUPL-1.2
"""A prescription as a page: what CSP R.5132-3 asks to read, and a QR code of its group number.

The payload of the national e-prescription's QR code could not be read anywhere: this one holds our own
group identifier, says so, and claims no national number (unverified). It is not signed electronically.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import segno

from carnet.composing.pdf import Block, Facts, Heading, Note, Paragraph, Picture, Sheet, write
from carnet.composing.prescription.model import Act, Prescription, Reason, Written
from carnet.composing.prescription.resources import STOP

PARIS = ZoneInfo("Europe/Paris")
SEXES = {"female": "féminin", "male": "masculin"}
NOT_NATIONAL = (
    "Ce code tient le numéro de cette ordonnance dans ce dossier. Ce n’est pas le numéro national de "
    "l’ordonnance numérique, qui ne peut pas être produit ici."
)
NOT_CHECKED = (
    "Aucun contrôle d’interaction, de contre-indication ni de dose n’a été fait par Carnet."
)


def paper(found: Prescription) -> bytes:
    """The PDF; the same prescription gives the same bytes."""
    subject = found.subject
    return write(
        Sheet(
            title="Ordonnance",
            blocks=tuple(_blocks(found)),
            created=found.at,
            footer=f"{subject.name} · {_day(subject.born)} · ordonnance {found.number}",
            author=found.prescriber.name,
        )
    )


def _facts(found: Act) -> list[tuple[str, str]]:
    """Who prescribes, for whom and when."""
    who, subject = found.prescriber, found.subject
    return [
        ("Prescripteur", f"{who.name}, {who.title}"),
        ("Numéro RPPS", who.rpps),
        ("Lieu d’exercice", who.place),
        ("Patient", subject.name),
        ("Nom de naissance", subject.birth_name),
        ("Premier prénom", subject.given),
        ("Né ou née le", _day(subject.born)),
        ("Sexe", SEXES.get(subject.sex, "")),
        ("Matricule INS", subject.number),
        ("Date", found.at.astimezone(PARIS).strftime("%d/%m/%Y")),
    ]


def _blocks(found: Prescription) -> Iterator[Block]:
    facts = [*_facts(found), ("Numéro de l’ordonnance", str(found.number))]
    yield Facts(tuple(pair for pair in facts if pair[1]))
    for rank, line in enumerate(found.lines, 1):
        code = f" (CIS {line.cis})" if line.cis else ""
        yield Heading(f"{rank}. {line.medicine}{code}", 3)
        yield Paragraph(line.dosage)
        for mention in (line.renewal, line.substitution):
            if mention:
                yield Paragraph(mention, bold=True)
    count = len(found.lines)
    yield Paragraph("Une ligne prescrite." if count == 1 else f"{count} lignes prescrites.")
    yield Paragraph("Signature du prescripteur :\n\n\n")
    yield Note(NOT_CHECKED)
    yield Picture(
        square(found.group), f"Code QR du numéro de l’ordonnance : {found.group}", text=NOT_NATIONAL
    )


def paper_of_stop(found: Act, lines: Sequence[Written], reason: Reason, at: datetime) -> bytes:
    """The PDF that says which lines of a prescription end; found: who says it, for whom and when.

    at: when the prescription was written.
    """
    subject = found.subject
    how = "arrêtée" if reason.begun else "annulée avant d’avoir commencé"
    blocks: list[Block] = [
        Facts(tuple(pair for pair in _facts(found) if pair[1])),
        Paragraph(f"Ordonnance du {at.astimezone(PARIS):%d/%m/%Y}."),
    ]
    for each in lines:
        blocks += [Heading(each.medicine, 3), Paragraph(f"Ligne {how}.", bold=True)]
        blocks.append(Paragraph(f"Elle disait : {each.dosage}"))
    blocks.append(Paragraph(f"Raison : {reason.text}."))
    blocks.append(Paragraph("Signature du prescripteur :\n\n\n"))
    return write(
        Sheet(
            title=STOP,
            blocks=tuple(blocks),
            created=found.at,
            footer=f"{subject.name} · {_day(subject.born)} · arrêt {found.number}",
            author=found.prescriber.name,
        )
    )


def square(text: str) -> bytes:
    """A QR code, PNG. Source: ISO/IEC 18004, error correction M."""
    made = io.BytesIO()
    segno.make_qr(text, error="m").save(made, kind="png", scale=6, border=4)
    return made.getvalue()


def _day(iso: str) -> str:
    return "/".join(reversed(iso.split("-")))
