# SPDX-License-Identifier: EUPL-1.2
"""Alarms for the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from carnet.access.actor import Actor
from carnet.access.limits.alarms import Alarm, NoAlarm, reasons

AT = datetime(2026, 3, 14, 9, 12, tzinfo=UTC)
WALK = Alarm(
    1, "walk", "rpps:10000000001", "Dr Paul DURAND", "carnet-pages", "account-stopped",
    1, AT, AT, None, None, None, None, None, stopped=True,
)  # fmt: skip


class PreviewAlarms:
    """One of each reason; what was done to them."""

    done: list[tuple[object, ...]] = []

    async def listed(self, actor: Actor) -> Sequence[Alarm]:
        others = [
            replace(WALK, id=n, reason=name, done="refused", times=n, stopped=False)
            for n, name in enumerate(sorted(set(reasons()) - {"walk", "clock"}), 2)
        ]
        taken = replace(others[0], taken_at=AT, taken_by="operator:x")
        closed = replace(
            WALK, id=99, reason="clock", sub="", name="", client="", done="nothing",
            closed_at=AT, closed_by="operator:x", word="Changement d’heure.", stopped=False,
        )  # fmt: skip
        return [WALK, taken, *others[1:], closed]

    async def take(self, actor: Actor, id: int) -> None:
        if id == 99:
            raise NoAlarm
        self.done.append(("take", id))

    async def close(self, actor: Actor, id: int, word: str, *, reopen: bool) -> None:
        self.done.append(("close", id, word, reopen))
