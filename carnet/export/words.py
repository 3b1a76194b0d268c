# SPDX-License-Identifier: EUPL-1.2
"""The words of an export (words.toml), French and English."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("fr", "en")


@cache
def table() -> dict[str, dict[str, Any]]:
    """Every word, by section and name."""
    return tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))


def say(language: str, name: str, section: str = "says") -> str:
    """A word; a code that has none is told as it is, an act as `other`."""
    words = table()[section]
    found = words.get(name) or words.get("other" if section == "acts" else "")
    return str(found[LANGUAGES.index(language)]) if found else name
