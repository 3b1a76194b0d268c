# SPDX-License-Identifier: EUPL-1.2
"""LDL-SES: the letter at the end of a stay. Source: ANS, CI-SIS, volet LDL-SES 2022.01 and its example."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from carnet.composing.kinds.sections import Reviewed, part
from carnet.composing.model import Kind, Line, Part, Sort

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
KINDS: Final[tuple[Kind, ...]] = ("treatment", "allergy")
WORDS: Final = ("reason", "story", "events", "expected", "follow")
ASIP: Final = "https://mos.esante.gouv.fr/NOS/TRE_R308-TAASIP/FHIR/TRE-R308-TAASIP"
SIMPLE: Final = "1.2.250.1.213.1.1.3.48"


def parts(reviewed: Reviewed, at: datetime) -> tuple[Part, ...]:
    """The sections of the letter; what is not written says that there is nothing to say."""
    day = at.date().isoformat()
    story = reviewed.words.get("story", "").strip() or "Non renseignée"
    events = reviewed.words.get("events", "").strip() or "Aucun"
    rows = (
        ("MED-142", "Synthèse médicale", "9", story),
        ("MED-143", "Evènements indésirables survenus pendant l'hospitalisation", "3", events),
    )
    out = part("treatment", reviewed)
    allergies = part("allergy", reviewed)
    return (
        Part(
            "33557-0", "Etat d'achèvement", "Statut du document",
            ("1.2.250.1.213.1.1.2.35", "1.2.250.1.213.1.1.2.35.1"), ("Statut",),
            (_status(day),),
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
            tuple(
                Line((value, label), "observation", _observed(code, label, template, value, day))
                for code, label, template, value in rows
            ),
        ),
        replace(
            out, code="10183-2", label="Traitements à la sortie", title="Traitements à la sortie",
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
        *((allergies,) if allergies.lines else ()),
    )  # fmt: skip


def _status(day: str) -> Line:
    value = {
        "coding": [
            {"system": "http://snomed.info/sct", "code": "9571008", "display": "approuvé"}
        ]
    }  # fmt: skip
    made = _observation("GEN-065", "Statut du document", f"{SIMPLE}.16", day)
    return Line(("Document validé",), "observation", {**made, "valueCodeableConcept": value})


def _observed(code: str, label: str, template: str, value: str, day: str) -> dict[str, Any]:
    return {**_observation(code, label, f"{SIMPLE}.{template}", day), "valueString": value}


def _observation(code: str, label: str, template: str, day: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "template": template,
        "code": {"coding": [{"system": ASIP, "code": code, "display": label}]},
        "effectiveDateTime": day,
    }
