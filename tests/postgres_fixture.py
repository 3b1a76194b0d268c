# SPDX-License-Identifier: EUPL-1.2
"""A real PostgreSQL for tests: one embedded server a run, one clone a test.

    def test_sync(db: Database) -> None:
        with db.connect() as conn: ...                     # carnet_admin, autocommit

    @pytest.mark.anyio
    async def test_async(pool: Pool) -> None: ...          # a pool of carnet_app on the clone

    @pytest.mark.anyio
    async def test_more(db: Database) -> None:
        async with db.pool("carnet_worker") as pool: ...

`db` is a database of its own, migrated, dropped after the test: what is committed stays in it.
Making one takes about 10 ms, so tests share none. All workers of pytest-xdist use one server: the
first one starts it, the last one to leave stops it and removes it, as any users of `Cluster` do. It
runs as root or as an ordinary user, with the settings of production but for its memory, and without
autovacuum, so that a plan asked for after ANALYZE is always the same.

Async tests run under anyio's own plugin, on asyncio alone (`anyio_backend`); psycopg needs nothing
else.
"""

import contextlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import TupleRow

from carnet import errors
from carnet.postgres import migrate
from carnet.postgres.cluster import ADMIN, DATABASE, Cluster
from carnet.postgres.pool import JOB, Limits, Pool, open_pool

SETTINGS = {
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "autovacuum": "off",
    "max_connections": "150",  # several spaces of two processes of tests, where an installation has one
}
MEMORY = Path("/dev/shm")
PREFIX = "carnet-test-"
ROOM = 1 << 30  # bytes free in memory for the server to live there
GATE = 0x74657374  # the advisory lock under which the first worker migrates


@dataclass(frozen=True, slots=True)
class Database:
    """One clone."""

    cluster: Cluster
    name: str

    def url(self, role: str = ADMIN) -> str:
        return self.cluster.url(role, self.name)

    def connect(self, role: str = ADMIN) -> psycopg.Connection[TupleRow]:
        """A plain connection, each statement its own transaction."""
        return psycopg.connect(self.url(role), autocommit=True)

    @contextlib.asynccontextmanager
    async def pool(
        self, role: str = "carnet_app", *, max_size: int = 4, limits: Limits = JOB
    ) -> AsyncIterator[Pool]:
        """A pool that looks at every connection before it serves."""
        pool = await open_pool(
            self.url(role),
            min_size=1,
            max_size=max_size,
            name="test",
            limits=limits,
            verify_every=1,
        )
        try:
            yield pool
        finally:
            await pool.close()


def home(run: str, temporary: Path) -> Path:
    """Where the server lives: in memory when there is room, clones are five times quicker there."""
    with contextlib.suppress(OSError):
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
            sweep()
            return MEMORY / f"{PREFIX}{run}"
    return temporary / f"{PREFIX}{run}"


def sweep() -> None:
    """Remove what killed runs left in memory; their servers have stopped by themselves."""
    for old in MEMORY.glob(PREFIX + "*"):
        with contextlib.suppress(OSError, errors.CarnetError):
            idle = time.time() - old.stat().st_mtime > 600
            if old.stat().st_uid == os.geteuid() and idle and not Cluster(old).running():
                shutil.rmtree(old, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, testrun_uid: str
) -> Iterator[Cluster]:
    """The server of the run, its database `carnet` migrated: the template of every clone."""
    base = tmp_path_factory.getbasetemp()
    data = home(testrun_uid, base if worker_id == "master" else base.parent)
    cluster = Cluster.attach_or_start(data, settings=SETTINGS)
    try:
        with psycopg.connect(cluster.url(database="postgres"), autocommit=True) as conn:
            conn.execute("SELECT pg_advisory_lock(%s)", [GATE])
            migrate.migrate(cluster.url())
        yield cluster
    finally:
        cluster.stop()
        if not cluster.running():
            shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def db(cluster: Cluster) -> Iterator[Database]:
    """A database of the test's own."""
    database = Database(cluster, f"test_{uuid.uuid4().hex}")
    name, template = sql.Identifier(database.name), sql.Identifier(DATABASE)
    with psycopg.connect(cluster.url(database="postgres"), autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(name, template)
        )
        try:
            yield database
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
async def pool(db: Database) -> AsyncIterator[Pool]:
    """carnet_app's pool on the clone."""
    async with db.pool() as pool:
        yield pool


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """asyncio alone: what serves."""
    return "asyncio"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder everybody may walk to, with a short path, for clusters of a test's own.

    Pytest's own `tmp_path` is closed to other users and long.
    """
    folder = Path(tempfile.mkdtemp(prefix="ct-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
