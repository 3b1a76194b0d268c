# SPDX-License-Identifier: EUPL-1.2
"""Which row of the access matrix a resource stands in (kinds.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A row: number written in the store, class of JDV_J57, whether a restricted cell leaves it out."""

    name: str
    number: int
    category: str
    sensitive: bool


UNCLASSIFIED = 0
IDENTITY = 1
LOOSE = 3  # a Binary that no document names: its depositor's, for a day


@cache
def table() -> dict[str, Kind]:
    """Every row by name."""
    return {
        name: Kind(name, row["number"], row["class"], row.get("sensitive", False))
        for name, row in _file()["rows"].items()
    }


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("kinds.toml").read_text("utf-8"))


def of_type(rtype: str) -> str:
    """Name of the row a type stands in when no code says better; "" for a type that has none."""
    return str(_file()["types"].get(rtype, ""))


def families(rtype: str) -> dict[str, str]:
    """Names of rows by code family, `system|code`, of a type that has some."""
    return dict(_file()["codes"].get(rtype, {}))


def of(resource: dict[str, Any]) -> int:
    """Row number of a resource by its own content; a part of a document follows the document instead."""
    rtype = resource["resourceType"]
    families = _file()["codes"].get(rtype)
    if families:
        for system, code in _codes(resource):
            name = families.get(f"{system}|{code}") or families.get(f"*|{code}")
            if name:
                return table()[name].number
    name = _file()["types"].get(rtype)
    return table()[name].number if name else UNCLASSIFIED


def _codes(resource: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for element in ("type", "code", "category"):
        concepts = resource.get(element, [])
        for concept in concepts if isinstance(concepts, list) else [concepts]:
            if isinstance(concept, dict):
                for coding in concept.get("coding", []):
                    yield str(coding.get("system", "")), str(coding.get("code", ""))
