# SPDX-License-Identifier: EUPL-1.2
"""A statement that searches by an installation's parameters says so: it fails when their index is not whole.

A process learns of a change within a second; the statement itself knows at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array


@dataclass(frozen=True, slots=True)
class Live:
    """True, or the statement fails (serialization failure) and is to be made anew."""

    numbers: tuple[int, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[name] = array(self.numbers)
        return f"(SELECT search.usable(%({name})s::smallint[]))"
