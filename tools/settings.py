# SPDX-License-Identifier: EUPL-1.2
"""Writes docs/reference/settings.md from carnet/config.py: `.venv/bin/python -m tools.settings`."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from carnet.config import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/settings.md"

HEAD = """\
# Settings

Every setting of Carnet is one `CARNET_*` variable of the environment, read once when a command
starts. `carnet check` prints each with its value and where it comes from. This page is written by
`tools/settings.py` from `carnet/config.py`; a test compares them.

| variable | default | unit | what it is |
| --- | --- | --- | --- |
"""


def rows() -> Iterator[str]:
    """One line of the table for each field of `Settings`, in their order."""
    for setting in fields(Settings):
        default = str(setting.default)
        shown = f"`{default}`" if default else ""
        unit, text = setting.metadata["unit"], setting.metadata["help"]
        yield f"| `{Settings.PREFIX}{setting.name.upper()}` | {shown} | {unit} | {text} |\n"


def page() -> str:
    """The whole page."""
    return HEAD + "".join(rows())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
