# SPDX-License-Identifier: EUPL-1.2
"""Indicators for the pages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from carnet import errors
from carnet.access.actor import Actor
from carnet.access.regulated import Standing, functions
from carnet.app.occupancy import LOOKS
from carnet.ecosystem.exercises import Exercise
from carnet.ecosystem.indicators import Shown, indicators
from carnet.ecosystem.occupancy import Occupancy
from carnet.ecosystem.prevention import Advice, Given, plan


class PreviewEcosystem:
    """One with months, one of too few people, the others not counted yet."""

    async def prevention(self, actor: Actor, patient: str) -> Sequence[Advice]:
        if patient == "unknown":
            raise errors.NotFound
        given = [Given(("J07BB02",), date(2025, 11, 3)), Given(("J07CA01",), date(2011, 5, 2))]
        return plan(date(1955, 5, 14), "female", given, date(2026, 3, 14))

    async def exercise(self, actor: Actor, exercise: Exercise, began: datetime) -> Sequence[bool]:
        return [number == 0 for number in range(len(exercise.steps))]

    def now(self) -> datetime:
        return datetime(2026, 3, 14, 9, 12, tzinfo=UTC)

    async def occupancy(self, actor: Actor, day: date) -> Sequence[Occupancy]:
        if actor.kind not in LOOKS:
            raise errors.NotFound
        shown = (Occupancy("Salle d’échographie 2", 260, 480, 0), Occupancy("Scanner", 0, 0, 600))
        return shown if day == self.now().date() else ()

    def regulated(self) -> Sequence[Standing]:
        (one,) = functions().values()
        other = replace(one, name={"fr": "Autre fonction", "en": "Another function"})
        return [Standing(one, True, date(2026, 3, 1)), Standing(other, False, None)]

    async def indicators(self) -> Sequence[Shown]:
        _, lines = indicators()
        months = ((date(2026, 2, 1), 1204), (date(2026, 1, 1), None))
        return [
            Shown(each.key, each.says, months if number < 2 else ())
            for number, each in enumerate(lines)
        ]
