# SPDX-License-Identifier: EUPL-1.2
"""What every test may take, and the marks that follow from what it takes."""

import os
from pathlib import Path

import hypothesis
import pytest

from tests.absent import absent

pytest_plugins = ["tests.postgres_fixture", "tests.browser_fixture", "tests.space"]

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
PEERS = ROOT / ".venv" / "peers" / "node_modules"

# What a test takes says what it needs, so nobody has to remember the mark.
NEEDS = {
    "db": {
        "db",
        "cluster",
        "short_path",
        "demonstration",
    },  # what starts a PostgreSQL, directly or not
    "browser": {"browser", "page"},
    "needs_shared": {"shared"},
}

# Two cores shared with a database: a slow example is no failure. CI repeats the same examples.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test by the fixtures it takes, its own and theirs."""
    taken = set(getattr(item, "fixturenames", ()))
    for mark, fixtures in NEEDS.items():
        if taken & fixtures:
            item.add_marker(mark)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of example data kept beside the repository, never in it."""
    if not SHARED.is_dir():
        absent("the example data is not here: it stands in a folder `shared` beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def peers() -> Path:
    """The folder of npm packages that others wrote (requirements/npm); CARNET_PEERS names another."""
    folder = Path(os.environ.get("CARNET_PEERS") or PEERS)
    if not (folder / "fhirpath").is_dir():
        absent("what others wrote in JavaScript is not here: `./run test` installs it by npm")
    return folder
