# SPDX-License-Identifier: EUPL-1.2
"""Validation of what is written, entry by entry, and what of it refuses a write (CARNET_VALIDATION).

The structure of R4 is asked of every write. Beyond it, `off` refuses nothing, `base` what breaks R4's own
rules, `profiles` what breaks those its meta.profile claims too. Whatever the setting, a caller who prefers
return=OperationOutcome is told all that is found.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from psycopg import AsyncConnection

from carnet.config import Settings, Validation
from carnet.fhir import json
from carnet.fhir.terminology import Terms
from carnet.fhir.terminology.bindings import ROUNDS, Bindings, Question, noted
from carnet.fhir.validation import queries, structure
from carnet.fhir.validation.issues import Issue, right
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.terms import LocalTerminology
from carnet.fhir.validation.validator import Validator
from carnet.postgres.pool import Pool
from carnet.rest.outcome import NotValid

EVERY: Final = 1.0  # seconds between two looks for profiles


class NotConform(NotValid):
    """The resource breaks rules that this server holds what is written to."""

    status = 422


@dataclass
class Checks:
    """What validates; made once a process, and again when the operator has loaded profiles."""

    settings: Settings
    pool: Pool
    inside: bool = False  # a transaction: see `found`
    outer: Pool | None = None  # the pool of the process, inside a transaction
    profiles: tuple[str, ...] = ()  # the operator's, as JSON, in the order they were loaded
    generation: int = 0  # of those
    _next: float = 0.0  # when to look for others
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _aside: asyncio.Lock = field(default_factory=asyncio.Lock)

    def within(self, pool: Pool) -> Checks:
        """The same inside a transaction whose connection is all there is."""
        _ = self.validator  # made once for all
        made = copy.copy(self)
        made.pool, made.inside, made.outer = pool, True, self.outer or self.pool
        return made

    @cached_property
    def packages(self) -> Packages:
        """R4, the packages of CARNET_PACKAGES, and what was loaded."""
        packages = Packages()
        if self.settings.packages:
            folder = Path(self.settings.packages)
            inside = sorted(folder.iterdir()) if folder.is_dir() else [folder]
            archives = [each for each in inside if each.name.endswith((".tgz", ".tar.gz"))]
            for each in archives or [folder]:
                packages.load(each)
        packages.add(json.parse(each.encode()) for each in self.profiles)
        return packages

    @cached_property
    def bindings(self) -> Bindings:
        """The value sets of the packages, and the nomenclatures that are loaded."""
        return Bindings(Terms(), LocalTerminology(self.packages))

    @cached_property
    def validator(self) -> Validator:
        """What validates."""
        return Validator(self.packages, self.bindings)

    @property
    def late(self) -> bool:
        """Whether it is time to look for profiles again; one question of the database in a second."""
        return time.monotonic() >= self._next

    async def look(self, conn: AsyncConnection[Any]) -> None:
        """Look for profiles that were loaded or replaced since."""
        self._next = time.monotonic() + EVERY
        if await queries.generation(conn) == self.generation:
            return
        generation, found = await queries.every(conn)
        self.generation, self.profiles = generation, tuple(found)
        for made in ("packages", "bindings", "validator"):
            self.__dict__.pop(made, None)
        await asyncio.to_thread(lambda: self.validator)

    async def found(
        self,
        resource: dict[str, Any],
        profiles: Sequence[str] = (),
        *,
        claimed: bool = True,
        within: bool = False,
        structured: bool = False,
    ) -> list[Issue]:
        """Everything there is to say of a resource; other requests go on meanwhile.

        structured: its structure is known to be right.
        within: inside a transaction, where no second connection of the pool is asked for: what is not
        remembered of the nomenclatures is asked by a connection of its own, one at a time.
        """

        def work() -> list[Issue]:
            return self.validator.validate(
                resource, tuple(profiles), claimed=claimed, structured=structured
            )

        # Nor is the lock waited for, whose holder may wait for a connection.
        if within or self.inside:
            for _ in range(ROUNDS):
                questions = noted()
                found = await asyncio.to_thread(work)
                questions -= self.bindings.answers.keys()
                if not questions:
                    break
                async with self._aside:
                    await self._learn(questions)
            return found
        async with self._lock:  # the interpreter does one at a time in any case
            if self.late:
                async with self.pool.connection() as conn:
                    await self.look(conn)
            questions = noted()
            found = await asyncio.to_thread(work)
            if not questions:  # nothing hangs on what is loaded
                return found
            async with self.pool.connection() as conn:
                return await self.bindings.settled(conn, work)

    async def _learn(self, questions: set[Question]) -> None:
        url = str((self.outer or self.pool).conninfo)
        async with await AsyncConnection.connect(url, autocommit=True) as conn:
            await self.bindings.learn(conn, questions)

    async def written(
        self,
        resource: dict[str, Any],
        where: str = "",
        *,
        told: bool = False,
        within: bool = False,
        refusal: type[NotValid] = NotValid,
    ) -> tuple[Issue, ...]:
        """What there is to say of a resource about to be written; raised when it is refused.

        told: the caller wants to hear what does not refuse it. within: a transaction. refusal: for a
        wrong structure.
        """
        issues = structure.check(resource)
        if issues:
            raise refusal(issues, where)
        level = self.settings.validation
        found: list[Issue] = []
        if level is not Validation.OFF:
            found = await self.found(
                resource, claimed=level is Validation.PROFILES, within=within, structured=True
            )
            if not right(found):
                raise NotConform([each for each in found if each.severity == "error"], where)
        if told and level is not Validation.PROFILES:
            found = await self.found(resource, within=within, structured=True)
        return tuple(found) if told else ()
