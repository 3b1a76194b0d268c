# SPDX-License-Identifier: EUPL-1.2
"""`carnet check`: green on what we make, and red for each thing that is broken."""

from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection

from carnet.config import Settings
from carnet.postgres import check, migrate
from carnet.postgres.check import Check
from carnet.postgres.cluster import Cluster
from tests.postgres_fixture import Database


async def look(url: str) -> dict[str, Check]:
    conn = await AsyncConnection.connect(url, autocommit=True)
    async with conn:
        return {found.name: found for found in await check.checks(conn, Settings())}


def red(found: dict[str, Check]) -> set[str]:
    return {name for name, one in found.items() if not one.ok}


@pytest.mark.anyio
@pytest.mark.parametrize("role", ["carnet_admin", "carnet_app", "carnet_worker"])
async def test_what_we_make_is_green_for_every_role(db: Database, role: str) -> None:
    found = await look(db.url(role))
    assert {name: found[name].value for name in red(found)} == {}
    assert found["server version"].value.startswith("18.")
    assert sum(name.startswith("operator ") for name in found) > 20


BROKEN = {
    "synchronous_commit of roles": "ALTER ROLE carnet_app IN DATABASE {db} SET synchronous_commit = off",
    "migrations": "DELETE FROM carnet.jobs_migration",
    "tables without forced row level security": "CREATE TABLE record.bare (cid bigint)",
    "exemptions that say nothing": "DROP TABLE record.outbox",
    "views with their owner's rights": "CREATE VIEW record.all_of_it AS SELECT FROM record.resource",
    "rights of a service role on a secret table": "GRANT SELECT ON access.seal TO carnet_app",
    "owned by a service role": "ALTER TABLE record.id_map OWNER TO carnet_app",
    "places where a service role may create": "GRANT CREATE ON SCHEMA record TO carnet_worker",
    "open functions with the owner's rights": "CREATE FUNCTION access.all_of_it() RETURNS bigint"
    " LANGUAGE sql SECURITY DEFINER RETURN (SELECT count(*) FROM record.resource)",
    "operator @>(anyarray,anyarray)": "ALTER FUNCTION pg_catalog.arraycontains(anyarray, anyarray)"
    " NOT LEAKPROOF",
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", BROKEN)
async def test_each_thing_broken_is_red_alone(db: Database, name: str) -> None:
    with db.connect() as conn:
        conn.execute(BROKEN[name].replace("{db}", db.name).encode())
    found = await look(db.url())
    assert red(found) == {name}
    refused = {one.name for one in check.refusals(found.values())}
    assert refused == (set() if name.startswith("operator ") else {name})


@pytest.mark.anyio
async def test_a_part_of_a_closed_table_must_be_closed_itself(db: Database) -> None:
    with db.connect() as conn:
        conn.execute(
            "CREATE TABLE record.history_1900 PARTITION OF record.history"
            " FOR VALUES FROM ('1900-01-01') TO ('1901-01-01')"
        )
    found = await look(db.url())
    assert found["tables without forced row level security"].value == "record.history_1900"


@pytest.mark.anyio
async def test_row_level_security_not_forced_on_the_owner_is_red(db: Database) -> None:
    with db.connect() as conn:
        conn.execute("ALTER TABLE record.resource NO FORCE ROW LEVEL SECURITY")
    found = await look(db.url())
    assert found["tables without forced row level security"].value == "record.resource"


@pytest.mark.anyio
async def test_a_changed_migration_is_said_and_does_not_stop_the_check(db: Database) -> None:
    with db.connect() as conn:
        conn.execute("UPDATE carnet.migration SET sha256 = '' WHERE number = 1")
    found = (await look(db.url()))["migrations"]
    assert (found.ok, found.value) == (False, "refused")


@pytest.mark.anyio
async def test_before_any_migration_it_says_what_is_left(cluster: Cluster) -> None:
    found = await look(cluster.url(database="template1"))
    assert red(found) >= {"migrations"}
    assert "0001_roles_and_schemas" in found["migrations"].value


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_server_that_may_lose_or_misread_writes_is_refused(short_path: Path) -> None:
    unsafe = {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "data_sync_retry": "on",
        "max_connections": "20",
    }
    with Cluster(short_path / "data", settings=unsafe) as server:
        migrate.migrate(server.url())
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("ALTER ROLE carnet_portal BYPASSRLS")
            conn.execute("GRANT pg_read_all_data TO carnet_worker")
        found = await look(server.url("carnet_app"))
    assert red(found) == {*unsafe, "service roles with power"}
    assert found["service roles with power"].value == "carnet_portal, carnet_worker"
    refused = {one.name for one in check.refusals(found.values())}
    assert refused == red(found) - {"max_connections"}
