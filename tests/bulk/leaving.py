# SPDX-License-Identifier: EUPL-1.2
"""What one installation gives out and an empty one takes in."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
import pytest

from carnet.access import door
from carnet.access.door import Visit
from carnet.app import bulk, demonstration, parts
from carnet.bulk import export, imports
from carnet.bulk.asked import Asked
from carnet.bulk.lots import Done, Source
from carnet.postgres.cluster import DATABASE
from carnet.postgres.pool import JOB, open_pool
from tests import people
from tests.space import BASE, Clock, Peopled, Space, build, clone, pattern


@pytest.fixture
async def other(peopled: Peopled, tmp_path: Path) -> AsyncIterator[Space]:
    """An installation with its directory, whose numbers are others, and nobody's record."""
    shutil.copytree(peopled.folder / "keys", tmp_path / "keys")
    with clone(peopled.cluster, DATABASE) as name:
        url = peopled.cluster.url(database=name)
        with psycopg.connect(url) as conn:
            door.install(conn, door.load_or_make(tmp_path / "keys"))
        clock = Clock(peopled.at)
        built = await build(pattern(peopled.cluster, name), tmp_path, clock, seed=4)
        try:
            places = await demonstration.load_places(built, url, people.POPULATION, cast_alone=True)
            yield Space(built, demonstration.Where(places, {}), clock, url)
        finally:
            await built.pool.close()


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


async def as_software(space: Space, sub: str) -> Visit:
    """A visit of any software of the population."""
    return Visit(space.built.door, await parts.actor(space.built, sub, client="tests"), "t")


async def given_out(space: Space, sub: str) -> dict[str, bytes]:
    """All that a software deposited, its files too: NDJSON by type, as it is fetched."""
    visit = await as_software(space, sub)
    tokens = [
        await export.start(visit, Asked("system", "here", types)) for types in ((), ("Binary",))
    ]
    url = space.admin_url.replace("carnet_admin", "carnet_worker")
    pool = await open_pool(url, min_size=1, max_size=2, limits=JOB)
    await bulk.drain(replace(space.built.door, pool=pool))
    await pool.close()
    found: dict[str, bytes] = {}
    for token in tokens:
        for each in (await export.manifest(visit, await export.held(visit, token), BASE))["output"]:
            number = int(each["url"].rpartition("/")[2])
            lines = [line async for line in export.fetched(visit, token, number)]
            found[each["type"]] = found.get(each["type"], b"") + b"".join(lines)
        await export.cancel(visit, token)
    return found


async def put_in(space: Space, sub: str, files: dict[str, bytes]) -> tuple[Done, list[bytes]]:
    """An import of it that keeps ids, and what it answered to each line."""
    inputs: dict[str, Source] = {name: partial(pieces, rows) for name, rows in files.items()}
    operator = await space.visit("operator")
    name = sub.replace(":", "-")
    importer = await imports.begin(space.built.desk, operator, name, sub, keep=True)
    done = await importer.run(inputs)
    return done, [line for name in inputs async for line in importer.report(name)]
