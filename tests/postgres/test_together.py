# SPDX-License-Identifier: EUPL-1.2
"""Statements sent together: one implicit transaction, whose first fault ends it."""

import psycopg
import pytest

from carnet.postgres.together import together
from tests.postgres_fixture import Database


@pytest.mark.anyio
async def test_they_are_one_transaction_and_nothing_goes_before_its_end(db: Database) -> None:
    async with await psycopg.AsyncConnection.connect(db.url(), autocommit=True) as conn:
        read = conn.cursor()
        async with together(conn):
            await conn.execute("SELECT set_config('carnet.scope', 'a', true)")
            await read.execute("SELECT current_setting('carnet.scope')")
            assert read.pgresult is None
        assert await read.fetchone() == ("a",)
        after = await conn.execute("SELECT current_setting('carnet.scope', true)")
        assert (await after.fetchone() or ["?"])[0] in (None, "")


@pytest.mark.anyio
async def test_the_first_fault_ends_them_and_the_connection_serves_on(db: Database) -> None:
    async with await psycopg.AsyncConnection.connect(db.url(), autocommit=True) as conn:
        await conn.execute("CREATE TEMPORARY TABLE t (n int PRIMARY KEY)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            async with together(conn):
                await conn.execute("INSERT INTO t VALUES (1)")
                await conn.execute("INSERT INTO t VALUES (1)")
                await conn.execute("INSERT INTO t VALUES (2)")
        found = await conn.execute("SELECT count(*) FROM t")
        assert await found.fetchone() == (0,)
