# SPDX-License-Identifier: EUPL-1.2
"""A statement that searches by an installation's parameters says so: it fails when their index is not whole.

A process learns of a change within a second; the statement itself knows at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from carnet import errors
from carnet.fhir.definitions import Definitions
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array


class NotIndexed(errors.NotSupported):
    """This parameter was loaded and is not complete: search by it when `carnet reindex` has ended."""


def waiting(definitions: Definitions, name: str, code: str) -> None:
    """Refuse a parameter that is being indexed: its answers would lack what is not yet."""
    if any(each.code == code for each in definitions.own.get(name, ())):
        raise NotIndexed


@dataclass(frozen=True, slots=True)
class Live:
    """True, or the statement fails (serialization failure) and is to be made anew."""

    numbers: tuple[int, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[name] = array(self.numbers)
        return f"(SELECT search.usable(%({name})s::smallint[]))"
