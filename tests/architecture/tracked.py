# SPDX-License-Identifier: EUPL-1.2
"""The files of the repository, as git lists them."""

import subprocess
from pathlib import Path


def tracked(root: Path, *patterns: str) -> list[Path]:
    """Files git knows and that are still there, in order; `patterns` are git's own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := root / name).is_file()]


def text(path: Path) -> str | None:
    """What the file says; None when it is not text."""
    body = path.read_bytes()
    if b"\0" in body:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
