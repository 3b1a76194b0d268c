# SPDX-License-Identifier: EUPL-1.2
"""The catalogue of errors: what each means and what to do of it, in French and in English."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from carnet import errors


@dataclass(frozen=True, slots=True)
class Entry:
    """A family of refusals of the API, or an error of the authorization server; (French, English)."""

    code: str  # class of carnet/errors.py, or OAuth error
    status: int
    issue: str  # FHIR R4 IssueType; empty for an OAuth error
    means: tuple[str, str]
    remedy: tuple[str, str]


@cache
def _said() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text("utf-8"))


@cache
def families() -> tuple[Entry, ...]:
    """Of the API: each class of carnet/errors.py, as it stands there."""
    found = []
    for name, said in _said()["api"].items():
        kind: type[errors.CarnetError] = getattr(errors, name)
        found.append(_entry(name, kind.status, kind.issue, said))
    return tuple(found)


@cache
def protocol() -> tuple[Entry, ...]:
    """Of the authorization server."""
    return tuple(_entry(name, said["status"], "", said) for name, said in _said()["oauth"].items())


def _entry(name: str, status: int, issue: str, said: dict[str, Any]) -> Entry:
    return Entry(name, status, issue, tuple(said["means"]), tuple(said["remedy"]))


def family(kind: type[errors.CarnetError]) -> str:
    """The family a refusal is of: the nearest class of carnet/errors.py that it is."""
    return next(each.__name__ for each in kind.__mro__ if each.__module__ == errors.__name__)
