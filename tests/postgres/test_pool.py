# SPDX-License-Identifier: EUPL-1.2
"""Pools: limits on everything, and nothing of one request left for the next."""

import asyncio
import re
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from carnet.postgres.pool import CONTEXT, ContextLeft, Limits, Pool, limited, look, open_pool
from carnet.postgres.server import External
from tests.postgres_fixture import Database

CARNET = Path(__file__).resolve().parents[2] / "carnet"


@pytest.mark.anyio
async def test_connections_say_who_they_are_and_have_limits(db: Database) -> None:
    pool = await open_pool(db.url("carnet_app"), name="carnet api", limits=Limits(statement=0.05))
    try:
        async with pool.connection() as conn:
            row = await (
                await conn.execute(
                    "SELECT current_user, current_setting('application_name'),"
                    " current_setting('lock_timeout'),"
                    " current_setting('idle_in_transaction_session_timeout')"
                )
            ).fetchone()
            assert row == ("carnet_app", "carnet api", "3s", "15s")
            assert conn.autocommit
            with pytest.raises(psycopg.errors.QueryCanceled):
                await conn.execute("SELECT pg_sleep(5)")
    finally:
        await pool.close()


@pytest.mark.anyio
async def test_a_context_set_for_a_transaction_is_gone_after_it(pool: Pool) -> None:
    async with pool.connection() as conn, conn.transaction():
        await conn.execute("SELECT set_config('carnet.scope', 'somebody', true)")
        first = conn.info.backend_pid
    async with pool.connection() as conn:
        assert conn.info.backend_pid == first
        row = await (await conn.execute("SELECT current_setting('carnet.scope', true)")).fetchone()
        assert row == ("",)  # not NULL, once it was set: what reads it must take both for nothing


@pytest.mark.anyio
async def test_a_connection_that_kept_a_context_never_serves_again(db: Database) -> None:
    async with db.pool(max_size=1) as pool:
        async with pool.connection() as conn:
            await conn.execute("SELECT set_config('carnet.scope', 'somebody', false)")
            first = conn.info.backend_pid
        async with pool.connection() as conn:
            assert conn.info.backend_pid != first


@pytest.mark.anyio
async def test_in_service_one_is_found_within_a_few_requests(db: Database) -> None:
    pool = await open_pool(db.url("carnet_app"), min_size=1, max_size=1, verify_every=4)
    try:
        async with pool.connection() as conn:
            await conn.execute("SELECT set_config('carnet.scope', 'somebody', false)")
            first = conn.info.backend_pid
        served = set()
        for _ in range(4):
            async with pool.connection() as conn:
                served.add(conn.info.backend_pid)
        assert served != {first}
    finally:
        await pool.close()


@pytest.mark.anyio
async def test_a_connection_inside_a_transaction_does_not_serve(db: Database) -> None:
    async with db.pool(max_size=1) as pool:
        conn = await pool.getconn()
        await conn.execute("BEGIN")
        with pytest.raises(ContextLeft):
            await look(conn, 16)
        assert conn.closed
        await pool.putconn(conn)


@pytest.mark.anyio
async def test_connections_the_server_has_ended_are_replaced_before_they_serve(
    db: Database,
) -> None:
    """As after a crash of the server: no request fails on a connection that was idle then."""
    pool = await open_pool(db.url("carnet_app"), min_size=4, max_size=4)
    try:
        with db.connect() as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = 'carnet_app'"
            )

        async def ask() -> None:
            async with pool.connection() as conn:
                await conn.execute("SELECT 1")

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            for _ in range(40):
                group.create_task(ask())
    finally:
        await pool.close()


def test_no_code_of_ours_sets_a_context_beyond_its_transaction() -> None:
    """set_config's third argument is always true, and nothing says SET without LOCAL."""
    wrong = []
    for path in [*CARNET.rglob("*.py"), *CARNET.rglob("*.sql")]:
        text = path.read_text(encoding="utf-8")
        for found in re.finditer(r"set_config\s*\([^()]*?,\s*(\w+)\s*\)", text, re.IGNORECASE):
            if found[1].lower() != "true":
                wrong.append(f"{path.name}: {found[0]}")
        wrong += [
            f"{path.name}: {found[0]}"
            for found in re.finditer(r"\bSET\s+(SESSION\s+)?carnet\.\w+", text, re.IGNORECASE)
        ]
    assert wrong == []


def test_every_setting_our_sql_reads_is_looked_at() -> None:
    read = set()
    for path in [*CARNET.rglob("*.py"), *CARNET.rglob("*.sql")]:
        text = path.read_text(encoding="utf-8")
        read |= set(re.findall(r"(?:current_setting|set_config)\s*\(\s*'(carnet\.\w+)'", text))
    assert read == set(CONTEXT)


def test_limits_keep_what_the_address_already_says() -> None:
    url = make_conninfo("", host="db", user="carnet_app", options="-c work_mem=8MB")
    parts = conninfo_to_dict(limited(url, name="x", search_path="jobs"))
    assert parts["options"] is not None
    assert str(parts["options"]).startswith("-c work_mem=8MB -c statement_timeout=10000 ")
    assert str(parts["options"]).endswith("-c search_path=jobs")
    assert parts["host"] == "db"


@pytest.mark.parametrize(
    ("url", "role", "expected"),
    [
        ("postgresql://owner:pw@db/carnet", "carnet_admin", "postgresql://owner:pw@db/carnet"),
        ("postgresql://owner:pw@db/carnet", "carnet_app", "user=carnet_app dbname=carnet host=db"),
        ("postgresql://db/carnet", "carnet_worker", "user=carnet_worker dbname=carnet host=db"),
        (
            "host=db user=carnet_app password=pw",
            "carnet_app",
            "user=carnet_app password=pw host=db",
        ),
    ],
)
def test_a_role_of_an_external_server_never_gets_the_owner_s_password(
    url: str, role: str, expected: str
) -> None:
    assert conninfo_to_dict(External(url).url(role)) == conninfo_to_dict(expected)
