# SPDX-License-Identifier: EUPL-1.2
"""Conditions on a row's own columns, for pages: no search parameter of FHIR says them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString, Protocol

from carnet.fhir.search.query import Place, Query
from carnet.fhir.search.scope import array
from carnet.fhir.store.hashes import ANY


@dataclass(frozen=True, slots=True)
class Began:
    """The principal date begins in a half-open range, aware."""

    lo: datetime
    hi: datetime

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[f"{name}l"], values[f"{name}h"] = self.lo, self.hi
        low, high = f"%({name}l)s::timestamptz", f"%({name}h)s::timestamptz"
        return f"(r.lo >= {low} AND r.lo < {high})"


@dataclass(frozen=True, slots=True)
class DepositedBy:
    """Deposited by an organisation, by its compartment."""

    organisation: int

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[name] = self.organisation
        return f"r.dep_org = %({name})s::bigint"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by year of the principal date, by depositing organisation and by token.

    zone: where years begin. codes: of the parameter `number`, in any system.
    """

    number: int
    codes: Sequence[str]
    zone: str

    def hashes(self, place: Place) -> dict[int, str]:
        """Each code by what stands for it in a row."""
        return {
            place.hasher.token(place.rtype_number, self.number, ANY, code): code
            for code in self.codes
        }

    def sql(self, place: Place, values: dict[str, object], known: LiteralString = "{token}") -> str:
        """Three expressions on `r`. known: where a token stands otherwise than in `r`."""
        token: LiteralString = (
            "(SELECT t FROM unnest(r.toks) t WHERE t = ANY (%(t_codes)s::bigint[]) LIMIT 1)"
        )
        values["t_codes"], values["t_zone"] = array(self.hashes(place)), self.zone
        return (
            "CASE WHEN isfinite(r.lo)"
            " THEN date_part('year', r.lo AT TIME ZONE %(t_zone)s::text)::integer END AS year,"
            f" r.dep_org AS organisation, {known.format(token=token)} AS token"
        )


@dataclass(frozen=True, slots=True)
class Side:
    """What a slice keeps beside resources, in a table of its own with their compartment and row, `s`."""

    table: LiteralString
    columns: LiteralString
    where: LiteralString = "TRUE"

    def sql(self, query: Query, place: Place, values: dict[str, object]) -> tuple[str, str]:
        """What is selected of `s`, and the condition on it."""
        return self.columns, self.where


class Beside(Protocol):
    """The same, where what is selected or the condition has values."""

    @property
    def table(self) -> LiteralString:
        """With its schema."""
        ...

    def sql(self, query: Query, place: Place, values: dict[str, object]) -> tuple[str, str]:
        """What is selected of `s` and `r`, and the condition on them; query.compartments: of one person."""
        ...
