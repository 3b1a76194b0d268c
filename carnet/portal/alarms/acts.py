# SPDX-License-Identifier: EUPL-1.2
"""What the page of alarms asks of the rest."""

from collections.abc import Sequence
from typing import Protocol

from carnet.access.actor import Actor
from carnet.access.limits.alarms import Alarm


class AlarmActs(Protocol):
    """An operator's; to anybody else there is nothing (NotFound)."""

    async def listed(self, actor: Actor) -> Sequence[Alarm]:
        """Those that wait, then those closed in a month."""

    async def take(self, actor: Actor, id: int) -> None:
        """The operator looks at it; NotFound when another does."""

    async def close(self, actor: Actor, id: int, word: str, *, reopen: bool) -> None:
        """What it was; reopen: the account that was stopped opens again. BusinessRule without a word."""
