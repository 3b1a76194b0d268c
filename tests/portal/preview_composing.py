# SPDX-License-Identifier: EUPL-1.2
"""Invented answers of the acts of writing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from carnet.access.actor import Actor
from carnet.composing.kinds import discharge, synthesis
from carnet.composing.kinds.sections import Reviewed
from carnet.composing.model import Kind, Line
from carnet.composing.pages import (
    Draft,
    Kept,
    Known,
    Offer,
    Preview,
    Proposed,
    UnknownPeer,
    WrongStay,
)

OFFERS: tuple[tuple[Kind, tuple[Offer, ...]], ...] = (
    (
        "problem",
        (
            Offer("Condition/a", "problem", ("Diabète de type 2", "05/2021", "Dr Paul DURAND")),
            Offer("Condition/b", "problem", ("Anémie <b>", "", "Laboratoire"), ("unsure", "old")),
        ),
    ),
    ("history", ()),
    ("procedure", ()),
    ("allergy", (Offer("AllergyIntolerance/c", "allergy", ("Arachide", "", ""), ("declared",)),)),
    (
        "treatment",
        (
            Offer("MedicationStatement/d", "treatment",
                  ("Metformine 500 mg", "1 matin et soir", "02/05/2021", "Dr Paul DURAND")),
            Offer("MedicationStatement/e", "treatment", ("Bisoprolol", "", "", ""), ("conflict",)),
        ),
    ),
    ("lifestyle", (Offer("Observation/f", "lifestyle", ("Statut tabagique", "Ancien fumeur")),)),
    ("family", (Offer("FamilyMemberHistory/g", "family", ("Mère", "Diabète <1>"), ("unsure",)),)),
    ("vaccination", (Offer("Immunization/h", "vaccination", ("Tétanos", "03/2020")),)),
    ("device", (Offer("DeviceUseStatement/i", "device", ("Stimulateur", "2019")),)),
)  # fmt: skip
DOCTOR, NURSE = "810000000018", "810000000026"
PEERS = (Known(DOCTOR, "Dr Paul DURAND", attending=True), Known(NURSE, "Léa <b> NOEL"))
AT = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)


class PreviewComposing:
    """Answers by what is asked; what was signed is kept to look at."""

    signed: list[tuple[str, Kept, Draft]] = []

    async def proposed(self, actor: Actor, patient: str, sort: str) -> Proposed:
        if sort == "sortie":
            kept = tuple(each for each in OFFERS if each[0] in discharge.KINDS)
            return Proposed(sort, kept, discharge.WORDS, (date(2026, 3, 10), date(2026, 3, 14)),
                            answers=discharge.ANSWERS, peers=PEERS)  # fmt: skip
        return Proposed(sort, OFFERS, synthesis.WORDS, before=date(2025, 3, 14))

    async def preview(
        self, actor: Actor, patient: str, sort: str, kept: Kept, draft: Draft
    ) -> Preview:
        if kept.end and kept.start and kept.end < kept.start:
            raise WrongStay
        for each in (kept.attending, *kept.to):
            if each and each not in (DOCTOR, DOCTOR[1:], NURSE):
                raise UnknownPeer(each)
        lines: dict[Kind, tuple[Line, ...]] = {
            kind: tuple(Line(each.cells, kind) for each in offers if each.address in kept.chosen)
            for kind, offers in OFFERS
        }
        reviewed: Any = Reviewed(lines, {**kept.words, **kept.answers})
        parts = (
            discharge.parts(reviewed, draft.at) if sort == "sortie" else synthesis.parts(reviewed)
        )
        return Preview("Synthèse médicale", "DR Paul DURAND", "Cabinet", parts, b"%PDF-1.7")

    async def publish(self, actor: Actor, patient: str, sort: str, kept: Kept, draft: Draft) -> str:
        self.signed.append((sort, kept, draft))
        return "letter-2026"

    def draft(self) -> Draft:
        return Draft(UUID(int=5), AT)
