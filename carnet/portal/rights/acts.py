# SPDX-License-Identifier: EUPL-1.2
"""What the pages of the rights ask; `patient` is the id of a Patient, "" one's own record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from carnet.access.actor import Actor
from carnet.rights.pages import Explanation, Professional, Rights


class RightsActs(Protocol):
    """Consents, blocks, trust, refusals, masks, and why one cannot see."""

    async def rights(self, actor: Actor, patient: str) -> Rights:
        """All the holder decided of who reads."""

    async def professionals(self, actor: Actor, patient: str) -> Sequence[Professional]:
        """Those who appear in the record."""

    async def find_professional(self, actor: Actor, text: str) -> Sequence[Professional]:
        """Those of the directory, by name or number."""

    async def withdraw(self, actor: Actor, patient: str, consent_: str) -> None:
        """End one consent."""

    async def block(self, actor: Actor, patient: str, rpps: int, *, blocked: bool) -> None:
        """Block a professional, or lift the block."""

    async def trust(self, actor: Actor, patient: str, rpps: int, *, trusted: bool) -> None:
        """Let a professional read what is masked, or no more."""

    async def refuse(self, actor: Actor, patient: str, mode: str, *, refused: bool) -> None:
        """Refuse an emergency mode, or accept it."""

    async def mask(self, actor: Actor, document: str, *, masked: bool) -> None:
        """Hide a document from professionals, or show it."""

    async def marks(self, actor: Actor, document: str) -> frozenset[str]:
        """Which of announce-later, announced, keep, give-back this reader may do on a document they see."""

    async def mark(self, actor: Actor, document: str, what: str) -> None:
        """Put one of them."""

    async def explain(self, actor: Actor, patient: str) -> Explanation:
        """Why this reader does not see; patient: "" their own record."""
