# SPDX-License-Identifier: EUPL-1.2
"""The locks: exact versions with their hashes, from nowhere in particular, each with its reason."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
NAME = re.compile(r"[A-Za-z0-9_.-]+")


def lock(root: Path, name: str) -> str:
    """One lock file."""
    return (root / "requirements" / name).read_text("utf-8")


def project(root: Path) -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def names(requirements: list[str]) -> set[str]:
    """Bare names, as a lock writes them."""
    return {
        match.group().lower().replace("_", "-") for r in requirements if (match := NAME.match(r))
    }


@pytest.mark.parametrize("name", ["run.txt", "test.txt"])
def test_each_locked_package_has_hashes_and_no_address(root: Path, name: str) -> None:
    """pip refuses what is not what we tried, wherever it comes from."""
    body = lock(root, name)
    entries = re.split(r"\n(?=[a-z])", body.strip())
    assert len(entries) > 20
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert [entry.split()[0] for entry in entries if not LOCKED.match(entry)] == []
    assert "://" not in body
    assert "--index" not in body
    assert "--find-links" not in body


def test_tests_run_on_the_versions_that_are_run(root: Path) -> None:
    """The second lock only adds to the first."""
    run = set(LOCKED.findall(lock(root, "run.txt")))
    test = set(LOCKED.findall(lock(root, "test.txt")))
    assert run - test == set()


def test_what_the_project_asks_for_is_locked(root: Path) -> None:
    """Nothing was added to pyproject.toml without remaking the locks (tools/lock)."""
    asked = project(root)
    run = {name for name, _ in LOCKED.findall(lock(root, "run.txt"))}
    test = {name for name, _ in LOCKED.findall(lock(root, "test.txt"))}
    groups = asked["dependency-groups"]
    assert names(asked["project"]["dependencies"]) | names(groups["build"]) <= run
    assert names(groups["test"]) <= test


def test_each_dependency_has_its_reason(root: Path) -> None:
    """A new dependency needs a line in docs/decisions/0003-dependencies.md."""
    asked = project(root)
    groups = asked["dependency-groups"]
    page = (root / "docs/decisions/0003-dependencies.md").read_text("utf-8")
    reasons = set(re.findall(r"^\| `([^`\[]+)", page, re.MULTILINE))
    wanted = names(asked["project"]["dependencies"]) | names(groups["build"] + groups["test"])
    assert wanted - reasons == set()
    assert reasons - wanted == set()
