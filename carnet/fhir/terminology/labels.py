# SPDX-License-Identifier: EUPL-1.2
"""The label of a code in the language asked for.

Source: RFC 4647, lookup: fr-FR is asked, fr will do, and the other way round.
"""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def preferred(language: str | None, designations: Sequence[Json], display: str) -> str:
    """The first label of a language, by the order of what is asked; else the display."""
    for wanted in asked(language):
        for each in designations:
            said = str(each.get("language", "")).lower()
            if said == wanted or said.startswith(wanted + "-"):
                return str(each.get("value", display))
    return display


def asked(language: str | None) -> list[str]:
    """Languages of a list as HTTP writes it, most wanted first, each then without its region."""
    found: list[tuple[float, int, str]] = []
    for at, part in enumerate((language or "").lower().split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            found.append((-float(weight or 1), at, tag.strip()))
        except ValueError:
            continue
    names: list[str] = []
    for _, _, tag in sorted(found):
        for name in (tag, tag.partition("-")[0]):
            if name and name != "*" and name not in names:
                names.append(name)
    return names
