# SPDX-License-Identifier: EUPL-1.2
"""The verifier finds what a superuser does, and names it."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from carnet.access.log import roots, sources, verify
from carnet.access.log.verify import Kind
from tests.access.log import tampering
from tests.access.log.installed import DELAY, Log

pytestmark = pytest.mark.anyio
TRIED = 100


async def test_every_tampering_by_a_superuser_is_found(log: Log) -> None:
    """A hundred of all sorts, each on a good log; a thousand in the campaign."""
    tried, missed = await tampering.attacks(log, TRIED, random.SystemRandom().randrange(1 << 30))
    print(tried)
    assert missed == []
    assert sum(tried.values()) == TRIED


async def sealed(log: Log) -> None:
    for _ in range(3):
        log.write(10)
        await log.sealing.once()


@pytest.mark.parametrize(
    ("done", "kind", "where"),
    [
        ("UPDATE access.audit SET granted = NOT granted WHERE seq = 13", Kind.EDITED, "row 13,"),
        ("DELETE FROM access.audit WHERE seq = 13", Kind.REMOVED, "row 13,"),
        (
            "INSERT INTO access.audit OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(a,"
            ' \'{"seq": 13, "at": "2026-11-22T08:00:11Z"}\')).* FROM access.audit a WHERE seq = 20',
            Kind.INSERTED,
            "another row 13,",
        ),
        ("UPDATE access.log_leaf SET hash = sha256('x') WHERE pos = 12", Kind.BATCH, "10 and 19"),
        ("UPDATE access.log_head SET upto = 21 WHERE size = 20", Kind.SIGNATURE, "head of 20"),
        ("DELETE FROM access.log_leaf WHERE pos = 12", Kind.LEAF, "1 before leaf 13"),
        ("DELETE FROM access.log_head WHERE size = 20", Kind.ABSENT, "20 leaves"),
        ("DELETE FROM access.log_head WHERE size = 30", Kind.BACK, "30 leaves"),
        ("DELETE FROM access.log_head WHERE size = 30", Kind.UNCOVERED, "10 after leaf 19"),
    ],
)
async def test_what_differs_is_named(log: Log, done: str, kind: Kind, where: str) -> None:
    await sealed(log)
    assert log.verify().found == []
    log.sql(done)
    assert any(each.kind is kind and where in each.where for each in log.verify().found)


async def test_another_key_is_another_log(log: Log) -> None:
    await sealed(log)
    assert log.verify([], keys=[tampering.OTHER.public]).kinds == {Kind.KEY}
    assert not log.verify([], keys=[]).trusted
    assert log.verify(keys=[]).trusted


async def test_a_sealer_that_stopped_is_told_apart_from_a_rewriting(log: Log) -> None:
    await sealed(log)
    log.write(1)
    assert log.verify().found == []
    log.now += DELAY + timedelta(seconds=1)
    report = log.verify()
    assert report.late_only and report.unsealed == 1


async def test_an_export_is_verified_as_its_database(log: Log) -> None:
    await sealed(log)
    log.write(2)
    path = log.folder / "audit.ndjson"
    source = sources.Database(log.url, log.now)
    lines = sources.export(source, path)
    source.close()
    assert lines == 1 + 3 + 30 + 32
    handed = roots.read(log.file)
    report = verify.verify(sources.Export(path), handed, delay=DELAY)
    assert (report.found, report.rows, report.unsealed) == ([], 32, 2)
    path.write_bytes(path.read_bytes().replace(b'"TREAT"', b'"TREAX"', 1))
    report = verify.verify(sources.Export(path), handed, delay=DELAY)
    assert report.kinds == {Kind.EDITED}
    path.write_text("{}")
    with pytest.raises(sources.WrongExport):
        sources.Export(path)
