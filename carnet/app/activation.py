# SPDX-License-Identifier: EUPL-1.2
"""What the pages of activation call, bound to this process."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.accounts import activate, address, end, envelope, prove, recover, show, stop
from carnet.accounts.activate import Opened
from carnet.accounts.address import Address
from carnet.accounts.prove import Given, Way
from carnet.accounts.show import Seen
from carnet.accounts.stop import Line
from carnet.app import parts
from carnet.app.parts import Built


class ActivationPages:
    """Each act, in a visit of its own."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self.mails = built.door.settings.mails

    async def give(self, actor: Actor, patient: str, document: str, way: Way) -> Given:
        return await prove.give(parts.visit(self._built, actor), patient, document, way)

    async def give_account(self, actor: Actor, sub: str, document: str, way: Way) -> Given:
        return await prove.give_account(parts.visit(self._built, actor), sub, document, way)

    async def envelope(self, actor: Actor, patient: str) -> tuple[str, ...]:
        place = self._built.door.ids.decode(patient)
        if actor.kind is not ActorKind.OPERATOR or place is None or place[0] != place[1]:
            raise errors.NotFound
        return await envelope.address(parts.visit(self._built, actor), place[0])

    async def listed(self, actor: Actor) -> Sequence[Line]:
        return await stop.listed(parts.visit(self._built, actor))

    async def seen(self, actor: Actor, sub: str) -> Seen:
        return await show.seen(parts.visit(self._built, actor), sub)

    async def stop(self, actor: Actor, sub: str) -> None:
        await stop.stop(parts.visit(self._built, actor), sub)

    async def reopen(self, actor: Actor, sub: str) -> None:
        await stop.reopen(parts.visit(self._built, actor), sub)

    async def end(self, actor: Actor, sub: str) -> None:
        await end.end(parts.visit(self._built, actor), sub)

    async def check(self, code: str, second: date | str) -> Opened:
        return await activate.check(self._built.door, secrets.token_hex(8), code, second)

    async def use(self, code: str, second: date | str) -> str:
        return await activate.use(self._built.door, secrets.token_hex(8), code, second)

    async def lost(self, email: str, leaves: bool) -> str:
        return await recover.lost(self._built.door, email, leaves)

    async def address(self, actor: Actor) -> Address:
        return await address.of(parts.visit(self._built, actor))

    async def propose(self, actor: Actor, email: str) -> None:
        await address.propose(parts.visit(self._built, actor), email)

    async def confirm(self, actor: Actor, code: str) -> None:
        await address.confirm(parts.visit(self._built, actor), code)

    async def forget(self, actor: Actor) -> None:
        await address.remove(parts.visit(self._built, actor))
