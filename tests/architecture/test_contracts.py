# SPDX-License-Identifier: EUPL-1.2
"""The import contracts forget nobody; `./run check` is what applies them."""

import tomllib
from pathlib import Path
from typing import Any

ALLOWED_DJANGO = {"portal", "app", "__main__", "__init__"}


def contracts(root: Path) -> dict[str, dict[str, Any]]:
    """The contracts of pyproject.toml, by name."""
    read = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    return {contract["name"]: contract for contract in read["tool"]["importlinter"]["contracts"]}


def parts(root: Path) -> set[str]:
    """The modules and packages that stand directly in carnet."""
    return {
        path.stem
        for path in (root / "carnet").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }


def test_every_part_but_the_portal_is_kept_from_django(root: Path) -> None:
    """A new folder goes into the contract the day it is made."""
    kept = {
        name.removeprefix("carnet.")
        for name in contracts(root)["Only the portal knows Django"]["source_modules"]
    }
    assert parts(root) - ALLOWED_DJANGO - kept == set()


def test_the_contracts_of_the_design_are_all_there(root: Path) -> None:
    """Removing one is a decision, and needs its page."""
    assert set(contracts(root)) == {
        "One direction",
        "One door to the record",
        "The rules know no web",
        "Only the portal knows Django",
    }
    assert contracts(root)["One direction"]["exhaustive"] is True
    assert contracts(root)["One door to the record"]["allowed_importers"] == [
        "carnet.fhir",
        "carnet.access.door",
    ]
