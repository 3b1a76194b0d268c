# SPDX-License-Identifier: EUPL-1.2
"""What the pages of identity ask of the rest of Carnet; see portal/acts.py."""

from typing import Protocol

from carnet.access.actor import Actor
from carnet.identity.datamatrix import Coded
from carnet.vigilance.pages import Desk, Mine, Pair, Sheet


class IdentityActs(Protocol):
    """The acts, already bound to the desk; ids are those of Patients and proposals."""

    async def mine(self, actor: Actor) -> Mine:
        """The traits and the status of the person who asks."""

    async def sheet(self, actor: Actor) -> Sheet:
        """Their identity sheet; a BusinessRule while they are not qualified."""

    async def desk(self, actor: Actor) -> Desk:
        """What waits for an officer; NotFound for anybody else."""

    async def compare(self, actor: Actor, one: str, other: str) -> Pair:
        """Two identities of the queue."""

    async def propose(self, actor: Actor, source: str, target: str, reason: str) -> None:
        """Say that two identities are one person, `target` staying."""

    async def different(self, actor: Actor, one: str, other: str) -> None:
        """Say that they are two people."""

    async def decide(self, actor: Actor, proposal: str, what: str, why: str) -> None:
        """confirm, refuse or undo a merge."""

    async def decode(self, actor: Actor, text: str) -> Coded:
        """What the text of a datamatrix says."""
