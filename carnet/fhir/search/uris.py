# SPDX-License-Identifier: EUPL-1.2
"""Search by uri: exact, `:below` (what an address begins), `:above` (what begins it).

An address is below another at a slash: R4 speaks of addresses with a path, not of urn ones.
Source: FHIR R4, Search, "uri".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array
from carnet.fhir.store.hashes import Hasher

DEEPEST = 12  # steps of a path


@dataclass(frozen=True, slots=True)
class UriFilter:
    """Any of the uris."""

    number: int
    uris: tuple[str, ...]
    how: str = ""  # "", above or below

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        hasher, rtype = place.hasher, place.rtype_number
        uris = self.uris
        if self.how == "below":
            hashes = [below(hasher, rtype, self.number, uri.rstrip("/")) for uri in uris]
        else:
            if self.how == "above":
                uris = tuple(
                    each for uri in uris for one in above(uri) for each in (one, one + "/")
                )
                uris = (*self.uris, *uris)
            hashes = [hasher.uri(rtype, self.number, uri) for uri in uris]
        values[name] = array(hashes)
        return f"r.toks && %({name})s::bigint[]"


def above(uri: str) -> list[str]:
    """An address and those above it, from its first step on, without a slash at the end."""
    root, slashes, path = uri.partition("://")
    if not slashes:
        return [uri]
    steps = path.rstrip("/").split("/")[: DEEPEST + 1]
    return [f"{root}://{'/'.join(steps[:length])}" for length in range(1, len(steps) + 1)]


@lru_cache(4096)  # profiles are the same in many resources
def below(hasher: Hasher, rtype: int, param: int, uri: str) -> int:
    """An address that begins another, or is it."""
    return hasher.number(f"{rtype}.{param}<{uri}")
