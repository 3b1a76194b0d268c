# SPDX-License-Identifier: EUPL-1.2
"""Rows of the matrix that a mandate or an emergency opens, from their data files."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from carnet.access import kinds

# What a patient sees of their record; a Binary that no document names is its depositor's alone.
ALL_KINDS = tuple(sorted({kind.number for kind in kinds.table().values()} - {kinds.LOOSE}))


@cache
def table(name: str) -> dict[str, Any]:
    """A data file of this package: mandates, emergency."""
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


@cache
def of_mandate(reach: str) -> tuple[int, ...]:
    """Kind numbers a mandate of this reach sees."""
    said = table("mandates")["reach"][reach]
    if said["categories"] == "*":
        return ALL_KINDS
    return tuple(
        sorted(
            kind.number
            for name, kind in kinds.table().items()
            if kind.category in said["categories"] or name in said["rows"]
        )
    )


@cache
def of_emergency() -> frozenset[int]:
    """Kind numbers an emergency opening sees at most."""
    return frozenset(kinds.table()[name].number for name in table("emergency")["rows"]["names"])
