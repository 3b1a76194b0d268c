# SPDX-License-Identifier: EUPL-1.2
"""Invented answers of the life of a record, as preview.py has them for the rest."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from carnet import errors
from carnet.access.actor import Actor
from carnet.notices.letters import Letter
from carnet.notices.settings import Settings
from carnet.rights.emergency import Running
from carnet.rights.life import Event, Life, Whole
from carnet.rights.review import Line

AT = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
LIFE = Life(1, "open", AT, AT, None, "term", False, None, None, None)
STATES = {
    "patient:claire": Whole(
        LIFE, None, False, (Event(AT, "open", "term", "platform"), Event(AT, "notice", "", "web"))
    ),
    "patient:newcomer": Whole(replace(LIFE, state="notice"), AT, False, ()),
}
OPENING = Line(
    7, "Dr Anne DUBOIS", "Médecin", "SAMU du Val d’Or", "centre-15", "call",
    AT, AT, False, True, "", "Claire MARTIN",
)  # fmt: skip
LETTER = Letter(
    5, "letter", ("Claire Martin", "3 rue des Lilas", "37000 Tours"), "12 mars 2026",
    "Votre espace de santé va être ouvert", ("Un espace va être ouvert.", "- par courrier\n- ici"),
    AT, None, "", "fr",
)  # fmt: skip
GOOD = "ABCDEFGHJKLM"


class PreviewLife:
    """Answers, and what it was asked."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.emergent: Running | None = None

    async def life(self, actor: Actor) -> Whole:
        return STATES[actor.sub]

    async def decide(self, actor: Actor, act: str, motive: str) -> None:
        self.done.append((act, motive))

    async def settings(self, actor: Actor) -> Settings:
        return Settings("claire@carnet.example", "fr", ())

    async def choose(self, actor: Actor, given: Settings) -> None:
        self.done.append(("choose", given))

    async def oppose(self, code: str, born: date) -> None:
        if code.replace("-", "") != GOOD:
            raise errors.NotFound
        self.done.append(("oppose", born))

    async def emergency(self, actor: Actor, handle: str, mode: str, reason: str) -> str:
        self.done.append((mode, reason))
        return "k3v9q2x7claire"

    async def modes(self, actor: Actor) -> Sequence[str]:
        both = ("bris-de-glace", "centre-15")
        return both if actor.sub == "rpps:samu" else both[:1]

    async def running(self, actor: Actor, patient: str) -> Running | None:
        return None if ("end", patient) in self.done else self.emergent

    async def end(self, actor: Actor, patient: str) -> None:
        self.done.append(("end", patient))

    async def emergencies(self, actor: Actor, patient: str) -> Sequence[Line]:
        return [replace(OPENING, patient="")] if actor.sub == "patient:claire" else []

    async def queue(self, actor: Actor) -> Sequence[Line]:
        if actor.kind == "patient":
            raise errors.NotFound
        seen = [OPENING, replace(OPENING, id=8, verdict="justified", overdue=False, secret=True)]
        return seen if actor.kind == "professional" else [replace(one, patient="") for one in seen]

    async def review(self, actor: Actor, number: int, verdict: str, comment: str) -> None:
        self.done.append((number, verdict, comment))

    async def tray(self) -> Sequence[Letter]:
        return [LETTER, replace(LETTER, id=6, channel="email", to=("c@d.example",), sent=AT)]

    async def letter(self, number: int, by: Actor | None) -> Letter:
        if number != LETTER.id:
            raise errors.NotFound
        return LETTER

    async def pdf(self, number: int, by: Actor | None) -> bytes:
        return b"%PDF-1.4"

    async def posted(self, number: int, by: Actor | None) -> None:
        self.done.append(("posted", number, by.name if by else ""))
