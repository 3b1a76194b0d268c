# SPDX-License-Identifier: EUPL-1.2
"""What the pages of activation call, bound to this process."""

from __future__ import annotations

import secrets
from datetime import date

from carnet.access.actor import Actor
from carnet.accounts import activate, prove
from carnet.accounts.prove import Given
from carnet.app import parts
from carnet.app.parts import Built


class ActivationPages:
    """Each act, in a visit of its own."""

    def __init__(self, built: Built) -> None:
        self._built = built

    async def give(self, actor: Actor, patient: str, document: str) -> Given:
        return await prove.give(parts.visit(self._built, actor), patient, document)

    async def check(self, code: str, born: date) -> str:
        return await activate.check(self._built.door, secrets.token_hex(8), code, born)

    async def use(self, code: str, born: date) -> str:
        return await activate.use(self._built.door, secrets.token_hex(8), code, born)
