# SPDX-License-Identifier: EUPL-1.2
"""The acts of prescribing, as the pages call them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from carnet.access.actor import Actor
from carnet.app import parts
from carnet.app.parts import Built
from carnet.composing.prescription import Group, Line, Reason, end


class PrescribingPages:
    """Each act, in a visit of its own."""

    def __init__(self, built: Built) -> None:
        self._built = built

    async def number(self) -> str:
        return str(uuid.UUID(bytes=self._built.door.random(16), version=4))

    async def groups(self, actor: Actor, patient: str) -> Sequence[Group]:
        return await end.groups(parts.visit(self._built, actor), patient)

    async def group(self, actor: Actor, patient: str, document: str) -> Group:
        return await end.group(parts.visit(self._built, actor), patient, document)

    async def stop(
        self,
        actor: Actor,
        patient: str,
        document: str,
        lines: Collection[str],
        reason: Reason,
        number: str,
    ) -> str:
        visit, acts = parts.visit(self._built, actor), self._built.desk.acts
        return await end.stop(visit, acts, patient, document, lines, reason, number)

    async def replace(
        self,
        actor: Actor,
        patient: str,
        document: str,
        lines: Sequence[Line],
        reason: Reason,
        number: str,
    ) -> str:
        visit, acts = parts.visit(self._built, actor), self._built.desk.acts
        return await end.replace(visit, acts, patient, document, lines, reason, number)
