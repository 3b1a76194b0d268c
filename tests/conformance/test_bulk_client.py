# SPDX-License-Identifier: EUPL-1.2
"""npm `@medplum/core`, unmodified, takes a whole export from the served API."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from carnet.access import door
from carnet.app import bulk, parts
from carnet.config import Instance, Settings
from carnet.postgres.pool import JOB, open_pool
from tests.absent import absent
from tests.conformance.serving import Served
from tests.space import Peopled

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("bulk.mjs")


async def lists(served: Served, folder: Path, until: subprocess.Popen[bytes]) -> None:
    """A worker, as long as the client asks."""
    settings = Settings(data=folder, instance=Instance.DEMONSTRATION)
    url = served.database.replace("carnet_admin", "carnet_worker")
    pool = await open_pool(url, min_size=1, max_size=2, limits=JOB)
    try:
        keyring = door.load_or_make(settings.keys)
        made = door.make(pool, settings, parts.matrix_of(settings), keyring)
        while until.poll() is None:
            await bulk.drain(made)
            await asyncio.sleep(0.1)
    finally:
        await pool.close()


def test_a_client_takes_a_whole_export(
    served: Served, peopled: Peopled, peers: Path, tmp_path: Path
) -> None:
    node, folder = shutil.which("node"), peers / "@medplum" / "core"
    if node is None or not folder.is_dir():
        absent("node, or the client, is not here: `./run test` installs them")
    address = served.base.removesuffix("fhir")
    words = [
        node,
        str(DRIVER),
        str(folder),
        address,
        served.token("patient"),
        "Patient,Observation",
    ]
    out, said = tmp_path / "out", tmp_path / "said"
    with (
        out.open("wb") as told,
        said.open("wb") as errors,
        subprocess.Popen(words, stdout=told, stderr=errors) as client,
    ):
        asyncio.run(asyncio.wait_for(lists(served, peopled.folder, client), 120))
    assert client.returncode == 0, said.read_text()[-3000:]
    taken: dict[str, Any] = json.loads(out.read_bytes())
    assert taken["told"]["requiresAccessToken"] is True
    assert {each["type"] for each in taken["files"]} == {"Patient", "Observation"}
    rows = [(each["type"], row) for each in taken["files"] for row in each["rows"]]
    assert all(row["resourceType"] == rtype for rtype, row in rows)
    assert served.patient in {row["id"] for rtype, row in rows if rtype == "Patient"}
    assert len({(rtype, row["id"]) for rtype, row in rows}) == len(rows)
