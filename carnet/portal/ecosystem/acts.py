# SPDX-License-Identifier: EUPL-1.2
"""What these pages ask of the rest."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from carnet.access.actor import Actor
from carnet.access.regulated import Standing
from carnet.ecosystem.exercises import Exercise
from carnet.ecosystem.indicators import Shown
from carnet.ecosystem.occupancy import Occupancy
from carnet.ecosystem.prevention import Advice


class EcosystemActs(Protocol):
    """Public, but for what hangs on a person."""

    async def prevention(self, actor: Actor, patient: str) -> Sequence[Advice]:
        """What the calendar proposes to a person; NotFound when the record must look absent."""

    async def exercise(self, actor: Actor, exercise: Exercise, began: datetime) -> Sequence[bool]:
        """Which of its steps this account has done since."""

    def now(self) -> datetime:
        """The clock an exercise begins by."""

    async def occupancy(self, actor: Actor, day: date) -> Sequence[Occupancy]:
        """Rooms and devices of one's organisation, that day; NotFound for who practises nowhere."""

    def regulated(self) -> Sequence[Standing]:
        """Functions that may be a medical device, and whether they are in service here."""

    async def indicators(self) -> Sequence[Shown]:
        """Each public indicator, of the last closed months."""
