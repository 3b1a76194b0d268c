# SPDX-License-Identifier: EUPL-1.2
"""Activation for the pages."""

from __future__ import annotations

from datetime import UTC, date, datetime

from carnet.access.actor import Actor
from carnet.accounts.activate import WrongActivation
from carnet.accounts.prove import Given

GOOD, BORN = "0000-0000-0000-000", date(1941, 5, 14)
SUBJECT = "patient:activated"


class PreviewActivation:
    """One code is good, until it is used."""

    done: list[tuple[object, ...]] = []
    over = False

    async def give(self, actor: Actor, patient: str, document: str) -> Given:
        self.done.append(("give", actor.sub, patient, document))
        return Given("LE CŒUR Suzanne", GOOD, datetime(2026, 12, 23, tzinfo=UTC))

    async def check(self, code: str, born: date) -> str:
        if (code, born) != (GOOD, BORN) or self.over:
            raise WrongActivation
        return SUBJECT

    async def use(self, code: str, born: date) -> str:
        found = await self.check(code, born)
        self.done.append(("use",))
        return found
