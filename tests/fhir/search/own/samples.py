# SPDX-License-Identifier: EUPL-1.2
"""SearchParameters invented for tests, and how an operator brings them into a space."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from carnet.access import door
from carnet.access.door import Door
from carnet.access.door.reindex import Reindex, Report
from carnet.fhir.search.own import load
from carnet.fhir.search.own.files import found
from carnet.postgres.pool import JOB, open_pool
from tests.space import Space

HERE = "urn:parameter:"
COLOUR = "urn:colour"  # an extension


def parameter(code: str, kind: str, expression: str, *bases: str, **more: Any) -> dict[str, Any]:
    """A SearchParameter of a house."""
    return {
        "resourceType": "SearchParameter", "url": HERE + code, "name": code, "code": code,
        "status": "active", "type": kind, "expression": expression, "base": list(bases),
    } | more  # fmt: skip


def written(folder: Path, *resources: dict[str, Any]) -> Path:
    """A file of them."""
    path = folder / f"parameters-{len(list(folder.iterdir()))}.json"
    entries = [{"resource": each} for each in resources]
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}), "utf-8")
    return path


def load_into(space: Space, path: Path) -> tuple[list[str], int, int]:
    """As `carnet parameters load` does."""
    with psycopg.connect(space.admin_url, autocommit=True) as conn:
        told = load.load_into(conn, found(path))
    refused = sum(each.refusal is not None for each in told)
    return [each.line for each in told], sum(each.new for each in told), refused


@asynccontextmanager
async def worker_of(space: Space) -> AsyncIterator[Door]:
    """The door of a job of the platform, on the database of a space."""
    url = space.admin_url.replace("carnet_admin", "carnet_worker")
    pool = await open_pool(url, min_size=1, max_size=2, name="tests reindex", limits=JOB)
    built = space.built
    try:
        keyring = door.load_or_make(built.settings.keys)
        yield door.make(pool, built.settings, built.door.matrix, keyring, clock=space.clock)
    finally:
        await pool.close()


async def reindexed(space: Space, **given: Any) -> Report:
    """As `carnet reindex` does; the space's own process has looked at what it made."""
    async with worker_of(space) as made:
        report = await Reindex(made, settled=timedelta(0), **given).run()
    await look(space)
    return report


async def look(space: Space) -> None:
    """What every process does each second."""
    async with space.built.pool.connection() as conn:
        await space.built.door.catalogue.look(conn)
