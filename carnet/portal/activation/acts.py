# SPDX-License-Identifier: EUPL-1.2
"""What these pages ask of the rest."""

from datetime import date
from typing import Protocol

from carnet.access.actor import Actor
from carnet.accounts.prove import Given


class ActivationActs(Protocol):
    """A code is given by an operator, and used by whoever brings it with the birth date."""

    async def give(self, actor: Actor, patient: str, document: str) -> Given:
        """A code for this person; document: code of what was seen."""

    async def check(self, code: str, born: date) -> str:
        """The subject whose account it opens; NotFound when they do not go together."""

    async def use(self, code: str, born: date) -> str:
        """The same, and the code is used: what was connected in its name ends."""
