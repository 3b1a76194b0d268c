# SPDX-License-Identifier: EUPL-1.2
"""Search by uri: exact."""

from __future__ import annotations

from dataclasses import dataclass

from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array


@dataclass(frozen=True, slots=True)
class UriFilter:
    """Any of the uris."""

    number: int
    uris: tuple[str, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        hashes = [place.hasher.uri(place.rtype_number, self.number, uri) for uri in self.uris]
        values[name] = array(hashes)
        return f"r.toks && %({name})s::bigint[]"
