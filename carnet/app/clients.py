# SPDX-License-Identifier: EUPL-1.2
"""What the pages of clients call, bound to this process."""

from __future__ import annotations

from collections.abc import Sequence

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.app import parts
from carnet.app.parts import Built
from carnet.oauth import registering
from carnet.oauth.registered import ClientAct, Registered
from carnet.oauth.registering import Proposal


class ClientPages:
    """For operators alone."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def _visit(self, actor: Actor) -> Visit:
        if actor.kind is not ActorKind.OPERATOR:
            raise errors.NotFound
        return parts.visit(self._built, actor)

    async def listed(self, actor: Actor) -> Sequence[Registered]:
        return await registering.listed(self._visit(actor))

    async def shown(self, actor: Actor, id: str) -> tuple[Registered, Sequence[ClientAct]]:
        return await registering.shown(self._visit(actor), id)

    async def decide(self, actor: Actor, id: str, act: str, why: str) -> None:
        await registering.decide(self._visit(actor), id, act, why)

    @property
    def sandboxes(self) -> bool:
        return registering.sandboxes(self._built.settings.instance)

    async def apply(self, said: Proposal) -> str | None:
        actor = Actor(ActorKind.SOFTWARE, "developer", "", "carnet-pages")
        return await registering.apply(parts.visit(self._built, actor), said)

    async def add_keys(self, actor: Actor, id: str, text: str) -> Sequence[str]:
        return await registering.add_keys(self._visit(actor), id, text)

    async def remove_key(self, actor: Actor, id: str, kid: str) -> None:
        await registering.remove_key(self._visit(actor), id, kid)

    async def set_scopes(self, actor: Actor, id: str, text: str) -> str:
        return await registering.set_scopes(self._visit(actor), id, text)
