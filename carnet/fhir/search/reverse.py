# SPDX-License-Identifier: EUPL-1.2
"""Reverse chains: `_has:Observation:patient:code=…`, a visible resource points here and answers.

Source: FHIR R4, Search, "Reverse Chaining".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from carnet import errors
from carnet.fhir.search.chains import NotFollowed
from carnet.fhir.search.query import Place, Query
from carnet.fhir.search.scope import array


class WrongReverse(errors.Invalid):
    """_has is _has:Type:reference:parameter, where the reference of Type points to the searched type."""


@dataclass(frozen=True, slots=True)
class Reverse:
    """A visible resource that `source` finds points here by its reference parameter `number`."""

    number: int
    source: Query

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        raise NotFollowed


@dataclass(frozen=True, slots=True)
class Rows:
    """These rows and no other, by (cid, rid)."""

    rows: tuple[tuple[int, int], ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[f"{name}c"] = array(cid for cid, _ in self.rows)
        values[f"{name}r"] = array(rid for _, rid in self.rows)
        return (
            "(r.cid, r.rid) IN (SELECT * FROM"
            f" unnest(%({name}c)s::bigint[], %({name}r)s::bigint[]))"
        )


@dataclass(frozen=True, slots=True)
class AnyHash:
    """Bears one of these hashes."""

    hashes: tuple[int, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[name] = array(self.hashes)
        return f"r.toks && %({name})s::bigint[]"


def cut(modifier: str) -> tuple[str, str, str]:
    """(type, reference, rest) of what follows `_has:`; the rest may be another _has."""
    parts = modifier.split(":", 2)
    if len(parts) < 3 or not all(parts):
        raise WrongReverse
    return parts[0], parts[1], parts[2]


def pointed(place: Place, number: int, target: str, ids: Sequence[str]) -> list[int]:
    """The hash each of these resources is pointed to by, from a parameter of `place`'s type."""
    return [place.hasher.reference(place.rtype_number, number, f"{target}/{id}") for id in ids]
