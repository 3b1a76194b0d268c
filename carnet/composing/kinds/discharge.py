# SPDX-License-Identifier: EUPL-1.2
"""LDL-SES: the letter at the end of a stay. Source: ANS, CI-SIS, volet LDL-SES 2022.01 and its example."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from carnet.composing.kinds.sections import Reviewed, part
from carnet.composing.kinds.stay import SIMPLE, answered, observation, questions
from carnet.composing.model import Kind, Line, Part, Sort, Stay

SORT: Final = Sort(
    key="sortie",
    type=(
        "11490-0", "2.16.840.1.113883.6.1",
        "Lettre de liaison à la sortie d'un établissement de soins",
    ),
    templates=(("1.2.250.1.213.1.1.1.29", "2022.01"),),
    act=("IMP", "2.16.840.1.113883.5.4", "Hospitalisation (établissement, y compris HAD)"),
    care=("IMP", "2.16.840.1.113883.5.4", "Hospitalisation (établissement, y compris HAD)"),
    title="Lettre de liaison à la sortie de l’établissement de santé",
)  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = ("stopped", "treatment", "allergy")
# Free fields: those of the sections, and those told with the answers of `stay.toml`.
WORDS: Final = (
    "reason",
    "story",
    "events",
    "germs",
    "accidents",
    "reactions",
    "expected",
    "follow",
)
ANSWERS: Final = tuple(each.name for each in questions() if not each.words)


def parts(reviewed: Reviewed, at: datetime, stay: Stay | None = None) -> tuple[Part, ...]:
    """The sections of the letter; what is not written says that there is nothing to say."""
    return (
        Part(
            "33557-0", "Etat d'achèvement", "Statut du document",
            ("1.2.250.1.213.1.1.2.35", "1.2.250.1.213.1.1.2.35.1"), ("Statut",),
            (_status(at.date().isoformat()),),
        ),
        Part(
            "42349-1", "Raison de la recommandation", "Motif de l’hospitalisation",
            ("1.3.6.1.4.1.19376.1.5.3.1.3.1", "1.2.250.1.213.1.1.2.127"),
            words=reviewed.written("reason"),
        ),
        Part(
            "42545-4", "Evènements observés", "Synthèse médicale du séjour",
            ("1.3.6.1.4.1.19376.1.5.3.1.1.21.2.9", "1.3.6.1.4.1.19376.1.7.3.1.1.13.7",
             "1.2.250.1.213.1.1.2.163", "1.2.250.1.213.1.1.2.163.1"),
            ("Constat", "Sujet"),
            tuple(answered(reviewed.words, stay, at)),
        ),
        *_said(part("stopped", reviewed)),
        replace(
            part("treatment", reviewed),
            code="10183-2", label="Traitements à la sortie", title="Traitements à la sortie",
            templates=("1.3.6.1.4.1.19376.1.5.3.1.3.22", "1.2.250.1.213.1.1.2.146"),
        ),
        Part(
            "30954-2", "Résultats d'examens", "Résultats d’examens et informations attendus",
            ("1.3.6.1.4.1.19376.1.5.3.1.3.27", "1.2.250.1.213.1.1.2.150"),
            words=reviewed.written("expected"),
        ),
        Part(
            "18776-5", "Plan de soins", "Suites à donner",
            ("2.16.840.1.113883.10.20.1.10", "1.3.6.1.4.1.19376.1.5.3.1.3.36",
             "1.2.250.1.213.1.1.2.158"),
            words=reviewed.written("follow"),
        ),
        *_said(part("allergy", reviewed)),
    )  # fmt: skip


def _said(held: Part) -> tuple[Part, ...]:
    """A section that may be absent, when it has something to say: it has a coded entry at least."""
    return (held,) if held.lines else ()


def _status(day: str) -> Line:
    value = {
        "coding": [
            {"system": "http://snomed.info/sct", "code": "9571008", "display": "approuvé"}
        ]
    }  # fmt: skip
    made = observation("GEN-065", "Statut du document", f"{SIMPLE}.16", day)
    return Line(("Document validé",), "observation", {**made, "valueCodeableConcept": value})
