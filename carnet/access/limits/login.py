# SPDX-License-Identifier: EUPL-1.2
"""Log-ins: how often a password or a code is tried, without letting anybody lock another out.

Tries are counted for an account from an address, so that who tries from elsewhere stops themselves
alone; a device the account was entered by before is counted apart, and passes what others used up.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from carnet.access.limits import alarms
from carnet.access.limits.address import counted
from carnet.access.limits.counter import Counter
from carnet.access.limits.refusals import TooFast


class Tries(Protocol):
    """What the pages of log-in ask."""

    async def password(self, account: str, address: str, device: str) -> None:
        """One try begins; TooFast when there were enough. device: "" unless the account knows it."""

    async def right(self, account: str, address: str, device: str) -> None:
        """The password was right: the try does not count."""

    async def factor(self, subject: str) -> None:
        """A code of a second factor is tried; TooFast."""

    async def activation(self, address: str) -> None:
        """A code of a letter is tried; TooFast."""

    async def developer(self, address: str) -> None:
        """An application of a sandbox is asked for; TooFast."""

    async def lost(self, email: str, address: str) -> bool:
        """A lost password; TooFast for an address, and whether an e-mail may leave for this mailbox."""

    async def device(self, subject: str) -> None:
        """Somebody entered by a device that was new to the account."""


class Counted:
    """In the database, at once for every process."""

    def __init__(self, counter: Counter, clock: Callable[[], datetime]) -> None:
        self._counter = counter
        self._clock = clock

    async def password(self, account: str, address: str, device: str) -> None:
        """Every rate is counted, whichever refuses, for names that are nobody's too."""
        refused: TooFast | None = None
        for name, who in _counted(account, address, device):
            try:
                await self._counter.exactly(name, who)
            except TooFast as error:
                refused = refused or error
                await self._tell(error.rate)
        if refused is not None:
            raise refused

    async def right(self, account: str, address: str, device: str) -> None:
        for name, who in _counted(account, address, device):
            await self._counter.give_back(name, who)

    async def factor(self, subject: str) -> None:
        try:
            await self._counter.exactly("second-factor", subject)
        except TooFast:
            await self._tell("second-factor", subject)
            raise

    async def activation(self, address: str) -> None:
        try:
            await self._counter.exactly("activation-code", counted(address))
        except TooFast:
            await self._tell("login-address")
            raise

    async def developer(self, address: str) -> None:
        await self._counter.exactly("developer", counted(address))

    async def lost(self, email: str, address: str) -> bool:
        try:
            await self._counter.exactly("recovery-address", counted(address))
        except TooFast:
            await self._tell("login-address")
            raise
        try:
            await self._counter.exactly("recovery-account", f"mailbox {email.strip().casefold()}")
        except TooFast:
            return False
        return True

    async def device(self, subject: str) -> None:
        async with self._counter.pool.connection() as conn:
            await alarms.tell(conn, "new-device", self._clock(), sub=subject)

    async def _tell(self, rate: str, subject: str = "") -> None:
        # What was typed as a name may be anything, a password even: an alarm does not repeat it.
        reason = REASONS.get(rate)
        if reason is not None:
            async with self._counter.pool.connection() as conn:
                await alarms.tell(conn, reason, self._clock(), sub=subject, done="refused")


REASONS = {
    "login-account": "many-refusals",
    "login-pair-hour": "many-refusals",
    "login-address": "many-refusals-address",
    "second-factor": "second-factor-guessed",
}


def _counted(account: str, address: str, device: str) -> list[tuple[str, str]]:
    """Where a try counts: rates, and who."""
    account, place = account.strip().casefold(), counted(address)
    if device:
        pair = f"{account} device {device}"
        return [("login-pair", pair), ("login-pair-hour", pair)]
    pair = f"{account} {place}"
    return [
        ("login-pair", pair),
        ("login-pair-hour", pair),
        ("login-account", account),
        ("login-address", place),
    ]
