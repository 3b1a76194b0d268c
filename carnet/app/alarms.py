# SPDX-License-Identifier: EUPL-1.2
"""What the page of alarms calls, bound to this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.limits import alarms
from carnet.access.limits.alarms import Alarm
from carnet.app.parts import Built

MONTH = timedelta(days=31)


class AlarmPages:
    """For operators alone."""

    def __init__(self, built: Built) -> None:
        self._built = built

    async def listed(self, actor: Actor) -> Sequence[Alarm]:
        operator(actor)
        async with self._built.pool.connection() as conn:
            return await alarms.listed(conn, self._built.door.clock() - MONTH)

    async def take(self, actor: Actor, id: int) -> None:
        operator(actor)
        async with self._built.pool.connection() as conn:
            await alarms.take(conn, id, actor.sub, self._built.door.clock())

    async def close(self, actor: Actor, id: int, word: str, *, reopen: bool) -> None:
        operator(actor)
        async with self._built.pool.connection() as conn, conn.transaction():
            now = self._built.door.clock()
            await alarms.close(conn, id, actor.sub, now, word, reopen=reopen)


def operator(actor: Actor) -> None:
    """To anybody else there is nothing."""
    if actor.kind is not ActorKind.OPERATOR:
        raise errors.NotFound
