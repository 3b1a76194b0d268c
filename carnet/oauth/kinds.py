# SPDX-License-Identifier: EUPL-1.2
"""Kinds of data as people tell them apart, and which of them a scope asks for (kinds.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from carnet.access import kinds, scopes
from carnet.access.scopes import DataScope

ALWAYS = ("identity", "directory")  # who the person is, who wrote: nothing is read without them


@cache
def table() -> dict[str, Any]:
    """The file."""
    return tomllib.loads(files(__package__).joinpath("kinds.toml").read_text("utf-8"))


def groups() -> dict[str, frozenset[str]]:
    """Names of the rows of each kind, in the order they are shown."""
    return {name: frozenset(rows) for name, rows in table()["kinds"].items()}


def asked(words: Iterable[str]) -> tuple[str, ...]:
    """The kinds that scopes ask to read, in the order they are shown."""
    wanted: set[str] = set()
    for one in scopes.read(frozenset(words)):
        if set("rs") & set(one.letters):
            wanted |= _rows(one)
    return tuple(name for name, rows in groups().items() if rows & wanted)


def numbers(names: Iterable[str]) -> list[int]:
    """Rows of the access matrix that these kinds open, with what goes with any of them."""
    known = groups()
    rows = {*ALWAYS, *(row for name in names for row in known[name])}
    return sorted(kinds.table()[row].number for row in rows)


def named(rows: Iterable[int]) -> tuple[str, ...]:
    """The kinds that rows of the access matrix are of."""
    held, every = frozenset(rows), kinds.table()
    return tuple(
        name for name, own in groups().items() if any(every[row].number in held for row in own)
    )


def _rows(one: DataScope) -> set[str]:
    """Rows that resources of a scope stand in by their own content (carnet/access/kinds.toml)."""
    if one.rtype == scopes.WHOLE:
        return set(kinds.table())
    families = kinds.families(one.rtype)
    said = {value for _, values in one.tests for value in values}
    exact = {row for code, row in families.items() if said & {code, code.rpartition("|")[2]}}
    if exact:
        return exact
    own = kinds.of_type(one.rtype)
    return {own, *families.values()} if own else set()
