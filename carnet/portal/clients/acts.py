# SPDX-License-Identifier: EUPL-1.2
"""What the pages of clients ask of the rest."""

from collections.abc import Sequence
from typing import Protocol

from carnet.access.actor import Actor
from carnet.oauth.registered import ClientAct, Registered
from carnet.oauth.registering import Proposal


class ClientActs(Protocol):
    """An operator's; to anybody else there is nothing (NotFound)."""

    async def listed(self, actor: Actor) -> Sequence[Registered]:
        """Every client, those that wait first."""

    async def shown(self, actor: Actor, id: str) -> tuple[Registered, Sequence[ClientAct]]:
        """One, and what was decided of it; NotFound."""

    async def decide(self, actor: Actor, id: str, act: str, why: str) -> None:
        """approve, suspend, resume, end; NoReason, or WrongState when another decided."""

    @property
    def sandboxes(self) -> bool:
        """Whether nobody is real here."""

    async def apply(self, said: Proposal) -> str | None:
        """Anybody's, where nobody is real: an application that waits for an operator; its secret."""

    async def add_keys(self, actor: Actor, id: str, text: str) -> Sequence[str]:
        """Public keys more; an Invalid or a Conflict of carnet/oauth/keys.py."""

    async def remove_key(self, actor: Actor, id: str, kid: str) -> None:
        """A key less; LastKey."""

    async def set_scopes(self, actor: Actor, id: str, text: str) -> str:
        """The widest it may ask; WrongScopes."""
