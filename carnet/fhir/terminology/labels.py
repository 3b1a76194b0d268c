# SPDX-License-Identifier: EUPL-1.2
"""The label of a code in the language asked for.

Source: RFC 4647, lookup: fr-FR is asked, fr will do, and the other way round; `*;q=0` asks for no other.
"""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def preferred(language: str | None, designations: Sequence[Json], display: str) -> str:
    """The first label of a language, by the order of what is asked; else the display."""
    for wanted in asked(language):
        for each in designations:
            if speaks(each, wanted):
                return str(each.get("value", display))
    return "" if strict(language) else display


def those(language: str | None, designations: Sequence[Json]) -> list[str]:
    """Every label of the most wanted language that has one."""
    for wanted in asked(language):
        if found := [str(each.get("value", "")) for each in designations if speaks(each, wanted)]:
            return found
    return []


def speaks(designation: Json, wanted: str) -> bool:
    """Whether a label is of a language."""
    said = str(designation.get("language", "")).lower()
    return said == wanted or said.startswith(wanted + "-")


def strict(language: str | None) -> bool:
    """Whether no other language will do."""
    weights = dict(_weighed(language))
    return weights.get("*") == 0


def asked(language: str | None) -> list[str]:
    """Languages of a list as HTTP writes it, most wanted first, each then without its region."""
    names: list[str] = []
    for tag, weight in sorted(_weighed(language), key=lambda each: -each[1]):
        for name in (tag, tag.partition("-")[0]):
            if name and name != "*" and weight > 0 and name not in names:
                names.append(name)
    return names


def _weighed(language: str | None) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for part in (language or "").lower().split(","):
        tag, _, weight = part.strip().partition(";")
        number = weight.strip().removeprefix("q=")
        try:
            found.append((tag.strip(), float(number or 1)))
        except ValueError:
            continue
    return found
