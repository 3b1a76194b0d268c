# SPDX-License-Identifier: EUPL-1.2
"""A reindex in a process of its own, to be killed: a line a step, batches of two rows.

python -m tests.cli.reindexer DATABASE DATA
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from carnet.access import door
from carnet.access import matrix as matrices
from carnet.access.door.reindex import Reindex
from carnet.postgres.pool import JOB, open_pool
from tests.space import settings_of


async def run(url: str, data: Path) -> bool:
    """As `carnet reindex` does, slowly."""
    settings = settings_of(data)
    pool = await open_pool(url, min_size=1, max_size=1, name="killed", limits=JOB)
    try:
        keyring = door.load_or_make(settings.keys)
        made = door.make(pool, settings, matrices.load(settings.matrix), keyring)

        def told(step: str, done: int, total: int) -> None:
            print(step, done, total, flush=True)

        work = Reindex(made, batch=2, settled=timedelta(0), told=told)
        return (await work.run()).good
    finally:
        await pool.close()


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(run(sys.argv[1], Path(sys.argv[2]))) else 1)
