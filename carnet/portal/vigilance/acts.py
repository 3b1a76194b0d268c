# SPDX-License-Identifier: EUPL-1.2
"""What the pages of identity ask of the rest of Carnet; see portal/acts.py."""

from collections.abc import Sequence
from typing import Protocol

from carnet.access.actor import Actor
from carnet.identity.datamatrix import Coded
from carnet.vigilance.pages import Desk, Identity, Mine, Pair, Sheet, Traits, TraitsForm


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

    async def find(self, actor: Actor, form: TraitsForm) -> Sequence[Traits]:
        """Identities of a number, or of a birth name and a birth date; for an officer."""

    async def identity(self, actor: Actor, one: str) -> Identity:
        """One identity, its history, and what may be done on it."""

    async def validate(self, actor: Actor, one: str, proof: str) -> None:
        """A document was seen; proof: its code."""

    async def mark(self, actor: Actor, one: str, what: str, reason: str) -> None:
        """Doubt, homonym, fictitious…, with the reason."""

    async def declare_parent(self, actor: Actor, one: str, ins: str, nature: str) -> None:
        """Say whose child this is, the parent by their number; Invalid when nobody bears it."""

    async def end_parent(self, actor: Actor, one: str, parent: str) -> None:
        """Say that a link was declared by mistake."""

    async def retrieve(self, actor: Actor, one: str) -> str:
        """Ask the INSi; what came of it."""

    async def apart(self, actor: Actor, one: str, what: str, proof: str) -> None:
        """release an identity in quarantine, with the code of the document seen, or search whose it is."""

    async def decode(self, actor: Actor, text: str) -> Coded:
        """What the text of a datamatrix says."""
