# SPDX-License-Identifier: EUPL-1.2
"""The watcher: parent of the embedded server, alive as long as somebody uses it.

Run by `cluster.py` as a script of its own, with the standard library alone, so it stays small. Whoever
uses the server holds a shared lock on one file; the watcher waits for the exclusive one. The kernel
gives it when the last user has gone, however that user ended, and the server is then stopped cleanly:
nothing has to be told, and `kill -9` of every user leaves no orphan. If the server itself dies it is
started again; if the watcher dies the kernel sends the server its stop signal.

Its one argument is a JSON object with the keys of `Orders` in `cluster.py`.
"""

import ctypes
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
STOP_PATIENCE = 600.0  # seconds given to a clean stop before recovery is left to the next start
LEFTOVER_PATIENCE = 30.0  # seconds given to processes of a killed server before they are killed
FAILURES = 3  # starts in a row that end by themselves before we give up


def processes_in(folder: Path) -> list[int]:
    """The PostgreSQL processes working in that folder: their data folder is always where they stand.

    A process number read from a file may belong to somebody else by now; a working folder does not lie.
    """
    found: list[int] = []
    try:
        mine = os.stat(folder)
        entries = os.listdir("/proc")
    except OSError:
        return found
    for entry in entries:
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            theirs = os.stat(f"/proc/{entry}/cwd")
            if (theirs.st_dev, theirs.st_ino) != (mine.st_dev, mine.st_ino):
                continue
            if Path(f"/proc/{entry}/comm").read_text().startswith("postgres"):
                found.append(int(entry))
        except OSError:  # gone, or another user's: then it cannot be this server
            continue
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def clear_leftovers(pgdata: Path, sockets: Path) -> None:
    """Wait for the processes of a killed server to end, then help them; forget a process number reused.

    A postmaster left by a killed watcher is stopping already. Its children, when it was killed itself,
    notice within a moment unless they are busy. A new server refuses to start beside any of them.
    """
    began = time.monotonic()
    signals = [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL]
    while left := processes_in(pgdata):
        waited = time.monotonic() - began
        if signals and waited >= LEFTOVER_PATIENCE * (3 - len(signals)) / 2:
            send(left, signals.pop(0))
        time.sleep(0.02)
    if not os.path.isdir("/proc/self"):
        return  # cannot see processes here: leave the decision to PostgreSQL
    for stale in [pgdata / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")]:
        try:
            pid = abs(int(stale.read_text().split("\n", 1)[0]))
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            continue  # PostgreSQL clears it itself, and the shared memory it names
        except PermissionError:
            pass
        stale.unlink(missing_ok=True)  # alive, but not this server: the number was given again


class Watcher:
    """One server, its users, and the pipe on which everything that happens arrives."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.command: list[str] = orders["command"]
        self.pgdata = Path(orders["pgdata"])
        self.sockets = Path(orders["sockets"])
        self.remove_sockets: bool = orders["remove_sockets"]
        self.log = Path(orders["log"])
        self.uid: int | None = orders["uid"]
        self.gid: int | None = orders["gid"]
        self.users: int = orders["users"]
        self.unused = threading.Event()
        self.asked = False
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.writer, False)
        os.set_blocking(self.reader, False)

    def run(self) -> int:
        signal.set_wakeup_fd(self.writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.ask)
        threading.Thread(target=self.wait_for_users, daemon=True).start()
        failures = 0
        while True:
            clear_leftovers(self.pgdata, self.sockets)
            if self.over():
                return 0
            server = self.spawn()
            while server.poll() is None and not self.over():
                self.wait()
            if self.over():
                self.stop(server)
                return 0
            # A signal is somebody else's doing: start again. An exit is PostgreSQL refusing.
            failures = failures + 1 if server.returncode > 0 else 0
            if failures >= FAILURES:
                return 1
            time.sleep(0.1)

    def ask(self, *_: object) -> None:
        self.asked = True

    def over(self) -> bool:
        return self.asked or self.unused.is_set()

    def wait_for_users(self) -> None:
        """Blocks until nobody holds the shared lock any more; the exclusive one then keeps newcomers out."""
        fcntl.flock(self.users, fcntl.LOCK_EX)
        self.unused.set()
        os.write(self.writer, b"u")

    def wait(self, seconds: float | None = None) -> None:
        if select.select([self.reader], [], [], seconds)[0]:
            os.read(self.reader, 4096)

    def spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command,
                cwd=self.pgdata,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
                umask=0o077,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    def stop(self, server: subprocess.Popen[bytes]) -> None:
        """Fast shutdown: open transactions are undone, a checkpoint is written. Then, at last, immediate."""
        for number, patience in ((signal.SIGINT, STOP_PATIENCE), (signal.SIGQUIT, 30.0)):
            if server.poll() is None:
                server.send_signal(number)
            end = time.monotonic() + patience
            while server.poll() is None and time.monotonic() < end:
                self.wait(1.0)
        if server.poll() is None:
            server.kill()
            server.wait()
        if self.remove_sockets:
            try:
                self.sockets.rmdir()
            except OSError:
                pass


def die_with_parent() -> Callable[[], None] | None:
    """Ask the kernel, in the child, for a clean stop when its parent dies; elsewhere than Linux, nothing.

    Set after the change of user, which forgets it. It watches the thread that started the child: ours
    is the main one, which ends last.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


if __name__ == "__main__":
    sys.exit(Watcher(json.loads(sys.argv[1])).run())
