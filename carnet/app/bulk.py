# SPDX-License-Identifier: EUPL-1.2
"""The worker's part of exports (listed, then forgotten), and the processes of an import."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from carnet import errors
from carnet.access.actor import Actor
from carnet.access.door import Door, Visit
from carnet.app import parts
from carnet.bulk.export import Lister
from carnet.bulk.imports import Importer
from carnet.bulk.lots import Crew, Done, Lot
from carnet.bulk.queries import Import
from carnet.config import Settings
from carnet.fhir.search.parse import Parser
from carnet.postgres.server import Server

log = structlog.get_logger("carnet.bulk")

IDLE = 0.5  # seconds between two looks


def lister(made: Door) -> Lister:
    """What lists the exports of an installation."""
    settings = made.settings
    base = f"{settings.base_url}/fhir"
    parser = Parser(
        made.definitions, made.ids, made.cursors, made.owners, base, settings.page_size,
        settings.page_limit,
    )  # fmt: skip
    return Lister(made, parser)


async def drain(made: Door) -> int:
    """Every step there is to do now; how many were done."""
    listing, steps = lister(made), 0
    waiting: set[int] = set()
    while await listing.once(waiting):
        steps += 1
    return steps


async def follow(made: Door) -> None:
    """Until cancelled, so that an export begins as soon as it is asked; a database away is waited for."""
    while True:
        try:
            await drain(made)
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("exports wait", error=type(error).__name__)
        except Exception as error:
            log.error("an export failed", error=type(error).__name__)
        await asyncio.sleep(IDLE)


# ------------------------------------------------------------------------ the processes of an import


class Cut(errors.Transient):
    """A process of this import was ended: begun again, it goes on where it was."""


@dataclass(slots=True)
class Hands:
    """Processes that each do a lot at a time."""

    pool: ProcessPoolExecutor
    width: int

    async def do(self, lot: Lot) -> Done:
        """One lot, by whichever is free."""
        try:
            return await asyncio.wrap_future(self.pool.submit(_do, lot))
        except BrokenProcessPool:
            raise Cut from None


@contextlib.contextmanager
def hands(
    settings: Settings, server: Server, importer: Importer, count: int
) -> Iterator[Crew | None]:
    """The processes of an import; none for 0, when it is done here."""
    if count == 0:
        yield None
        return
    given = (settings, server.url("carnet_app"), importer.row, importer.visit.actor,
             importer.visit.request)  # fmt: skip
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, context, _begin, given)
    try:
        yield Hands(pool, 2 * count)
    finally:
        pool.shutdown()


@dataclass(frozen=True, slots=True)
class _Reached:
    """A server that another process holds."""

    address: str

    def url(self, role: str = "carnet_app", /) -> str:
        assert role == "carnet_app"
        return self.address

    def stop(self) -> None:
        """Not ours to stop."""


_here: list[tuple[asyncio.AbstractEventLoop, Importer]] = []


def _begin(settings: Settings, url: str, row: Import, actor: Actor, request: str) -> None:
    """Open what one process writes with."""
    loop = asyncio.new_event_loop()
    name = f"carnet import {os.getpid()}"
    built = loop.run_until_complete(parts.build(settings, _Reached(url), name=name))
    gc.collect()
    gc.freeze()  # what is there now is there to the end
    gc.set_threshold(50_000, 20, 100)  # a lot is some thousand objects, all gone after it
    _here.append((loop, Importer(built.desk, Visit(built.door, actor, request), row)))


def _do(lot: Lot) -> Done:
    loop, importer = _here[0]
    return loop.run_until_complete(importer.do(lot))
