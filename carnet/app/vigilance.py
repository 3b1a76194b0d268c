# SPDX-License-Identifier: EUPL-1.2
"""What the pages of portal/vigilance call, bound to this process."""

from __future__ import annotations

from carnet.access.actor import Actor
from carnet.app import parts
from carnet.app.parts import Built
from carnet.identity import datamatrix
from carnet.identity.datamatrix import Coded
from carnet.vigilance import desk, sheet
from carnet.vigilance.pages import Desk, Mine, Pair, Sheet


class IdentityPages:
    """Each act, in a visit of its own."""

    def __init__(self, built: Built) -> None:
        self._built = built

    async def mine(self, actor: Actor) -> Mine:
        return await sheet.mine(parts.visit(self._built, actor))

    async def sheet(self, actor: Actor) -> Sheet:
        return await sheet.sheet(parts.visit(self._built, actor))

    async def desk(self, actor: Actor) -> Desk:
        visit = parts.visit(self._built, actor)
        return await desk.look(visit, parts.insi_of(self._built.settings))

    async def compare(self, actor: Actor, one: str, other: str) -> Pair:
        return await desk.compare(parts.visit(self._built, actor), one, other)

    async def propose(self, actor: Actor, source: str, target: str, reason: str) -> None:
        await desk.propose(parts.visit(self._built, actor), source, target, reason)

    async def different(self, actor: Actor, one: str, other: str) -> None:
        await desk.different(parts.visit(self._built, actor), one, other)

    async def decide(self, actor: Actor, proposal: str, what: str, why: str) -> None:
        await desk.decide(parts.visit(self._built, actor), proposal, what, why)

    async def decode(self, actor: Actor, text: str) -> Coded:
        return datamatrix.read(text)
