# SPDX-License-Identifier: EUPL-1.2
"""What one process indexes and searches by: R4's parameters, and those of its installation.

A parameter that was loaded is indexed from then on, and searched once every row is indexed by it.
Every process looks for changes each second; a statement that knows less fails and is made anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from carnet.fhir.definitions import Definitions, SearchParameter
from carnet.fhir.search.own import queries
from carnet.postgres.pool import Pool

log = structlog.get_logger("carnet.search")
# How this program makes an index row. A change of it comes with a migration that adds a generation of
# the next form: a program of before goes on, and its rows are indexed again.
FORM: Final = 2
FIRST: Final = 1  # generation without any parameter of the installation
EVERY: Final = 1.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Held:
    """A parameter of the installation, as it is kept."""

    parameter: SearchParameter
    bases: tuple[str, ...]
    since: int  # generation
    loaded_at: datetime
    complete: datetime | None


class Catalogue:
    """The definitions of one process, with the installation's parameters in them."""

    def __init__(self, base: Definitions) -> None:
        self._base = base
        self.generation = FIRST
        self.changes = 0  # how often something changed, for who keeps what it made of them
        self.held: tuple[Held, ...] = ()
        self._seen: tuple[Any, ...] = ()
        self._numbers: dict[str, dict[str, int]] = {}
        self._kinds: dict[str, dict[str, str]] = {}
        # The same for as long as the process lives: what is in its two tables is replaced.
        self.definitions = Definitions(
            version=base.version,
            types=base.types,
            params=dict(base.params),
            shapes=base.shapes,
            value_sets=base.value_sets,
            compartments=base.compartments,
            own={},
        )

    def take(self, generation: int, held: Sequence[Held]) -> None:
        """From here on, these; at once."""
        own: dict[str, tuple[SearchParameter, ...]] = {}
        whole: dict[str, dict[str, SearchParameter]] = {}
        for each in held:
            for name in each.bases:
                own[name] = (*own.get(name, ()), each.parameter)
                if each.complete is not None:
                    whole.setdefault(name, {})[each.parameter.code] = each.parameter
        params = self.definitions.params
        for name in self._base.params:
            base, more = self._base.params[name], whole.get(name)
            params[name] = base if more is None else {**base, **more}
        self.definitions.own.clear()
        self.definitions.own.update(own)
        self.held, self.generation = tuple(held), generation
        self.changes += 1
        self._numbers, self._kinds = {}, {}

    def numbers(self, name: str) -> dict[str, int]:
        """The number of each parameter a type is indexed by, by its name."""
        found = self._numbers.get(name)
        if found is None:
            found = {code: each.number for code, each in self._base.params[name].items()}
            found |= {each.code: each.number for each in self.definitions.own.get(name, ())}
            self._numbers[name] = found
        return found

    def kinds(self, name: str) -> dict[str, str]:
        """The type of each parameter a type is indexed by, by its name."""
        found = self._kinds.get(name)
        if found is None:
            found = {code: each.type for code, each in self._base.params[name].items()}
            found |= {each.code: each.type for each in self.definitions.own.get(name, ())}
            self._kinds[name] = found
        return found

    async def look(self, conn: AsyncConnection[Any]) -> bool:
        """Look for changes; whether there was one."""
        seen = await queries.stamp(conn, FORM)
        if seen == self._seen:
            return False
        generation, held = await queries.live(conn, FORM)
        self._seen = seen
        if (generation, tuple(held)) == (self.generation, self.held):
            return False
        self.take(generation, held)
        return True


async def follow(catalogue: Catalogue, pool: Pool) -> None:
    """Until cancelled: what an operator loads, or a reindex completes, is known within a second or two."""
    while True:
        try:
            async with pool.connection() as conn:
                if await catalogue.look(conn):
                    log.info("search parameters", generation=catalogue.generation)
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("search parameters wait", error=type(error).__name__)
        await asyncio.sleep(EVERY)
