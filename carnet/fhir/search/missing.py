# SPDX-License-Identifier: EUPL-1.2
"""`:missing`: whether the element a parameter looks at is there.

Dates, numbers and the traits of people and places have rows of their own; of the rest, which is kept as
hashes, one more hash says that there is something.
Source: FHIR R4, Search, "Modifiers".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from carnet import errors
from carnet.fhir.search import numbers
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array
from carnet.fhir.search.strings import READABLE
from carnet.fhir.store.hashes import Hasher


class WrongMissing(errors.Invalid):
    """:missing is true or false."""


def hashed(rtype: str, kind: str) -> bool:
    """Whether what is there of a parameter of this kind is told by a hash."""
    if kind == "string":
        return rtype not in READABLE
    return kind in ("token", "reference", "uri", "composite")


@lru_cache(8192)
def there(hasher: Hasher, rtype: int, param: int) -> int:
    """Something is there for a parameter."""
    return hasher.number(f"{rtype}.{param}!")


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
        found = self._there(place, values, name)
        return f"NOT ({found})" if self.absent else found

    def _there(self, place: Place, values: dict[str, object], name: str) -> str:
        if hashed(place.rtype, self.kind):
            values[name] = array([there(place.hasher, place.rtype_number, self.number)])
            return f"r.toks @> %({name})s::bigint[]"
        if self.kind in ("number", "quantity", "special"):
            tag = numbers.valued(place.hasher, place.rtype_number, self.number)
            return numbers.row(place, values, name, [tag], "true")
        values[name] = self.number
        table = "idx_string" if self.kind == "string" else "idx_date"
        return (
            f"EXISTS (SELECT 1 FROM record.{table} m WHERE m.cid = r.cid AND m.rid = r.rid"
            f" AND m.param = %({name})s::smallint)"
        )


def read(values: list[str]) -> bool:
    """Whether the value is to be absent."""
    if len(values) != 1 or values[0] not in ("true", "false"):
        raise WrongMissing
    return values[0] == "true"
