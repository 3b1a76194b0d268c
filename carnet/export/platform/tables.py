# SPDX-License-Identifier: EUPL-1.2
"""What becomes of each table (tables.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def said() -> dict[str, Any]:
    """The whole of it."""
    return tomllib.loads(files(__package__).joinpath("tables.toml").read_text("utf-8"))


def carried(there: Iterable[str]) -> list[str]:
    """Tables whose rows go as they are, of those that are there, in order."""
    found = set(there)
    return [name for name in said()["carried"] if name in found]


def unsaid(there: Iterable[str]) -> list[str]:
    """Tables that have no line: nobody decided what becomes of them."""
    lines = said()
    known = {*lines["carried"], *lines["told"], *lines["made"], *lines["left"]}
    return [name for name in there if name not in known]
