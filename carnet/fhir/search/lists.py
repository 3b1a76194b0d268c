# SPDX-License-Identifier: EUPL-1.2
"""`_list`: what a List names among its entries, but those it marks as deleted.

Source: FHIR R4, Search, "_list". The lists a server would make up ($current-problems) are not kept here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from carnet import errors
from carnet.fhir.search.chains import NotFollowed
from carnet.fhir.search.query import Place
from carnet.fhir.search.references import ID, LITERAL, literal


class WrongList(errors.NotSupported):
    """_list is the id of a List; the lists that a server makes up ($current-…) are not kept here."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Named by any of these Lists, as far as they are seen."""

    lists: tuple[str, ...]  # ids
    base: str  # our own address

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        raise NotFollowed

    def items(self, rtype: str, lists: Iterable[dict[str, Any]]) -> tuple[str, ...]:
        """The ids of a type that these Lists name."""
        found: dict[str, None] = {}
        for each in lists:
            for entry in each.get("entry", ()):
                target = entry.get("item", {}).get("reference")
                named = LITERAL.fullmatch(literal(target, self.base)) if target else None
                if named and named[1] == rtype and entry.get("deleted") is not True:
                    found[named[2]] = None
        return tuple(found)


def read(text: str) -> str:
    """The id of a List."""
    id = text.removeprefix("List/")
    if not ID.fullmatch(id):
        raise WrongList
    return id
