# SPDX-License-Identifier: EUPL-1.2
"""Tokens that a terminology says: `:in` and `:not-in` a value set, `:above` and `:below` a code.

Which codes these are is asked when the search is made, and they are then looked for like any others.
Source: FHIR R4, Search, "Modifiers".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from carnet import errors
from carnet.fhir.definitions import load, profiles
from carnet.fhir.search.chains import NotFollowed
from carnet.fhir.search.logic import Across, Not, Together
from carnet.fhir.search.query import Filter, Place
from carnet.fhir.search.tokens import TokenFilter

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from carnet.fhir.terminology import Codes

MOST = 5000  # codes of one value set, or one above the other


class WrongHierarchy(errors.Invalid):
    """:above and :below compare system|code, of a code system that is known here."""


@dataclass(frozen=True, slots=True)
class OfValueSet:
    """A code of one of the value sets, or of none (negated)."""

    number: int
    urls: tuple[str, ...]
    negated: bool = False

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        raise NotFollowed


@dataclass(frozen=True, slots=True)
class OfHierarchy:
    """One of these codes (system, code) or one that is below, or above it."""

    number: int
    values: tuple[tuple[str, str], ...]
    side: Literal["above", "below"]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        raise NotFollowed


async def _members(codes: Codes, conn: AsyncConnection[Any], url: str) -> Iterable[tuple[str, str]]:
    """The codes of a value set; R4's own are known even where nobody loaded them."""
    try:
        return await codes.members(conn, url, most=MOST)
    except errors.NotFound:
        bare = url.partition("|")[0]
        listed = load().value_sets.get(bare) or profiles().value_sets.get(bare)
        if listed is None:
            raise
        return [(system, code) for system, them in listed.systems.items() for code in them]


async def told(codes: Codes, conn: AsyncConnection[Any], filter: Filter) -> Filter:
    """The same filter, with the codes a terminology has for it."""
    match filter:
        case OfValueSet():
            pairs: dict[tuple[str | None, str | None], None] = {}
            for url in filter.urls:
                for pair in await _members(codes, conn, url):
                    pairs[pair] = None
            return TokenFilter(filter.number, tuple(pairs), negated=filter.negated)
        case OfHierarchy():
            asked = codes.below if filter.side == "below" else codes.above
            pairs = {}
            for system, code in filter.values:
                for each in await asked(conn, system, code):
                    pairs[system, each] = None
            if len(pairs) > MOST:
                raise TooManyCodes
            return TokenFilter(filter.number, tuple(pairs))
        case Together():
            parts = [await told(codes, conn, part) for part in filter.parts]
            return Together(filter.how, tuple(parts))
        case Across():
            of = [replace(each, filter=await told(codes, conn, each.filter)) for each in filter.of]
            return Across(tuple(of))
        case Not():
            return Not(await told(codes, conn, filter.of))
        case _:
            return filter


class TooManyCodes(errors.TooCostly):
    """The code system has too many codes above or below this one to be compared at once."""
