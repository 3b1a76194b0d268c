# SPDX-License-Identifier: EUPL-1.2
"""Migrations: once, in order, one at a time, and never a past that was changed."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from carnet.postgres import leakproof, migrate
from carnet.postgres.cluster import Cluster
from carnet.postgres.migrate import FOLDER, MigrationRefused
from tests.postgres_fixture import Database


@pytest.fixture
def empty(cluster: Cluster, db: Database) -> Iterator[str]:
    """A database nothing was done to."""
    name = sql.Identifier(db.name + "_empty")
    with psycopg.connect(cluster.url(database="postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield cluster.url(database=db.name + "_empty")
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The real migrations, in a folder where more can be written."""
    return Path(shutil.copytree(FOLDER, tmp_path / "migrations"))


def last(folder: Path) -> int:
    return max(migration.number for migration in migrate.files(folder))


def test_a_new_database_gets_everything_and_then_nothing(empty: str) -> None:
    names = [*map(str, migrate.files()), "jobs/schema.sql"]
    assert migrate.pending(empty) == names
    assert migrate.migrate(empty) == names
    assert migrate.pending(empty) == []
    assert migrate.migrate(empty) == []


def test_each_is_told_before_it_is_applied(empty: str) -> None:
    told: list[str] = []
    assert migrate.migrate(empty, tell=told.append) == told


def test_a_new_file_is_applied_alone(db: Database, folder: Path) -> None:
    number = last(folder) + 1
    (folder / f"{number:04}_more.sql").write_text("CREATE TABLE carnet.more (); SELECT '100%';")
    assert migrate.pending(db.url(), folder=folder) == [f"{number:04}_more"]
    assert migrate.migrate(db.url(), folder=folder) == [f"{number:04}_more"]
    with db.connect() as conn:
        row = conn.execute("SELECT name FROM carnet.migration WHERE number = %s", [number])
        assert row.fetchone() == ("more",)


def test_a_file_that_fails_leaves_nothing_and_is_named(db: Database, folder: Path) -> None:
    number = last(folder) + 1
    half = folder / f"{number:04}_half.sql"
    half.write_text("CREATE TABLE carnet.half (); SELECT 1/0;")
    with pytest.raises(MigrationRefused, match=r"_half: division by zero"):
        migrate.migrate(db.url(), folder=folder)
    with db.connect() as conn:
        assert conn.execute("SELECT to_regclass('carnet.half')").fetchone() == (None,)
    half.write_text("CREATE TABLE carnet.half ();")
    assert migrate.migrate(db.url(), folder=folder) == [f"{number:04}_half"]


def test_a_changed_past_is_refused(db: Database, folder: Path) -> None:
    first = next(folder.glob("0001_*"))
    first.write_bytes(first.read_bytes() + b"-- one word more\n")
    for act in (migrate.migrate, migrate.pending):
        with pytest.raises(MigrationRefused, match="has changed since it was applied"):
            act(db.url(), folder=folder)


def test_the_database_of_a_later_version_is_refused(db: Database, folder: Path) -> None:
    with db.connect() as conn:
        conn.execute("INSERT INTO carnet.migration VALUES (9999, 'tomorrow', '')")
    with pytest.raises(MigrationRefused, match="9999_tomorrow, unknown to this version"):
        migrate.migrate(db.url(), folder=folder)


def test_a_number_before_what_is_applied_is_refused(db: Database, folder: Path) -> None:
    (folder / "0000_late.sql").write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match="0000_late comes before"):
        migrate.migrate(db.url(), folder=folder)


@pytest.mark.parametrize("name", ["0001_again.sql", "1_short.sql", "0099_Loud.sql"])
def test_a_file_named_otherwise_or_twice_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1")
    with pytest.raises(MigrationRefused):
        migrate.files(folder)


def test_two_at_once_apply_everything_once(empty: str) -> None:
    applied: list[str] = []
    threads = [
        threading.Thread(target=lambda: applied.extend(migrate.migrate(empty))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert applied == [*map(str, migrate.files()), "jobs/schema.sql"]


def test_the_job_queue_has_a_schema_of_its_own_and_its_worker_uses_it(db: Database) -> None:
    url = make_conninfo(db.url("carnet_worker"), options="-c search_path=jobs")
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(
            "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('q', 'task', 0, null, null, '{}', null)"
            "::procrastinate_job_to_defer_v1])"
        ).fetchone()
        assert row == ([1],)
        found = conn.execute("SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)")
        assert found.rowcount == 1
    with db.connect("carnet_app") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT FROM jobs.procrastinate_jobs")


def test_a_step_of_a_later_job_library_is_applied(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    *steps, whole = migrate.jobs_files()
    later = ("jobs/99.00.00_01_pre_more.sql", "CREATE TABLE more ()")
    monkeypatch.setattr(migrate, "jobs_files", lambda: [*steps, later, whole])
    assert migrate.migrate(db.url()) == [later[0]]
    assert migrate.migrate(db.url()) == []
    with db.connect() as conn:
        assert conn.execute("SELECT to_regclass('jobs.more')::text").fetchone() == ("jobs.more",)


def test_array_operators_are_marked_again_when_the_mark_is_lost(db: Database) -> None:
    """As after a restore or an upgrade, which carry no mark on what is PostgreSQL's own."""
    with db.connect() as conn:
        conn.execute("ALTER FUNCTION pg_catalog.arraycontains(anyarray, anyarray) NOT LEAKPROOF")
        assert migrate.migrate(db.url()) == []
        assert conn.execute(
            "SELECT proleakproof FROM pg_proc WHERE proname = 'arraycontains'"
        ).fetchone() == (True,)
        assert leakproof.mark(conn)


# ---------------------------------------- a server that is not ours


@pytest.mark.slow
def test_an_owner_who_is_no_superuser_migrates_an_external_server(short_path: Path) -> None:
    with Cluster(short_path / "data") as server:
        with psycopg.connect(server.url(database="postgres"), autocommit=True) as conn:
            conn.execute("CREATE ROLE lone LOGIN")
            conn.execute("CREATE DATABASE lone OWNER lone")
            conn.execute("CREATE ROLE maker LOGIN CREATEROLE")
            conn.execute("CREATE DATABASE maker OWNER maker")
        lone, maker = server.url("lone", "lone"), server.url("maker", "maker")
        with pytest.raises(MigrationRefused, match="CREATE ROLE carnet_app LOGIN"):
            migrate.migrate(lone)
        assert len(migrate.migrate(maker)) > 1
        assert migrate.migrate(maker) == []
        # The roles are there now: an owner who may not make them needs no more.
        assert len(migrate.migrate(lone)) > 1
        with psycopg.connect(lone) as conn:
            assert not leakproof.mark(conn)
