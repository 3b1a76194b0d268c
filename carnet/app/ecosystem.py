# SPDX-License-Identifier: EUPL-1.2
"""The public pages and the counting of indicators, bound to this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import procrastinate
import structlog

from carnet import errors
from carnet.access import queries
from carnet.access.actor import Actor
from carnet.access.door import Door, Stored
from carnet.access.regulated import Standing, standings
from carnet.app import occupancy, parts
from carnet.app.parts import Built
from carnet.ecosystem import exercises, indicators, prevention
from carnet.ecosystem.exercises import Exercise
from carnet.ecosystem.indicators import HERE, Shown
from carnet.ecosystem.occupancy import Occupancy
from carnet.ecosystem.prevention import Advice, Given
from carnet.fhir.search.query import Query
from carnet.summary.facts import codings, content
from carnet.summary.gather import opened

MOST: Final = 1000  # vaccines of one record

log = structlog.get_logger("carnet.ecosystem")


class EcosystemPages:
    """What anybody may read."""

    def __init__(self, built: Built) -> None:
        self._built = built

    async def prevention(self, actor: Actor, patient: str) -> Sequence[Advice]:
        visit = parts.visit(self._built, actor)
        cid = await opened(visit, patient)
        query = Query("Immunization", compartments=(cid,), count=MOST)
        given = [dose for each in (await visit.search(query)).matches if (dose := _dose(each))]
        async with self._built.pool.connection() as conn:
            known = await queries.identity(conn, cid)
        if known is None:
            raise errors.NotFound
        today = self._built.door.clock().astimezone(HERE).date()
        return prevention.plan(known.birth_date, known.sex, given, today)

    async def exercise(self, actor: Actor, exercise: Exercise, began: datetime) -> Sequence[bool]:
        async with self._built.pool.connection() as conn:
            return await exercises.since(conn, actor.sub, exercise, began)

    def now(self) -> datetime:
        return self._built.door.clock()

    async def occupancy(self, actor: Actor, day: date) -> Sequence[Occupancy]:
        return await occupancy.day(self._built, actor, day)

    def regulated(self) -> Sequence[Standing]:
        today = self._built.door.clock().astimezone(HERE).date()
        return standings(self._built.settings, today)

    async def indicators(self) -> Sequence[Shown]:
        async with self._built.pool.connection() as conn:
            return await indicators.told(conn, self._built.door.clock())


def _dose(stored: Stored) -> Given | None:
    """A vaccine that was given on a day that is known."""
    own = content(stored)
    codes = tuple(code for _, code in codings(own.get("vaccineCode")))
    try:
        on = date.fromisoformat(str(own.get("occurrenceDateTime", ""))[:10])
    except ValueError:
        return None
    return Given(codes, on) if own.get("status") == "completed" and codes else None


def jobs(app: procrastinate.App, made: Door) -> None:
    """Once a day, and once a month there is something to do."""

    @app.periodic(cron="20 3 * * *")
    @app.task(name="indicators", queueing_lock="indicators")
    async def count(timestamp: int) -> None:
        async with made.pool.connection() as conn:
            log.info("indicators", months=await indicators.count(conn, made.clock()))
