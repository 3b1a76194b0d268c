# SPDX-License-Identifier: EUPL-1.2
"""The picture of the architecture is drawn from the layers that are checked."""

from pathlib import Path

from lxml import etree

from tools.architecture import layers, picture


def test_the_picture_is_that_of_the_contract(root: Path) -> None:
    """When it is not: .venv/bin/python -m tools.architecture."""
    assert (root / "docs/explanation/architecture.svg").read_text("utf-8") == picture()


def test_every_package_is_in_the_picture(root: Path) -> None:
    drawn = etree.fromstring(picture().encode())
    names = {text.text for text in drawn.iter("{*}text") if text.get("class") == "name"}
    packages = {
        each.stem if each.is_file() else each.name
        for each in (root / "carnet").iterdir()
        if each.suffix == ".py" or (each / "__init__.py").exists()
    }
    assert packages - {"__init__", "__main__"} <= names
    assert {name for layer in layers() for name in layer} <= names


def test_it_runs_no_script_and_calls_nowhere() -> None:
    assert "<script" not in picture()
    assert "href" not in picture()
