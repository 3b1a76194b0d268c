# SPDX-License-Identifier: EUPL-1.2
"""What the pages of portal/life call, bound to this process."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date

from carnet import errors
from carnet.access.actor import Actor
from carnet.app import letters as paper
from carnet.app import parts
from carnet.app.parts import Built
from carnet.notices import letters
from carnet.notices import settings as chosen
from carnet.notices.letters import Letter
from carnet.notices.settings import Settings
from carnet.rights import close, emergency, erase, life, oppose, reopen, review
from carnet.rights import open as opening
from carnet.rights.emergency import Running
from carnet.rights.life import Whole
from carnet.rights.review import Line


class UnknownAct(errors.Invalid):
    """This is not one of the acts of the page."""


class LifePages:
    """Each act, in a visit of its own."""

    def __init__(self, built: Built) -> None:
        self._built = built

    async def life(self, actor: Actor) -> Whole:
        return await life.of(parts.visit(self._built, actor))

    async def decide(self, actor: Actor, act: str, motive: str) -> None:
        visit = parts.visit(self._built, actor)
        match act:
            case "open":
                await opening.open_now(visit)
            case "oppose":
                await oppose.oppose(visit)
            case "close":
                await close.close(visit)
            case "reopen":
                await reopen.reopen(visit)
            case "erase":
                await erase.ask(visit)
            case "keep":
                await erase.keep(visit)
            case "oppose-feeding":
                await oppose.feeding(visit, opposed=True, motive=motive)
            case "allow-feeding":
                await oppose.feeding(visit, opposed=False)
            case _:
                raise UnknownAct

    async def settings(self, actor: Actor) -> Settings:
        return await chosen.chosen(parts.visit(self._built, actor))

    async def choose(self, actor: Actor, given: Settings) -> None:
        await chosen.choose(parts.visit(self._built, actor), given)

    async def oppose(self, code: str, born: date) -> None:
        await oppose.by_code(self._built.door, secrets.token_hex(8), code, born)

    async def emergency(self, actor: Actor, handle: str, mode: str, reason: str) -> str:
        visit = parts.visit(self._built, actor)
        return (await emergency.open(visit, handle, mode, reason)).patient

    async def modes(self, actor: Actor) -> Sequence[str]:
        return await emergency.offered(parts.visit(self._built, actor))

    async def running(self, actor: Actor, patient: str) -> Running | None:
        return await emergency.running(parts.visit(self._built, actor), patient)

    async def end(self, actor: Actor, patient: str) -> None:
        await emergency.end(parts.visit(self._built, actor), patient)

    async def emergencies(self, actor: Actor, patient: str) -> Sequence[Line]:
        return await review.of_record(parts.visit(self._built, actor), patient)

    async def queue(self, actor: Actor) -> Sequence[Line]:
        return await review.queue(parts.visit(self._built, actor))

    async def review(self, actor: Actor, number: int, verdict: str, comment: str) -> None:
        await review.review(parts.visit(self._built, actor), number, verdict, comment)

    async def tray(self) -> Sequence[Letter]:
        return await letters.tray(self._built.door)

    async def letter(self, number: int, by: Actor | None) -> Letter:
        return await letters.letter(self._built.door, number, by)

    async def pdf(self, number: int, by: Actor | None) -> bytes:
        return paper.page(await letters.letter(self._built.door, number, by))

    async def posted(self, number: int, by: Actor | None) -> None:
        await letters.posted(self._built.door, number, by)
