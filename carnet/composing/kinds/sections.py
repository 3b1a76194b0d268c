# SPDX-License-Identifier: EUPL-1.2
"""Sections several kinds share: problems, allergies, acts, treatments; templates are the CI-SIS's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from carnet.composing.cda.codes import listed, said
from carnet.composing.model import Json, Kind, Line, Part

# kind → LOINC, label, title, templates, header of its table.
TABLE: Final[dict[Kind, tuple[str, str, str, tuple[str, ...], tuple[str, ...]]]] = {
    "problem": (
        "11450-4", "Liste des problèmes actifs", "Pathologies en cours",
        ("2.16.840.1.113883.10.20.1.11", "1.3.6.1.4.1.19376.1.5.3.1.3.6", "1.2.250.1.213.1.1.2.132"),
        ("Problème", "Depuis", "Source"),
    ),
    "history": (
        "11348-0", "Antécédents médicaux", "Antécédents médicaux",
        ("1.3.6.1.4.1.19376.1.5.3.1.3.8", "1.2.250.1.213.1.1.2.134"),
        ("Antécédent", "Période", "Source"),
    ),
    "procedure": (
        "47519-4", "Historique des actes", "Actes et interventions",
        ("2.16.840.1.113883.10.20.1.12", "1.3.6.1.4.1.19376.1.5.3.1.3.11",
         "1.3.6.1.4.1.19376.1.5.3.1.3.12", "1.2.250.1.213.1.1.2.136"),
        ("Acte", "Date", "Source"),
    ),
    "allergy": (
        "48765-2", "Allergies et hypersensibilités", "Allergies et hypersensibilités",
        ("2.16.840.1.113883.10.20.1.2", "1.3.6.1.4.1.19376.1.5.3.1.3.13", "1.2.250.1.213.1.1.2.137"),
        ("Agent", "Depuis", "Source"),
    ),
    "treatment": (
        "10160-0", "Traitements", "Traitements",
        ("2.16.840.1.113883.10.20.1.8", "1.3.6.1.4.1.19376.1.5.3.1.3.19", "1.2.250.1.213.1.1.2.143"),
        ("Médicament", "Posologie", "Depuis", "Source"),
    ),
    "stopped": (
        "18610-6", "Traitements administrés", "Traitements arrêtés durant le séjour",
        ("1.3.6.1.4.1.19376.1.5.3.1.3.21", "1.2.250.1.213.1.1.2.145"),
        ("Médicament", "Posologie", "Période", "Motif de l’arrêt", "Source"),
    ),
    "vaccination": (
        "11369-6", "Historique des vaccinations", "Vaccinations",
        ("2.16.840.1.113883.10.20.1.6", "1.3.6.1.4.1.19376.1.5.3.1.3.23", "1.2.250.1.213.1.1.2.147"),
        ("Vaccin", "Date", "Lot", "Rang", "Précisions", "Source"),
    ),
    "family": (
        "10157-6", "Historique des pathologies familiales", "Antécédents familiaux",
        ("2.16.840.1.113883.10.20.1.4", "1.3.6.1.4.1.19376.1.5.3.1.3.14",
         "1.3.6.1.4.1.19376.1.5.3.1.3.15", "1.2.250.1.213.1.1.2.139"),
        ("Lien de parenté", "Antécédents", "Source"),
    ),
    "lifestyle": (
        "29762-2", "Habitus, Mode de vie", "Mode de vie",
        ("2.16.840.1.113883.10.20.1.15", "1.3.6.1.4.1.19376.1.5.3.1.3.16",
         "1.3.6.1.4.1.19376.1.5.3.1.3.16.1", "1.2.250.1.213.1.1.2.141"),
        ("Type", "Observation", "Date", "Précisions", "Source"),
    ),
    # The first root is written so (11383) in the models of the agency.
    "device": (
        "46264-8", "Dispositifs médicaux", "Dispositifs médicaux",
        ("2.16.840.1.11383.10.20.1.7", "1.3.6.1.4.1.19376.1.5.3.1.1.5.3.5", "1.2.250.1.213.1.1.2.1"),
        ("Dispositif", "Depuis", "Références", "Précisions", "Source"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a professional keeps: lines by kind, and free words by the name of their field."""

    lines: Mapping[Kind, tuple[Line, ...]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def written(self, name: str) -> tuple[str, ...]:
        """The words of a field, none when it is empty."""
        found = self.words.get(name, "").strip()
        return (found,) if found else ()


def line(kind: Kind, resource: Json, source: str, since: str = "", dose: str = "") -> Line:
    """A line of a resource; since, dose: as read."""
    if kind in ("treatment", "stopped"):
        named = said(resource.get("medicationCodeableConcept"))
        why = (stopped(resource),) if kind == "stopped" else ()
        return Line((named, dose, since, *why, source), kind, resource)
    return Line((said(resource.get("code")), since, source), kind, resource)


def stopped(resource: Json) -> str:
    """Why a treatment was stopped, as it was written: statusReason is a concept, or several."""
    held = resource.get("statusReason")
    every = [held] if isinstance(held, Mapping) else listed(held)
    return ", ".join(filter(None, map(said, every)))


def part(kind: Kind, reviewed: Reviewed, *, words: str = "", inside: Sequence[Part] = ()) -> Part:
    """The section of a kind, from what was kept of it."""
    code, label, title, templates, header = TABLE[kind]
    return Part(
        code, label, title, templates, header,
        lines=reviewed.lines.get(kind, ()),
        words=reviewed.written(words or kind),
        inside=tuple(inside),
    )  # fmt: skip


def kept(parts: Sequence[Part]) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Those that have lines, and the words of the others: a section of these has a coded entry at least."""
    found = tuple(each for each in parts if each.lines)
    return found, tuple(words for each in parts if not each.lines for words in each.words)
