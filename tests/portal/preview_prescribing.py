# SPDX-License-Identifier: EUPL-1.2
"""The acts of prescribing for the pages that are looked at without a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from carnet import errors
from carnet.access.actor import Actor
from carnet.composing.prescription import Group, Line, Reason, Written

NUMBER = "5f0d6c1e-3d0b-4b52-9c39-1f7a3d5e8a02"
AMOXICILLIN = Line(
    "Amoxicilline 1 g", Decimal("0.5"), "comprime", 3, 7, words="Au début des repas."
)
PARACETAMOL = Line("Paracétamol 500 mg", Decimal(2), "gelule", 4, 5, renewals=2, needed=True)


def _written(id: str, line: Line, status: str = "active", reason: str = "") -> Written:
    return Written(id, 1, line.medicine, line.dosage, status, reason, line)


GROUP = Group(
    "ord-2026",
    datetime(2026, 3, 12, 9, tzinfo=UTC),
    (
        _written("one", AMOXICILLIN),
        _written("two", PARACETAMOL),
        _written("three", AMOXICILLIN, "stopped", "allergie"),
    ),
)


class PreviewPrescribing:
    """One prescription of the médecin traitant."""

    ended: dict[str, tuple[tuple[str, ...], Reason]] = {}
    replaced: dict[str, tuple[tuple[Line, ...], Reason]] = {}

    async def number(self) -> str:
        return NUMBER

    async def groups(self, actor: Actor, patient: str) -> Sequence[Group]:
        return [GROUP]

    async def group(self, actor: Actor, patient: str, document: str) -> Group:
        if document == "theirs":
            raise errors.Forbidden
        if document != GROUP.document:
            raise errors.NotFound
        return GROUP

    async def stop(
        self,
        actor: Actor,
        patient: str,
        document: str,
        lines: Collection[str],
        reason: Reason,
        number: str,
    ) -> str:
        if number in self.ended:
            raise errors.Conflict
        self.ended[number] = (tuple(lines), reason)
        return "bio-2026"

    async def replace(
        self,
        actor: Actor,
        patient: str,
        document: str,
        lines: Sequence[Line],
        reason: Reason,
        number: str,
    ) -> str:
        self.replaced[number] = (tuple(lines), reason)
        return "bio-2026"
