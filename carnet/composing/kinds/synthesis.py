# SPDX-License-Identifier: EUPL-1.2
"""VSM: the medical synthesis a treating doctor keeps. Source: ANS, CI-SIS, volet VSM 1.4 and its example.

Its model names neither vaccinations nor devices: they are the sections of IPS-FR 2024.01, after its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from carnet.composing.kinds.sections import Reviewed, kept, part
from carnet.composing.model import Kind, Part, Sort

SORT: Final = Sort(
    key="vsm",
    type=("SYNTH", "1.2.250.1.213.1.1.4.12", "Synthèse"),
    templates=(("1.2.250.1.213.1.1.1.13", "201310"),),
    act=("34117-2", "2.16.840.1.113883.6.1", "Historique et clinique"),
    care=("AMB", "2.16.840.1.113883.5.4", "Ambulatoire"),
    title="Synthèse médicale",
)
KINDS: Final[tuple[Kind, ...]] = (
    "problem", "history", "procedure", "allergy", "lifestyle", "family", "treatment", "vaccination",
    "device",
)  # fmt: skip
RISKS: Final = (
    "Facteurs de risque présents ou passés affectant l'état de santé et/ou une circonstance"
)
WORDS_ALONE: Final = (
    "2.16.840.1.113883.10.20.1.15", "1.3.6.1.4.1.19376.1.5.3.1.3.16", "1.2.250.1.213.1.1.2.140",
)  # fmt: skip
# Free fields, after the section whose words they are.
WORDS: Final = ("problem", "lifestyle", "results", "treatment")


def parts(reviewed: Reviewed) -> tuple[Part, ...]:
    """The three sections of the model, each with those inside that say something."""
    known, alone = kept(
        [part(kind, reviewed) for kind in ("problem", "history", "procedure", "allergy")]
    )
    inside = [
        Part(
            "34117-2", "Historique et clinique", "Pathologies en cours, antécédents et allergies",
            ("1.2.250.1.213.1.1.2.30",), inside=known, words=alone,
        )
    ] if known or alone else []  # fmt: skip
    if risks := _risks(reviewed):
        inside.append(
            Part("57207-3", RISKS, "Facteurs de risque", ("1.2.250.1.213.1.1.2.31",), inside=risks)
        )
    taken, told = kept([part("treatment", reviewed)])
    return (
        Part(
            "46612-8", "Conclusions de synthèse",
            "Pathologies en cours, antécédents, allergies et facteurs de risque",
            ("1.2.250.1.213.1.1.2.29",), inside=tuple(inside),
        ),
        Part(
            "30954-2", "Résultats d'examens", "Points de vigilance",
            ("1.3.6.1.4.1.19376.1.5.3.1.3.27", "1.2.250.1.213.1.1.2.150"),
            words=reviewed.written("results"),
        ),
        Part(
            "18776-5", "Plan de traitement", "Traitement au long cours",
            ("1.2.250.1.213.1.1.2.32",), inside=taken, words=told,
        ),
        *(found for kind in ("vaccination", "device") if (found := part(kind, reviewed)).lines),
    )  # fmt: skip


def _risks(reviewed: Reviewed) -> tuple[Part, ...]:
    """Habits and family; habits that are words alone are of the section that has no entries."""
    found = []
    habits = part("lifestyle", reviewed)
    if not habits.lines:
        habits = replace(habits, templates=WORDS_ALONE, header=())
    if habits.lines or habits.words:
        found.append(habits)
    relatives = part("family", reviewed)
    if relatives.lines:
        found.append(relatives)
    return tuple(found)
