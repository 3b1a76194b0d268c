# SPDX-License-Identifier: EUPL-1.2
"""Search by token: `code`, `system|code`, `|code`, `system|`, and `:not`.

Source: FHIR R4, Search, "token".
"""

from __future__ import annotations

from dataclasses import dataclass

from carnet import errors
from carnet.fhir.search.escapes import cut, unescaped
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array
from carnet.fhir.store.hashes import ANY


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
