# SPDX-License-Identifier: EUPL-1.2
"""A door of the worker's role on the database of a space, its folder of files copied apart."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from carnet.access.door import Door
from carnet.fhir.store.attachments import Attachments
from carnet.postgres.pool import JOB, open_pool
from tests.space import Space


@pytest.fixture
async def worker(space: Space, tmp_path: Path) -> AsyncIterator[Door]:
    """What jobs take; it writes its files in a folder of the test's own."""
    made = space.built.door
    url = space.admin_url.replace("carnet_admin", "carnet_worker")
    pool = await open_pool(url, min_size=1, max_size=3, name="tests worker", limits=JOB)
    settings = replace(made.settings, data=tmp_path)
    try:
        yield replace(
            made, pool=pool, settings=settings, attachments=Attachments(tmp_path / "attachments")
        )
    finally:
        await pool.close()
