# SPDX-License-Identifier: EUPL-1.2
"""What the pages of portal/vigilance call, bound to this process."""

from __future__ import annotations

from collections.abc import Sequence

from carnet.access.actor import Actor
from carnet.app import parts
from carnet.app.parts import Built
from carnet.documents import hide
from carnet.identity import datamatrix
from carnet.identity.datamatrix import Coded
from carnet.vigilance import desk, family, look, release, sheet
from carnet.vigilance.pages import Desk, Identity, Mine, Pair, Sheet, Traits, TraitsForm


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
        visit = parts.visit(self._built, actor)
        await desk.decide(visit, proposal, what, why, hide.give_back)

    async def find(self, actor: Actor, form: TraitsForm) -> Sequence[Traits]:
        return await look.find(parts.visit(self._built, actor), form)

    async def identity(self, actor: Actor, one: str) -> Identity:
        return await look.identity(parts.visit(self._built, actor), one)

    async def validate(self, actor: Actor, one: str, proof: str) -> None:
        await look.validate(parts.visit(self._built, actor), one, proof)

    async def mark(self, actor: Actor, one: str, what: str, reason: str) -> None:
        await look.mark(parts.visit(self._built, actor), one, what, reason)

    async def declare_parent(self, actor: Actor, one: str, ins: str, nature: str) -> None:
        await family.declare(parts.visit(self._built, actor), one, ins, nature)

    async def end_parent(self, actor: Actor, one: str, parent: str) -> None:
        await family.undeclare(parts.visit(self._built, actor), one, parent)

    async def retrieve(self, actor: Actor, one: str) -> str:
        insi = parts.insi_of(self._built.settings)
        return await look.retrieve(parts.visit(self._built, actor), insi, one)

    async def apart(self, actor: Actor, one: str, what: str, proof: str) -> None:
        await release.by_id(parts.visit(self._built, actor), one, what, proof)

    async def decode(self, actor: Actor, text: str) -> Coded:
        return datamatrix.read(text)
