# SPDX-License-Identifier: EUPL-1.2
"""What the pages of secure mail ask of the rest."""

from collections.abc import Sequence
from typing import Protocol

from carnet.access.actor import Actor
from carnet.messaging.inbox import Line, Mail
from carnet.messaging.threads import Thread


class MailActs(Protocol):
    """Each on the caller's own mailboxes; another's mail is NotFound."""

    async def inbox(self, actor: Actor) -> Sequence[Line]:
        """What came, those to attach first."""

    async def mail(self, actor: Actor, id: str) -> Mail:
        """One mail, which is then seen."""

    async def attach(self, actor: Actor, id: str, matricule: str) -> None:
        """Put its documents in the record of the person of this number (INS)."""

    async def threads(self, actor: Actor) -> Sequence[Thread]:
        """The caller's own conversations."""

    async def answer(self, actor: Actor, id: str, text: str) -> None:
        """Answer a professional, unless they closed the conversation."""
