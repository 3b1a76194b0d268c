# SPDX-License-Identifier: EUPL-1.2
"""Factors: how somebody proved who they are, and whether it is enough (factors.toml)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

PASSWORD: Final = "carnet:1"
DEMONSTRATION: Final = "demonstration"  # in `least`: accounts that are nobody's


@cache
def table() -> dict[str, Any]:
    """The file."""
    return tomllib.loads(files(__package__).joinpath("factors.toml").read_text("utf-8"))


def rank(acr: str) -> int:
    """The rank of a level; -1 for one that is not ours."""
    return int(table()["levels"].get(acr, {"rank": -1})["rank"])


def enough(acr: str, kind: str, *, demonstration: bool = False) -> bool:
    """Whether a level is the least that this kind of account needs; unknown kinds need what nobody has."""
    if demonstration:
        kind = DEMONSTRATION
    least = table()["least"].get(kind)
    return least is not None and rank(acr) >= rank(least)


def open_to(factor: str, kind: str) -> bool:
    """Whether a kind of account may use a factor."""
    return kind in table()["factors"].get(factor, {"for": ()})["for"]


def level(factor: str) -> str:
    """The level a factor gives."""
    return str(table()["factors"][factor]["acr"])


def methods(factor: str) -> tuple[str, ...]:
    """What a factor is called in `amr` (RFC 8176)."""
    return tuple(table()["factors"][factor]["amr"])
