# SPDX-License-Identifier: EUPL-1.2
"""A log of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from carnet.postgres.pool import JOB
from tests.access.log.installed import Log
from tests.postgres_fixture import Database


@pytest.fixture
async def log(db: Database, tmp_path: Path) -> AsyncIterator[Log]:
    async with db.pool("carnet_worker", limits=JOB) as pool:
        yield Log(db.url(), pool, tmp_path)
