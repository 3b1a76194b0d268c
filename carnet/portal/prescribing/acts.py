# SPDX-License-Identifier: EUPL-1.2
"""What the pages of prescribing call; `app.py` supplies it."""

from collections.abc import Collection, Sequence
from typing import Protocol

from carnet.access.actor import Actor
from carnet.composing.prescription import Group, Line, Reason


class PrescribingActs(Protocol):
    """To who does not prescribe, NotAPrescriber; `patient` is the opaque id of a Patient."""

    async def number(self) -> str:
        """The number of what is about to be written; sent twice, it is written once."""

    async def groups(self, actor: Actor, patient: str) -> Sequence[Group]:
        """The actor's own prescriptions of a record that go on."""

    async def group(self, actor: Actor, patient: str, document: str) -> Group:
        """One of them; NotFound when it must look absent, Forbidden when another wrote it."""

    async def stop(
        self,
        actor: Actor,
        patient: str,
        document: str,
        lines: Collection[str],
        reason: Reason,
        number: str,
    ) -> str:
        """End lines; the id of the document that says so. Conflict when it is written already."""

    async def replace(
        self,
        actor: Actor,
        patient: str,
        document: str,
        lines: Sequence[Line],
        reason: Reason,
        number: str,
    ) -> str:
        """Write a prescription in the place of another; the id of its document."""
