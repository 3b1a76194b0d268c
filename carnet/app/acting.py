# SPDX-License-Identifier: EUPL-1.2
"""What the pages of those who act for somebody call, bound to this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from carnet.access.actor import Actor
from carnet.access.door import Visit
from carnet.app import parts
from carnet.app.parts import Built
from carnet.rights import assist, mandate, represent, session
from carnet.rights.acting.queries import Assisted, Assisting, Colleague, Session
from carnet.rights.mandate import Acting, Offer, Traits
from carnet.rights.represent import Represented
from carnet.rights.session import Receipt


class ActingPages:
    """Each act, in a visit of its own."""

    _built: Built

    def _visit(self, actor: Actor) -> Visit:
        return parts.visit(self._built, actor)

    async def acting(self, actor: Actor) -> Sequence[Acting]:
        return await mandate.acting(self._visit(actor))

    async def place(self, actor: Actor, patient: str) -> Acting:
        return await mandate.place(self._visit(actor), patient)

    async def mandated(self, actor: Actor, patient: str) -> Sequence[Acting]:
        return await mandate.mandated(self._visit(actor), patient)

    async def offer_mandate(self, actor: Actor, reach: str, until: datetime) -> Offer:
        return await mandate.offer(self._visit(actor), reach, until)

    async def share_mandate(self, actor: Actor, patient: str) -> Offer:
        return await represent.share(self._visit(actor), patient)

    async def accept_mandate(self, actor: Actor, code: str) -> Acting:
        return await mandate.accept(self._visit(actor), code)

    async def revoke_mandate(self, actor: Actor, mandate_: str) -> None:
        await mandate.revoke(self._visit(actor), mandate_)

    async def declare_mandate(
        self, actor: Actor, patient: str, carer: Traits, reach: str, until: datetime, form: str
    ) -> str:
        return await mandate.declare(self._visit(actor), patient, carer, reach, until, form)

    async def begin_session(self, actor: Actor, person: Traits, how: str, reach: str) -> Acting:
        return await session.begin(self._visit(actor), person, how, reach)

    async def end_session(self, actor: Actor, session_: str) -> Receipt:
        return await session.end(self._visit(actor), session_)

    async def sessions(self, actor: Actor) -> Sequence[tuple[str, Session]]:
        encode = self._built.door.ids.encode
        found = await session.sessions(self._visit(actor))
        return [(encode(one.cid, one.id), one) for one in found]

    async def receipt(self, actor: Actor, session_: str) -> Receipt:
        return await session.receipt(self._visit(actor), session_)

    async def assisted(self, actor: Actor) -> Sequence[Assisted]:
        return await assist.assisted(self._visit(actor))

    async def colleagues(self, actor: Actor) -> Sequence[Colleague]:
        return await assist.colleagues(self._visit(actor))

    async def assistants(self, actor: Actor) -> Sequence[Assisting]:
        return await assist.everybody(self._visit(actor))

    async def assist(self, actor: Actor, sub: str, rpps: int | None, *, named: bool) -> None:
        act = assist.name if named else assist.dismiss
        await act(self._visit(actor), sub, rpps)

    async def find_person(self, actor: Actor, person: Traits) -> str:
        return await represent.find(self._visit(actor), person)

    async def represented(self, actor: Actor, patient: str) -> Represented:
        return await represent.of_person(self._visit(actor), patient)

    async def represent(
        self,
        actor: Actor,
        patient: str,
        who: Traits,
        nature: str,
        proof: str,
        until: datetime | None,
    ) -> str:
        return await represent.by_card(self._visit(actor), patient, who, nature, proof, until)
