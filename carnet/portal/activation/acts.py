# SPDX-License-Identifier: EUPL-1.2
"""What these pages ask of the rest."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from carnet.access.actor import Actor
from carnet.accounts.activate import Opened
from carnet.accounts.address import Address
from carnet.accounts.prove import Given, Way
from carnet.accounts.show import Seen
from carnet.accounts.stop import Line


class ActivationActs(Protocol):
    """A code is given by an operator, and used by whoever brings it with the birth date."""

    mails: bool  # whether e-mails about accounts leave

    async def give(self, actor: Actor, patient: str, document: str, way: Way) -> Given:
        """A code for this person; document: code of what was seen."""

    async def give_account(self, actor: Actor, sub: str, document: str, way: Way) -> Given:
        """A code for who works by this account."""

    async def envelope(self, actor: Actor, patient: str) -> tuple[str, ...]:
        """Lines of the postal address of a person, for the operator to confirm; none when there is none."""

    async def listed(self, actor: Actor) -> Sequence[Line]:
        """Accounts that are stopped, or wait for their code."""

    async def seen(self, actor: Actor, sub: str) -> Seen:
        """One account; NotFound."""

    async def stop(self, actor: Actor, sub: str) -> None:
        """Nobody enters by it until it is opened again."""

    async def reopen(self, actor: Actor, sub: str) -> None:
        """carnet.access.ended.Over when it ended."""

    async def end(self, actor: Actor, sub: str) -> None:
        """For good; carnet.accounts.end.YourOwn."""

    async def check(self, code: str, second: date | str) -> Opened:
        """What it opens; second: birth date or number; NotFound when they do not go together."""

    async def use(self, code: str, second: date | str) -> str:
        """The subject, and the code is used: what was connected in its name ends."""

    async def lost(self, email: str, leaves: bool) -> str:
        """Somebody lost a password: the number that goes with the code, whether one leaves or not."""

    async def address(self, actor: Actor) -> Address:
        """By which a lost password is found again."""

    async def propose(self, actor: Actor, email: str) -> None:
        """Send a code there."""

    async def confirm(self, actor: Actor, code: str) -> None:
        """The code that was sent there."""

    async def forget(self, actor: Actor) -> None:
        """No address any more."""
