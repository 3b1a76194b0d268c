# SPDX-License-Identifier: EUPL-1.2
"""The test database itself."""

import pytest

from carnet.postgres.pool import Pool
from tests.postgres_fixture import Database


def test_each_test_has_a_database_of_its_own(db: Database) -> None:
    with db.connect() as conn:
        conn.execute("CREATE TABLE public.mine ()")


def test_what_another_test_committed_is_not_there(db: Database) -> None:
    with db.connect() as conn:
        conn.execute("CREATE TABLE public.mine ()")


@pytest.mark.anyio
async def test_a_pool_of_the_application_is_at_hand(pool: Pool) -> None:
    async with pool.connection() as conn:
        assert await (await conn.execute("SELECT current_user")).fetchone() == ("carnet_app",)
