# SPDX-License-Identifier: EUPL-1.2
"""A real installation in a folder of its own: server processes and PostgreSQL, started, killed, restarted.

Nothing is in process: `carnet serve api` with its workers, the embedded PostgreSQL and its watcher, as
an operator runs them. `kill` ends every one of them with SIGKILL at once, so what is only in the
memory of PostgreSQL is lost; the kernel and its page cache live on (a power cut is another test).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from carnet.app import demonstration, parts
from carnet.cli import common
from carnet.config import Instance, Settings
from carnet.population import make
from carnet.postgres.cluster import ADMIN, DATABASE, PORT, Cluster, read_path

SOFTWARE = "software:hospital-software"
HOST = "127.0.0.1"
HOUR = 3600


@dataclass
class Installation:
    """One data folder and what serves it."""

    data: Path
    port: int
    workers: int = 1
    postgres: dict[str, str] = field(default_factory=dict)  # see `make`
    people: list[str] = field(default_factory=list)  # Patient/… that may be fed
    token: str = ""
    _server: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        """The FHIR address."""
        return f"http://{HOST}:{self.port}/fhir"

    # -- making it -------------------------------------------------------------------------------

    @classmethod
    def make(
        cls,
        data: Path,
        *,
        workers: int = 1,
        people: int = 7,
        postgres: Mapping[str, str] | None = None,
    ) -> Installation:
        """A test installation with some invented people.

        postgres: its settings changed once the server serves, for it refuses to start on unsafe ones.
        """
        made = cls(data, free_port(), workers, dict(postgres or {}))
        settings = made.settings()
        data.mkdir(parents=True, exist_ok=True)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            common.remember(settings)
            assert isinstance(server, Cluster)
            made.people, made.token = asyncio.run(_people(settings, server, people))
        return made

    def settings(self) -> Settings:
        """Those the server will have."""
        return Settings(
            data=self.data,
            instance=Instance.TEST,
            port=self.port,
            base_url=f"http://{HOST}:{self.port}",
            token_lifetime=24 * HOUR,
            log_level="ERROR",
        )

    # -- serving ---------------------------------------------------------------------------------

    def start(self, patience: float = 60.0) -> float:
        """Serve, until /health answers; returns the seconds that took, recovery included."""
        started = time.perf_counter()
        if self.postgres:
            (Cluster(self.data).pgdata / "postgresql.auto.conf").write_text("")
        with (self.data / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "carnet", "serve", "api"),
                    *("--data", str(self.data), "--port", str(self.port), "--host", HOST),
                    *("--workers", str(self.workers)),
                ],
                env=os.environ
                | {"CARNET_TOKEN_LIFETIME": str(24 * HOUR), "CARNET_LOG_LEVEL": "ERROR"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while time.perf_counter() - started < patience:
            if self._server.poll() is not None:
                break
            if answers(f"http://{HOST}:{self.port}/health"):
                took = time.perf_counter() - started
                self._weaken()
                return took
            time.sleep(0.02)
        raise RuntimeError(
            "the server did not start:\n" + (self.data / "server.log").read_text()[-3000:]
        )

    def _weaken(self) -> None:
        """Change PostgreSQL's settings behind the server's back."""
        if not self.postgres:
            return
        with self.database() as conn:
            for name, value in self.postgres.items():
                conn.execute(
                    sql.SQL("ALTER SYSTEM SET {} = {}").format(
                        sql.Identifier(name), sql.Literal(value)
                    )
                )
            conn.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)  # each process of PostgreSQL reads it when it next looks

    def stop_serving(self) -> None:
        """End the server cleanly; PostgreSQL stays if somebody else uses it."""
        if self._server is not None and self._server.poll() is None:
            self._server.terminate()
            try:
                self._server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._server.pid, signal.SIGKILL)
                self._server.wait(20)
        self._server = None

    def stop(self) -> None:
        """End the server and PostgreSQL cleanly."""
        self.stop_serving()
        cluster = Cluster(self.data)
        deadline = time.monotonic() + 30
        while cluster.running() and time.monotonic() < deadline:
            time.sleep(0.05)

    def hold(self) -> Callable[[], None]:
        """Keep PostgreSQL running between two servers; returns what lets it go."""
        return Cluster.attach_or_start(self.data).stop

    def server_pids(self) -> list[int]:
        """The serving processes: the master and its workers."""
        assert self._server is not None
        return [self._server.pid, *descendants(self._server.pid)]

    def postgres_pids(self) -> list[int]:
        """PostgreSQL's processes, the postmaster first."""
        postmaster = Cluster(self.data).pid()
        return [] if postmaster is None else [postmaster, *descendants(postmaster)]

    def kill(self) -> int:
        """SIGKILL for the server, the watcher and all of PostgreSQL; returns how many processes."""
        assert self._server is not None
        postmaster = Cluster(self.data).pid()
        assert postmaster is not None
        os.kill(postmaster, signal.SIGSTOP)  # so that it makes no other while they are counted
        watcher = parent(postmaster)
        victims = [watcher, postmaster, *descendants(postmaster)]
        victims += [pid for pid in self.server_pids() if pid not in victims]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._server.wait(20)
        self._server = None
        while any(alive(pid) for pid in victims):
            time.sleep(0.005)
        return len(victims)

    # -- looking inside --------------------------------------------------------------------------

    def url(self, role: str = ADMIN) -> str:
        """The running database, for a role."""
        sockets = read_path(self.data / "postgres" / "socket.path")
        return make_conninfo(host=str(sockets), port=PORT, user=role, dbname=DATABASE)

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """The database of the running installation, as its owner."""
        with psycopg.connect(self.url(), autocommit=True) as conn:
            yield conn


async def _people(settings: Settings, server: Cluster, count: int) -> tuple[list[str], str]:
    """Load invented people; their addresses, and a token of a hospital's software."""
    built = await parts.build(settings, server, name="tests")
    try:
        population = make(2026, count)
        where = await demonstration.load_people(built, server.url(), population)
        who = await parts.actor(built, SOFTWARE, client="tests")
        token = built.desk.tokens.issue(parts.claims(built, who, "system/*.cruds"), lifetime=86_400)
        people = [
            f"Patient/{built.door.ids.encode(cid, cid)}" for cid in sorted(where.people.values())
        ]
        return people, token
    finally:
        await built.pool.close()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a server answers there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _status(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the name; None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def parent(pid: int) -> int:
    """The parent of a process."""
    status = _status(pid)
    assert status is not None
    return int(status[1])


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    status = _status(pid)
    return status is not None and status[0] not in "ZX"


def descendants(pid: int) -> list[int]:
    """Children of a process and theirs."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (status := _status(int(entry.name))) is not None:
            children.setdefault(int(status[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        mine = children.get(waiting.pop(), [])
        found += mine
        waiting += mine
    return found
