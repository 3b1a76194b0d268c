# SPDX-License-Identifier: EUPL-1.2
"""`:missing`, of what has a readable value: dates, and the traits of people and places.

A value that rests as hashes leaves no trace of its absence, so the other kinds are refused.
Source: FHIR R4, Search, "Modifiers".
"""

from __future__ import annotations

from dataclasses import dataclass

from carnet import errors
from carnet.fhir.search.query import Place


class WrongMissing(errors.Invalid):
    """:missing is true or false."""


class SealedAbsence(errors.NotSupported):
    """:missing is supported on dates, and on the names and addresses of people and places."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Resources without a value of the parameter, or with one (absent false)."""

    param: str
    number: int
    kind: str
    absent: bool

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        if self.param == place.principal:
            return f"r.hi {'=' if self.absent else '<>'} '-infinity'"
        values[name] = self.number
        table = "idx_string" if self.kind == "string" else "idx_date"
        there = (
            f"EXISTS (SELECT 1 FROM record.{table} m WHERE m.cid = r.cid AND m.rid = r.rid"
            f" AND m.param = %({name})s::smallint)"
        )
        return f"NOT {there}" if self.absent else there


def read(values: list[str]) -> bool:
    """Whether the value is to be absent."""
    if len(values) != 1 or values[0] not in ("true", "false"):
        raise WrongMissing
    return values[0] == "true"
