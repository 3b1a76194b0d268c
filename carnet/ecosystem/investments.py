# SPDX-License-Identifier: EUPL-1.2
"""Public money that was announced: one line an amount, with the text that names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from carnet.words import BadTable, Source, Words, source, table, words


@dataclass(frozen=True, slots=True)
class Line:
    """million: euros. text: title of what names it, "" where it is not known."""

    million: int
    text: str
    what: Words
    source: Source


@cache
def investments() -> tuple[Line, ...]:
    """Every line, the largest first."""
    return read(table(__package__, "investments.toml"))


def read(given: Mapping[str, Any]) -> tuple[Line, ...]:
    """The table as it is written."""
    texts = {each["key"]: str(each["title"]) for each in given["text"]}
    lines = []
    for each in given["line"]:
        named = each.get("text", "")
        if named and named not in texts:
            raise BadTable(f"No text is called {named!r}.")
        lines.append(
            Line(int(each["million"]), texts.get(named, ""), words(each["for"]), source(each))
        )
    return tuple(sorted(lines, key=lambda line: -line.million))
