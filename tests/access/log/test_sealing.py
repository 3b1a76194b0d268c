# SPDX-License-Identifier: EUPL-1.2
"""Sealing: every row once, in the order of its number, whoever was slow to commit."""

from __future__ import annotations

import asyncio
import random
import stat
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from carnet.access.log import heads, roots, rows, sealing
from carnet.access.log.sealing import Forked
from carnet.access.log.verify import Kind
from tests.access.log.installed import Log
from tests.postgres_fixture import Database

pytestmark = pytest.mark.anyio
LEAVES = "SELECT pos, seq FROM access.log_leaf ORDER BY pos"


async def test_what_was_written_is_sealed_and_handed_out(log: Log) -> None:
    seqs = log.write(300)
    assert await log.sealing.once() == 300
    assert await log.sealing.once() == 0
    seqs += log.write(5)
    assert await log.sealing.once() == 5
    assert log.sql(LEAVES) == list(enumerate(seqs))
    handed = roots.read(log.file)
    assert [head.size for head in handed] == [300, 305]
    assert all(head.holds() and head.key == log.signer.public for head in handed)
    report = log.verify()
    assert (report.found, report.rows, report.leaves, report.unsealed) == ([], 305, 305, 0)


async def test_the_key_is_made_once_and_read_by_its_owner_alone(log: Log) -> None:
    path = log.folder / "keys" / heads.NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert heads.load_or_make(log.folder / "keys").public == log.signer.public


async def test_a_leaf_says_every_column_of_a_row(log: Log) -> None:
    """A column added to the audit belongs to the next form of the leaf."""
    columns = log.sql(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'access' AND table_name = 'audit'"
    )
    assert {name for (name,) in columns} == {*rows.SHOWN, *rows.COMMITTED}
    assert rows.COLUMNS.replace(" ", "").split(",") == [*rows.SHOWN, *rows.COMMITTED]


async def test_a_row_that_commits_late_is_waited_for(log: Log) -> None:
    """It took a lower number than rows already committed: nothing is sealed over it."""
    with psycopg.connect(log.url) as slow:
        (first,) = log.write(1, slow)
        later = log.write(3)
        assert await log.sealing.once() == 0
        assert log.sql(LEAVES) == []
        slow.commit()
    assert await log.sealing.once() == 4
    assert log.sql(LEAVES) == list(enumerate([first, *later]))
    assert log.verify().found == []


async def test_a_row_that_never_commits_is_not_waited_for_twice(log: Log) -> None:
    with psycopg.connect(log.url) as slow:
        log.write(2, slow)
        slow.rollback()
    assert await log.sealing.once() == 0
    log.write(1)
    assert await log.sealing.once() == 1
    assert await log.sealing.once() == 0
    assert log.verify().found == []


async def test_slow_writers_and_a_quick_sealer(log: Log, db: Database) -> None:
    """Two hundred transactions of every length, some undone, while sealing goes on all the time."""
    chance = random.Random(9)

    async def writer(number: int) -> None:
        conn = await psycopg.AsyncConnection.connect(db.url("carnet_app"))
        async with conn:
            for _ in range(20):
                for _ in range(chance.randrange(1, 4)):
                    await conn.execute(_write(), log.values())
                    await asyncio.sleep(chance.choice((0, 0, 0.01, 0.05)))
                await (conn.rollback() if chance.random() < 0.2 else conn.commit())

    writers = asyncio.gather(*(writer(number) for number in range(10)))
    batches = 0
    while not writers.done():
        batches += bool(await log.sealing.once())
        await asyncio.sleep(0.005)
    await writers
    while await log.sealing.once():
        pass
    sealed = log.sql(LEAVES)
    assert [pos for pos, _ in sealed] == list(range(len(sealed)))
    written = log.sql("SELECT seq FROM access.audit ORDER BY seq")
    assert [(seq,) for _, seq in sealed] == written
    assert batches > 3
    assert log.verify().found == []


def _write() -> Any:
    from tests.access.log.installed import WRITE

    return WRITE.removesuffix(" RETURNING seq")


async def test_two_sealers_make_one_log(log: Log) -> None:
    other = log.sealer()
    for _ in range(6):
        log.write(20)
        await asyncio.gather(log.sealing.once(), other.once())
    await log.sealing.once()
    await other.hand_out()
    assert log.verify().found == []
    assert [head.size for head in roots.read(log.file)] == [
        size for (size,) in log.sql("SELECT size FROM access.log_head ORDER BY size")
    ]


async def test_many_rows_are_sealed_by_batches(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "TOGETHER", 100)
    log.write(250)
    assert [await log.sealing.once() for _ in range(4)] == [100, 100, 50, 0]
    assert log.verify().found == []


async def test_a_head_that_was_not_handed_out_is_later(log: Log) -> None:
    log.write(3)
    await log.sealing.once()
    log.file.unlink()
    log.write(3)
    await log.sealing.once()
    assert [head.size for head in roots.read(log.file)] == [3, 6]
    with log.file.open("ab") as file:
        file.write(b'{"size": 9, "ro')  # killed in the middle of a line
    assert [head.size for head in roots.read(log.file)] == [3, 6]
    log.write(1)
    await log.sealing.once()
    assert log.verify(roots.read(log.file)).found == []


async def test_a_log_that_went_back_is_not_sealed_over(log: Log) -> None:
    """Of an older backup: what was handed out would be contradicted under our own signature."""
    log.write(10)
    await log.sealing.once()
    log.write(10)
    await log.sealing.once()
    log.sql("DELETE FROM access.log_head WHERE size = 20")
    log.sql("DELETE FROM access.log_leaf WHERE pos >= 10")
    log.sql("DELETE FROM access.audit WHERE seq > 10")
    log.write(5)
    with pytest.raises(Forked):
        await log.sealing.once()
    assert Kind.BACK in log.verify().kinds


async def test_the_roles_add_and_never_change(log: Log, db: Database) -> None:
    log.write(3)
    await log.sealing.once()
    refused = psycopg.errors.InsufficientPrivilege
    tables = ("audit", "log_leaf", "log_node", "log_head", "alert", "canary")
    for role in ("carnet_app", "carnet_worker", "carnet_portal"):
        with db.connect(role) as conn:
            for table in tables:
                for statement in (f"DELETE FROM access.{table}", f"TRUNCATE access.{table}"):
                    with pytest.raises(refused):
                        conn.execute(statement.encode())
            for statement in (
                "UPDATE access.audit SET sub = 'x'", "UPDATE access.log_leaf SET hash = hash",
                "UPDATE access.log_head SET root = root", "UPDATE access.log_node SET hash = hash",
                "INSERT INTO access.canary VALUES (1, now(), 'x')",
            ):  # fmt: skip
                with pytest.raises(refused):
                    conn.execute(statement.encode())
    with db.connect("carnet_app") as conn:
        for table in ("log_leaf", "log_node", "log_head", "alert"):
            with pytest.raises(refused):
                conn.execute(f"INSERT INTO access.{table} DEFAULT VALUES".encode())
        for table in ("canary", "alert"):
            with pytest.raises(refused):
                conn.execute(f"SELECT FROM access.{table}".encode())


async def test_what_must_be_looked_at_is_found_when_it_is_sealed(log: Log) -> None:
    canary = 77
    log.sql("INSERT INTO access.canary VALUES (77, now(), 'operator:one')")
    log.write(4)
    log.now += timedelta(seconds=1)
    for act, cid, cids, rule in (
        ("read", canary, None, "care-team"), ("search", None, [5, canary], "care-team"),
        ("find", canary, None, "find-a-person"), ("read", 5, None, "too-many-patients-read"),
    ):  # fmt: skip
        values = list(log.values())
        values[7], values[11], values[12], values[9] = act, cid, cids, rule
        with psycopg.connect(log.url) as conn:
            conn.execute(_write(), values)
    await log.sealing.once()
    found = log.sql("SELECT seq, reason FROM access.alert ORDER BY seq")
    assert [reason for _, reason in found] == ["canary", "canary", "too-many-patients"]
