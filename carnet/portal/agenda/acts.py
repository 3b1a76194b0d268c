# SPDX-License-Identifier: EUPL-1.2
"""What the pages of appointments ask of the rest."""

from collections.abc import Sequence
from typing import Protocol

from carnet.access.actor import Actor
from carnet.care.agenda.pages import Free, Meeting


class AgendaActs(Protocol):
    """Each of a record, "" being one's own; NotFound when it must look absent."""

    async def appointments(self, actor: Actor, patient: str) -> Sequence[Meeting]:
        """The latest first."""

    async def cancel(self, actor: Actor, patient: str, id: str) -> None:
        """Its slots are free again."""

    async def free(self, actor: Actor, patient: str, id: str) -> Sequence[Free]:
        """What may be taken instead, of the same agenda, the soonest first."""

    async def move(self, actor: Actor, patient: str, id: str, slot: str) -> None:
        """Take another slot and give the first back; Conflict when somebody was quicker."""

    async def file(self, actor: Actor, patient: str, id: str, title: str) -> tuple[str, bytes]:
        """Name and content of a calendar file that says when and where."""
