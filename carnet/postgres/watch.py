# SPDX-License-Identifier: EUPL-1.2
"""The watcher: parent of the embedded server, alive as long as somebody uses it.

Run by `cluster.py` as a script of its own, with the standard library alone, so it stays small.
Whoever uses the server holds a shared lock on one file; the watcher waits for the exclusive one.
The kernel gives it when the last user has gone, however that user ended, and the server is then
stopped cleanly: nothing has to be told, and `kill -9` of every user leaves no orphan. If the server
itself dies it is started again; if the watcher dies the kernel sends the server its stop signal.

Its one argument is a JSON object with the keys of `Orders` in `cluster.py`.
"""

import contextlib
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
STOP_PATIENCE = 600.0  # seconds for a clean stop before recovery is left to the next start
LEFTOVER_PATIENCE = 30.0  # seconds for what is left of a killed server before it is killed too
FAILURES = 3  # starts in a row that end by themselves, before it ever answered, and we give up
LONGEST_PAUSE = 5.0  # seconds between two starts of a server that answered once


class Watcher:
    """One server, its users, and the pipe on which all that happens arrives."""

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
        """Until the last user has gone (0), or the server refuses to start (1)."""
        signal.set_wakeup_fd(self.writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.ask)
        threading.Thread(target=self.wait_for_users, daemon=True).start()
        failures, answered = 0, False
        while True:
            self.clear_leftovers()
            if self.over():
                return 0
            server = self.spawn()
            ready = False
            while server.poll() is None and not self.over():
                ready = ready or self.is_ready(server.pid)
                self.wait(None if ready else 0.1)
            if self.over():
                self.stop(server)
                return 0
            answered = answered or ready
            # Ended by a signal, somebody killed it: start again. Ended by itself, it refuses: it
            # may be for ever (a wrong setting), unless it has worked before (a full disk).
            failures = 0 if ready or server.returncode < 0 else failures + 1
            if failures >= FAILURES and not answered:
                return 1
            self.wait(min(0.1 * 2**failures, LONGEST_PAUSE))

    def ask(self, *_: object) -> None:
        """SIGTERM: stop, whoever uses it."""
        self.asked = True

    def over(self) -> bool:
        return self.asked or self.unused.is_set()

    def wait_for_users(self) -> None:
        """Blocks until nobody holds the shared lock; the exclusive one then keeps newcomers out."""
        fcntl.flock(self.users, fcntl.LOCK_EX)
        self.unused.set()
        os.write(self.writer, b"u")

    def wait(self, seconds: float | None) -> None:
        """Until something happens, or so many seconds."""
        if select.select([self.reader], [], [], seconds)[0]:
            os.read(self.reader, 4096)

    def is_ready(self, pid: int) -> bool:
        """What the server writes of itself: its process first, its state last."""
        try:
            lines = (self.pgdata / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command,
                cwd=self.pgdata,  # entered before the change of user
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
        """Fast: open transactions are undone, a checkpoint is written. Immediate only at last."""
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
            with contextlib.suppress(OSError):
                self.sockets.rmdir()

    # ---------------------------------------- leftovers

    def clear_leftovers(self) -> None:
        """Wait for the processes of a killed server to end, help them, and forget a reused number.

        A server whose watcher was killed is stopping already. The children of one that was killed
        itself notice soon, unless they are busy. A new server refuses to start beside one.
        """
        began = time.monotonic()
        signals = [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL]
        while left := self.processes():
            waited = time.monotonic() - began
            if signals and waited >= LEFTOVER_PATIENCE * (3 - len(signals)) / 2:
                number = signals.pop(0)
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
            time.sleep(0.02)
        for stale in [self.pgdata / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*.lock")]:
            with contextlib.suppress(OSError, ValueError):
                pid = abs(int(stale.read_text().split("\n", 1)[0]))
                # PostgreSQL asks only whether that process lives, and would refuse to start. A
                # number that is free it clears by itself.
                if self.is_no_server(pid):
                    stale.unlink()

    def is_no_server(self, pid: int) -> bool:
        """Whether that number is known not to be a server of this folder; False when in doubt."""
        status = Path(f"/proc/{pid}/stat").read_text()
        name, _, rest = status.partition("(")[2].rpartition(")")
        if rest.split()[0] == "Z":  # dead, and the first process of a container looks after nobody
            return True
        if not name.startswith("postgres"):  # the number was given again
            return True
        ours = os.stat(self.pgdata)
        with self.acting_as_server():
            return not os.path.samestat(os.stat(f"/proc/{pid}/cwd"), ours)

    def processes(self) -> list[int]:
        """The server processes of this folder: a PostgreSQL process stands in its data folder.

        A process number read from a file may belong to somebody else by now; where a process stands
        does not lie. Empty where there is no /proc.
        """
        found: list[int] = []
        try:
            ours = os.stat(self.pgdata)
            numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        except OSError:
            return found
        with self.acting_as_server():  # root in a container may not look at another user's process
            for pid in numbers:
                with contextlib.suppress(OSError):  # gone, or another user's
                    same = os.path.samestat(os.stat(f"/proc/{pid}/cwd"), ours)
                    if same and Path(f"/proc/{pid}/comm").read_text().startswith("postgres"):
                        found.append(pid)
        return found

    @contextlib.contextmanager
    def acting_as_server(self) -> Iterator[None]:
        if self.uid is None or self.gid is None:
            yield
            return
        user, group = os.geteuid(), os.getegid()
        os.setegid(self.gid)
        os.seteuid(self.uid)
        try:
            yield
        finally:
            os.seteuid(user)
            os.setegid(group)


def die_with_parent() -> Callable[[], None] | None:
    """Ask the kernel, in the child, for a clean stop when its parent dies; only Linux can.

    Set after the change of user, which forgets it. It watches the thread that started the child:
    ours is the main one, which ends last.
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
