# SPDX-License-Identifier: EUPL-1.2
"""What these pages ask of the rest of Carnet; `app/apps.py` supplies it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from carnet.access.actor import Actor
from carnet.oauth.allowances import AllowedRow, Launchable
from carnet.oauth.asking import Question


@dataclass(frozen=True, slots=True)
class Records:
    """A request, and the records it may be allowed on: id of a Patient ("" one's own), name."""

    question: Question
    records: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person chose; patient: "" for their own record, or none; amr: how they proved who they are."""

    patient: str
    kinds: tuple[str, ...]
    writes: bool
    until: datetime
    offline: bool
    amr: tuple[str, ...] = ()


class AppActs(Protocol):
    """The acts, already bound to the desk. proven: when the session last proved who it is."""

    async def question(
        self, actor: Actor, secret: str, proven: datetime | None, patient: str
    ) -> Records:
        """What is asked; NotFound when nothing waits for them; LogInAgain.

        patient: whom a professional chose, "" for nobody; NotFound when they may not open the record.
        """

    async def allow(
        self, actor: Actor, secret: str, chosen: Answered, proven: datetime | None
    ) -> str:
        """Allow it; the address to go to."""

    async def refuse(self, actor: Actor, secret: str) -> str:
        """Refuse it; the address to go to."""

    async def mine(self, actor: Actor) -> Sequence[AllowedRow]:
        """What is allowed, newest first, and what ended less than a year ago."""

    async def end(self, actor: Actor, id: str) -> None:
        """End it; NotFound."""

    async def shorten(self, actor: Actor, id: str, until: datetime) -> None:
        """End it earlier than it was to; NotFound, WrongEnd."""

    async def offered(self, actor: Actor, patient: str) -> Sequence[Launchable]:
        """Applications that open on a patient; NotFound when the patient must look absent."""

    async def launch(self, actor: Actor, patient: str, client: str) -> str:
        """Open one; the address to go to."""
