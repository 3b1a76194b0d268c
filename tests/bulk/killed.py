# SPDX-License-Identifier: EUPL-1.2
"""Processes that a test ends with SIGKILL: `import` some files, or `list` what exports there are.

What they do is cut small, so that there is always something to be cut off.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from carnet.access import door
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.access.door import bulk as door_bulk
from carnet.app import bulk, parts
from carnet.bulk import imports, lots
from carnet.cli import common
from carnet.cli.imports import files_of, input_of
from carnet.postgres.pool import JOB, open_pool
from tests.durability.installation import SOFTWARE, Installation

LINES, LISTED = 10, 25


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(path.read_bytes)


async def take_in(installation: Installation, paths: list[Path]) -> None:
    """The import of these files, in this process."""
    lots.LINES = LINES  # type: ignore[misc]
    settings = installation.settings()
    with common.server_of(settings) as server:
        built = await parts.build(settings, server, name="killed")
        who = Actor(ActorKind.OPERATOR, "operator:test", "", "test")
        importer = await imports.begin(built.desk, Visit(built.door, who, "t"), "killed", SOFTWARE)
        files = files_of(paths)
        done = await importer.run({input_of(each): partial(_pieces, each) for each in files})
        print(done.lines, done.refused)
        await built.pool.close()


async def listing(installation: Installation) -> None:
    """What a worker does of exports."""
    door_bulk.places.__defaults__ = (LISTED,)
    door_bulk.LISTED = LISTED
    settings = installation.settings()
    pool = await open_pool(installation.url("carnet_worker"), min_size=1, max_size=2, limits=JOB)
    made = door.make(pool, settings, parts.matrix_of(settings), door.load_or_make(settings.keys))
    await bulk.drain(made)
    await pool.close()


if __name__ == "__main__":
    here = Installation(Path(sys.argv[2]), 0)
    if sys.argv[1] == "import":
        asyncio.run(take_in(here, [Path(each) for each in sys.argv[3:]]))
    else:
        asyncio.run(listing(here))
