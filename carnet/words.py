# SPDX-License-Identifier: EUPL-1.2
"""Tables that people read: sentences in both languages, lines with their source or none."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from carnet import errors

Language = Literal["fr", "en"]


class BadTable(errors.Invalid):
    """A table of rules does not hold together: the sentence says where."""


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages."""

    fr: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.en if language.startswith("en") else self.fr


@dataclass(frozen=True, slots=True)
class Source:
    """Where a line was read. unverified: the text itself was not at hand."""

    text: str
    unverified: bool


def table(package: str, name: str) -> dict[str, Any]:
    """A file of a package, as it is written."""
    return tomllib.loads(resources.files(package).joinpath(name).read_text("utf-8"))


def words(given: Mapping[str, Any]) -> Words:
    """`{ fr = …, en = … }`; both, and neither empty."""
    found = Words(str(given.get("fr", "")), str(given.get("en", "")))
    if not (found.fr and found.en):
        raise BadTable(f"A sentence lacks one of its languages: {dict(given)}")
    return found


def source(given: Mapping[str, Any]) -> Source:
    """The source of a line: nothing is taken for verified that does not say where it was read."""
    text = str(given.get("source", ""))
    unverified = bool(given.get("unverified", not text))
    if not text and not unverified:
        raise BadTable(f"A line says it is verified and gives no source: {dict(given)}")
    return Source(text, unverified)
