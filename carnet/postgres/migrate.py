# SPDX-License-Identifier: EUPL-1.2
"""Migrations: numbered SQL files, then the job queue's own schema, under one lock.

`migrations/NNNN_what_changes.sql` is applied once, in the order of numbers, each in a transaction
of its own with its line in `carnet.migration`. A file that was applied never changes: what was
wrong in it is put right by a later one. Django's tables come after, by the command line.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import LiteralString

import procrastinate.schema
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from carnet import errors
from carnet.postgres import leakproof

FOLDER = Path(__file__).parent / "migrations"
NAME = re.compile(r"(?P<number>[0-9]{4})_(?P<name>[a-z0-9_]+)\.sql")
LOCK = 0x6361726E6574  # "carnet": one migration at a time in a database
OLDEST = 17  # PostgreSQL's major version

BOOK: LiteralString = """
    CREATE SCHEMA IF NOT EXISTS carnet;
    CREATE TABLE IF NOT EXISTS carnet.migration (
        number smallint PRIMARY KEY,
        name text NOT NULL,
        sha256 bytea NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE IF NOT EXISTS carnet.jobs_migration (
        name text PRIMARY KEY,  -- a file of the job queue's library
        applied_at timestamptz NOT NULL DEFAULT now()
    );
"""

BOOK_EXISTS: LiteralString = "SELECT to_regclass('carnet.jobs_migration') IS NOT NULL"
APPLIED: LiteralString = "SELECT number, name, sha256 FROM carnet.migration ORDER BY number"
JOBS_APPLIED: LiteralString = "SELECT name FROM carnet.jobs_migration"

Applied = dict[int, tuple[str, bytes]]  # number: name, sha256


class MigrationRefused(errors.CarnetError):
    """The database cannot be migrated."""

    status = 500


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: bytes

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.sql).digest()

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


def files(folder: Path = FOLDER) -> list[Migration]:
    """The files of the program, by number; two never share one."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        shape = NAME.fullmatch(path.name)
        if shape is None:
            raise MigrationRefused(f"{path.name} is not named NNNN_what_changes.sql.")
        migration = Migration(int(shape["number"]), shape["name"], path.read_bytes())
        if other := found.get(migration.number):
            raise MigrationRefused(f"{other} and {migration} have the same number.")
        found[migration.number] = migration
    return [found[number] for number in sorted(found)]


def migrate(
    url: str, *, folder: Path = FOLDER, tell: Callable[[str], None] | None = None
) -> list[str]:
    """Bring the database up to date; returns what was applied, in order. `tell` hears each before.

    url: of the role that owns everything, not of one that serves.
    """
    applied: list[str] = []
    with connect(url) as conn, locked(conn):
        conn.execute(BOOK)
        for migration in left(applied_in(conn), files(folder)):
            if tell:
                tell(str(migration))
            apply(conn, migration)
            applied.append(str(migration))
        for name, source in jobs_left(jobs_applied_in(conn)):
            if tell:
                tell(name)
            apply_jobs(conn, name, source)
            applied.append(name)
        leakproof.mark(conn)
    return applied


def pending(url: str, *, folder: Path = FOLDER) -> list[str]:
    """What `migrate` would apply; changes nothing."""
    with connect(url) as conn:
        if conn.execute(BOOK_EXISTS).fetchone() != (True,):
            return left_of({}, set(), folder)
        return left_of(applied_in(conn), jobs_applied_in(conn), folder)


async def pending_in(conn: AsyncConnection[TupleRow], *, folder: Path = FOLDER) -> list[str]:
    """The same, on the open connection of any role."""
    if await (await conn.execute(BOOK_EXISTS)).fetchone() != (True,):
        return left_of({}, set(), folder)
    done = applied(await (await conn.execute(APPLIED)).fetchall())
    jobs = {name for (name,) in await (await conn.execute(JOBS_APPLIED)).fetchall()}
    return left_of(done, jobs, folder)


def left_of(done: Applied, jobs: set[str], folder: Path) -> list[str]:
    return [*map(str, left(done, files(folder))), *(name for name, _ in jobs_left(jobs))]


def connect(url: str) -> psycopg.Connection[TupleRow]:
    """A connection for maintenance: no time limit, and quiet about what already exists."""
    conn = psycopg.connect(
        url,
        autocommit=True,
        application_name="carnet migrate",
        options="-c client_min_messages=warning -c statement_timeout=0 -c lock_timeout=0",
    )
    if conn.info.server_version < OLDEST * 10_000:
        conn.close()
        raise MigrationRefused(
            f"PostgreSQL {OLDEST} or later is needed; this is {conn.info.server_version // 10_000}."
        )
    return conn


@contextmanager
def locked(conn: psycopg.Connection[TupleRow]) -> Iterator[None]:
    """One migration at a time; a second one waits, then finds nothing to do."""
    conn.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def applied(rows: Iterable[TupleRow]) -> Applied:
    return {number: (name, sha256) for number, name, sha256 in rows}


def applied_in(conn: psycopg.Connection[TupleRow]) -> Applied:
    return applied(conn.execute(APPLIED))


def left(done: Applied, known: list[Migration]) -> list[Migration]:
    """The files not applied yet; refuses a past that is not the program's."""
    by_number = {migration.number: migration for migration in known}
    for number, (name, sha256) in done.items():
        migration = by_number.get(number)
        if migration is None:
            raise MigrationRefused(
                f"The database has migration {number:04}_{name}, unknown to this version of"
                " carnet: it was used by a later one."
            )
        if migration.sha256 != sha256:
            raise MigrationRefused(
                f"{migration}.sql has changed since it was applied: put it back as it was, and"
                " write the change in a new file."
            )
    last = max(done, default=0)
    todo = [migration for migration in known if migration.number not in done]
    for migration in todo:
        if migration.number < last:
            raise MigrationRefused(
                f"{migration} comes before {last:04}, already applied: give it a later number."
            )
    return todo


def apply(conn: psycopg.Connection[TupleRow], migration: Migration) -> None:
    with conn.transaction():
        try:
            conn.execute(migration.sql)
        except psycopg.Error as error:
            raise MigrationRefused(f"{migration}: {str(error).strip()}") from error
        conn.execute(
            "INSERT INTO carnet.migration (number, name, sha256) VALUES (%s, %s, %s)",
            [migration.number, migration.name, migration.sha256],
        )


# ---------------------------------------- the job queue


def jobs_files() -> list[tuple[str, str]]:
    """The library's steps as (name, SQL) in order, and its whole schema as the last one.

    A new database gets the whole schema, which stands for every step; a later version of the
    library brings steps the database has not seen.
    """
    sql = resources.files("procrastinate.sql")
    steps = [
        (f"jobs/{path.name}", path.read_text(encoding="utf-8"))
        for path in sorted((sql / "migrations").iterdir(), key=lambda path: path.name)
        if path.name.endswith(".sql")
    ]
    return [*steps, ("jobs/schema.sql", procrastinate.schema.SchemaManager.get_schema())]


def jobs_applied_in(conn: psycopg.Connection[TupleRow]) -> set[str]:
    return {name for (name,) in conn.execute(JOBS_APPLIED)}


def jobs_left(done: set[str]) -> list[tuple[str, str]]:
    *steps, whole = jobs_files()
    if whole[0] not in done:
        return [whole]
    return [(name, sql) for name, sql in steps if name not in done]


def apply_jobs(conn: psycopg.Connection[TupleRow], name: str, source: str) -> None:
    """In the schema `jobs`, which the library itself knows only as its search path."""
    *steps, (whole, _) = jobs_files()
    stands_for = [whole, *(step for step, _ in steps)] if name == whole else [name]
    with conn.transaction():
        conn.execute("SET LOCAL search_path = jobs, pg_catalog")
        try:
            conn.execute(source.encode())
        except psycopg.Error as error:
            raise MigrationRefused(f"{name}: {str(error).strip()}") from error
        conn.execute(
            "INSERT INTO carnet.jobs_migration (name) SELECT unnest(%s::text[])", [stands_for]
        )
