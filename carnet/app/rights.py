# SPDX-License-Identifier: EUPL-1.2
"""What the pages of the rights call, bound to this process."""

from __future__ import annotations

from collections.abc import Sequence

from carnet.access.actor import Actor
from carnet.app import parts
from carnet.app.parts import Built
from carnet.documents import announce, hide
from carnet.rights import block, consent, explain, professionals, refuse, trust
from carnet.rights.pages import Explanation, Professional, Rights

# The acts of announce.may, by name.
MARKS = {
    "announce-later": announce.announce_later,
    "announced": announce.announced,
    "keep": hide.hide_from_representatives,
    "give-back": hide.show_to_representatives,
}


class RightsPages:
    """Each act, in a visit of its own."""

    _built: Built

    async def rights(self, actor: Actor, patient: str) -> Rights:
        return await consent.all_of(parts.visit(self._built, actor), patient)

    async def professionals(self, actor: Actor, patient: str) -> Sequence[Professional]:
        return await professionals.known(parts.visit(self._built, actor), patient)

    async def find_professional(self, actor: Actor, text: str) -> Sequence[Professional]:
        return await professionals.find(parts.visit(self._built, actor), text)

    async def withdraw(self, actor: Actor, patient: str, consent_: str) -> None:
        await consent.end(parts.visit(self._built, actor), consent_, patient)

    async def block(self, actor: Actor, patient: str, rpps: int, *, blocked: bool) -> None:
        act = block.block if blocked else block.unblock
        await act(parts.visit(self._built, actor), rpps, patient)

    async def trust(self, actor: Actor, patient: str, rpps: int, *, trusted: bool) -> None:
        act = trust.trust if trusted else trust.untrust
        await act(parts.visit(self._built, actor), rpps, patient)

    async def refuse(self, actor: Actor, patient: str, mode: str, *, refused: bool) -> None:
        await refuse.refuse(parts.visit(self._built, actor), mode, refused=refused, patient=patient)

    async def mask(self, actor: Actor, document: str, *, masked: bool) -> None:
        act = hide.hide if masked else hide.show
        await act(parts.visit(self._built, actor), document)

    async def marks(self, actor: Actor, document: str) -> frozenset[str]:
        return await announce.may(parts.visit(self._built, actor), document)

    async def mark(self, actor: Actor, document: str, what: str) -> None:
        await MARKS[what](parts.visit(self._built, actor), document)

    async def explain(self, actor: Actor, patient: str) -> Explanation:
        return await explain.explain(parts.visit(self._built, actor), patient)
