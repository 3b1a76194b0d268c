# SPDX-License-Identifier: EUPL-1.2
"""The worker's part of exports: what is asked is listed, what is over is forgotten."""

from __future__ import annotations

import asyncio

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from carnet.access.door import Door
from carnet.bulk.export import Lister
from carnet.fhir.search.parse import Parser

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
