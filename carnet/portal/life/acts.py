# SPDX-License-Identifier: EUPL-1.2
"""What these pages ask of the rest of Carnet; `app/life.py` supplies it."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from carnet.access.actor import Actor
from carnet.notices.letters import Letter
from carnet.notices.settings import Settings
from carnet.rights.emergency import Running
from carnet.rights.life import Whole
from carnet.rights.review import Line


class LifeActs(Protocol):
    """The acts, already bound to the desk."""

    async def life(self, actor: Actor) -> Whole:
        """One's own record, whatever its state."""

    async def decide(self, actor: Actor, act: str, motive: str) -> None:
        """open, oppose, close, reopen, erase, keep, oppose-feeding or allow-feeding."""

    async def settings(self, actor: Actor) -> Settings:
        """Where and how one is told."""

    async def choose(self, actor: Actor, given: Settings) -> None:
        """Change it."""

    async def oppose(self, code: str, born: date) -> None:
        """Object with the code of a notice; NotFound when it names nobody."""

    async def emergency(self, actor: Actor, handle: str, mode: str, reason: str) -> str:
        """Open a record in an emergency; the patient's id. NotFound whatever the reason of a refusal."""

    async def modes(self, actor: Actor) -> Sequence[str]:
        """Emergency modes this professional may open in, in the situation they act in."""

    async def running(self, actor: Actor, patient: str) -> Running | None:
        """One's emergency opening of a record, while it lasts."""

    async def end(self, actor: Actor, patient: str) -> None:
        """End one's emergency openings of a record."""

    async def emergencies(self, actor: Actor, patient: str) -> Sequence[Line]:
        """Emergency openings of one's own record ("") or of whom one represents, newest first."""

    async def queue(self, actor: Actor) -> Sequence[Line]:
        """Openings to be reviewed."""

    async def review(self, actor: Actor, number: int, verdict: str, comment: str) -> None:
        """Say whether one was justified."""

    async def tray(self) -> Sequence[Letter]:
        """What leaves, newest first; of a demonstration."""

    async def letter(self, number: int, by: Actor | None) -> Letter:
        """One letter, with its reader's address; by: the operator who opens it."""

    async def pdf(self, number: int, by: Actor | None) -> bytes:
        """The same, to print."""

    async def posted(self, number: int, by: Actor | None) -> None:
        """It was posted."""
