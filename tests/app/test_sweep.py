# SPDX-License-Identifier: EUPL-1.2
"""Orphan attachments go, after a day; what a row names stays."""

import os
import time

import pytest

from carnet.access.door.sweep import sweep
from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_a_file_no_row_names_goes_and_the_others_stay(space: Space) -> None:
    door = space.built.door
    folder = space.built.settings.attachments
    named = {bytes(row[0]) for row in await space.rows("SELECT address FROM record.attachment")}
    orphan = folder / "ab" / "cd" / ("abcd" + "0" * 60)
    half = folder / "ab" / "cd" / ("abcd" + "1" * 60 + ".77.beef")
    orphan.parent.mkdir(parents=True, exist_ok=True)
    long_ago = time.time() - 2 * 24 * 3600
    for path in (orphan, half):
        path.write_bytes(b"left by a transaction that never was")
        os.utime(path, (long_ago, long_ago))
    for address in named:
        path = folder / address.hex()[:2] / address.hex()[2:4] / address.hex()
        os.utime(path, (long_ago, long_ago))
    young = folder / "ab" / "cd" / ("abcd" + "2" * 60)
    young.write_bytes(b"its commit may be a second away")
    try:
        assert await sweep(door) == 1
        assert not orphan.exists()
        assert not half.exists()
        assert young.exists()
        left = {path.name for path in folder.glob("??/??/*")}
        assert named
        assert {address.hex() for address in named} <= left
    finally:
        young.unlink(missing_ok=True)
