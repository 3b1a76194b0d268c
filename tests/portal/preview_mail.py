# SPDX-License-Identifier: EUPL-1.2
"""Mails for the pages: one that waits, one that is filed; a conversation that is open, one that is closed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.messaging.file import NotVerified
from carnet.messaging.inbox import Line, Mail
from carnet.messaging.threads import Closed, Said, Thread

AT = datetime(2026, 3, 14, 9, 12, tzinfo=UTC)
WAITING, FILED = "m" * 26, "n" * 26
SENDER = "secretariat@cabinet.simulateur.mssante.fr"


class PreviewMail:
    """What was done is kept in `done`."""

    done: ClassVar[list[tuple[str, ...]]] = []

    async def inbox(self, actor: Actor) -> Sequence[Line]:
        return [
            Line(WAITING, AT, SENDER, "Compte rendu <b>gras</b>", "to-attach", "Hélène DELAUNAY", False),
            Line(FILED, AT, SENDER, "Courrier", "filed", "", True),
        ]  # fmt: skip

    async def mail(self, actor: Actor, id: str) -> Mail:
        if id not in (WAITING, FILED) or actor.kind is not ActorKind.PROFESSIONAL:
            raise errors.NotFound
        line = (await self.inbox(actor))[id == FILED]
        text = "Bonjour,\n\n<script>alert(1)</script>"
        return Mail(line, "gp@carnet.simulateur.mssante.fr", text, ("Compte rendu de biologie",))

    async def attach(self, actor: Actor, id: str, matricule: str) -> None:
        if matricule.startswith("1"):
            raise NotVerified
        self.done.append(("attach", id, matricule))

    async def threads(self, actor: Actor) -> Sequence[Thread]:
        theirs = Said(
            WAITING, AT, SENDER, False, "Votre rendez-vous", "Bonjour,\nà mardi.", ("Bilan",)
        )
        own = Said(FILED, AT, "vous", True, "Re: Votre rendez-vous", "Merci.", ())
        return [Thread((theirs, own), False, WAITING), Thread((theirs,), True, FILED)]

    async def answer(self, actor: Actor, id: str, text: str) -> None:
        if id == FILED:
            raise Closed
        self.done.append(("answer", id, text))
