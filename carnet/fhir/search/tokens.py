# SPDX-License-Identifier: EUPL-1.2
"""Search by token: `code`, `system|code`, `|code`, `system|`, `:not`, and `:of-type` on identifiers.

Source: FHIR R4, Search, "token".
"""

from __future__ import annotations

from dataclasses import dataclass

from carnet import errors
from carnet.fhir.search.escapes import cut, unescaped
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array
from carnet.fhir.store.hashes import ANY, Hasher


class WrongToken(errors.Invalid):
    """A token is code, system|code, |code or system|, and not empty."""


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Any of (system, code): system None is any, "" none; code None is any."""

    number: int
    values: tuple[tuple[str | None, str | None], ...]
    negated: bool = False

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        hashes = []
        for system, code in self.values:
            if code is None:
                hashes.append(place.hasher.system(place.rtype_number, self.number, system or ""))
            else:
                looked = ANY if system is None else system
                hashes.append(place.hasher.token(place.rtype_number, self.number, looked, code))
        values[name] = array(hashes)
        operator = "@>" if len(hashes) == 1 else "&&"
        found = f"r.toks {operator} %({name})s::bigint[]"
        return f"NOT ({found})" if self.negated else found


class WrongTypedIdentifier(errors.Invalid):
    """:of-type compares system|code|value: the type of an identifier, and its value."""


def of_type(
    hasher: Hasher, rtype: int, param: int, system: str | None, code: str, value: str
) -> int:
    """An identifier of a type; the system "*" is any."""
    return hasher.number(f"{rtype}.{param}t{system or ''}\0{code}\0{value}")


@dataclass(frozen=True, slots=True)
class OfType:
    """Any of the identifiers: (system of its type, code of its type, value)."""

    number: int
    values: tuple[tuple[str, str, str], ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[name] = array(
            of_type(place.hasher, place.rtype_number, self.number, *each) for each in self.values
        )
        return f"r.toks && %({name})s::bigint[]"


def read_typed(text: str) -> tuple[str, str, str]:
    """One value of `:of-type`; an empty system is any, as R4's `|code|value`."""
    parts = [unescaped(part) for part in cut(text, "|")]
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise WrongTypedIdentifier
    return parts[0] or ANY, parts[1], parts[2]


def read(text: str) -> tuple[str | None, str | None]:
    """(system, code) of one value, its escapes read."""
    if not text:
        raise WrongToken
    parts = [unescaped(part) for part in cut(text, "|", once=True)]
    if len(parts) == 1:
        return None, parts[0]
    system, code = parts
    if not system and not code:
        raise WrongToken
    return system, code or None
