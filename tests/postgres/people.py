# SPDX-License-Identifier: EUPL-1.2
"""Other processes and other users, for tests of the embedded server."""

import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
ORDINARY = 65534  # nobody

# Starts or joins the server of a folder, says its process, then waits to be told to leave.
USER = """
import sys
from pathlib import Path
from carnet.postgres.cluster import Cluster
cluster = Cluster.attach_or_start(Path(sys.argv[1]))
print(cluster.pid(), cluster.attached, cluster.url(), sep="|", flush=True)
sys.stdin.readline()
cluster.stop()
"""


class User:
    """Another process that uses the server of a folder."""

    def __init__(self, data: Path, *, uid: int | None = None, python: str = sys.executable) -> None:
        self.process = subprocess.Popen(
            [python, "-c", USER, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT if uid is None else "/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *libraries()])},
            user=uid,
            group=None if uid is None else pwd.getpwuid(uid).pw_gid,
            extra_groups=None if uid is None else [],
        )
        assert self.process.stdout
        self.said = self.process.stdout.readline()

    @property
    def pid(self) -> int:
        return int(self.said.split("|")[0])

    @property
    def attached(self) -> bool:
        return self.said.split("|")[1] == "True"

    @property
    def url(self) -> str:
        return self.said.split("|")[2].strip()

    def leave(self) -> str:
        """End it politely; what it said to stderr."""
        return self.process.communicate("\n", timeout=60)[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def libraries() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


@contextmanager
def user(data: Path, *, uid: int | None = None, python: str = sys.executable) -> Iterator[User]:
    one = User(data, uid=uid, python=python)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.kill()


def python_of(uid: int) -> str | None:
    """A Python of our version that user can run: ours may stand in a closed folder."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/python{version}"):
        try:
            tried = subprocess.run(
                [python, "-c", "import psycopg"],
                cwd="/",
                user=uid,
                group=pwd.getpwuid(uid).pw_gid,
                extra_groups=[],
                env={"PYTHONPATH": os.pathsep.join(libraries())},
                capture_output=True,
                check=False,
            )
        except (OSError, KeyError):
            continue
        if tried.returncode == 0:
            return python
    return None


def parent_of(pid: int) -> int:
    """The process that started it: for a server, its watcher."""
    status = Path(f"/proc/{pid}/stat").read_text()
    return int(status.rpartition(")")[2].split()[1])


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and was not yet looked after does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(what: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def write(url: str, word: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS public.kept (word text)")
        conn.execute("INSERT INTO public.kept VALUES (%s)", [word])


def words(url: str) -> list[str]:
    with psycopg.connect(url, autocommit=True) as conn:
        return [word for (word,) in conn.execute("SELECT word FROM public.kept")]
