# SPDX-License-Identifier: EUPL-1.2
"""References with `:above` and `:below`: parts of a whole, and versions of a definition.

    location:below=Location/a      there, or in a place that is part of it
    location:above=Location/a      there, or in what it is part of
    questionnaire:below=https://a.b/q|1      version 1 or one of its own: 1.2, 1.2.3

Parts are followed through what the caller sees alone.
Source: FHIR R4, Search, "Hierarchies" and "References and Versions".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from carnet import errors
from carnet.fhir.search.chains import NotFollowed
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array
from carnet.fhir.search.uris import below

# Types whose resources are parts of another of the same type, and the parameter that says of which.
PARTS = {
    "CarePlan": "part-of", "DeviceDefinition": "parent", "Encounter": "part-of",
    "Location": "partof", "Organization": "partof", "Procedure": "part-of",
    "ResearchStudy": "partof", "Specimen": "parent", "Task": "part-of",
}  # fmt: skip
DEEPEST = 32  # wholes one above the other


class NoHierarchy(errors.NotSupported):
    """:above and :below follow parts of Location, Organization and their like, or versions of an address."""


class TooHigh(errors.TooCostly):
    """:above and :below follow 32 wholes one above the other at most."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A reference to one of the targets (`Type/id`), to a part of it (below) or to a whole of it."""

    number: int
    targets: tuple[str, ...]
    side: Literal["above", "below"]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        raise NotFollowed


@dataclass(frozen=True, slots=True)
class Versions:
    """A reference to one of the addresses, or to a version that is above or below the one they name."""

    number: int
    addresses: tuple[str, ...]
    side: Literal["above", "below"]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        hasher, rtype = place.hasher, place.rtype_number
        hashes = [hasher.reference(rtype, self.number, each) for each in self.addresses]
        for each in self.addresses:
            if self.side == "below":
                hashes.append(below(hasher, rtype, self.number, each))
            else:
                hashes += [hasher.reference(rtype, self.number, one) for one in above(each)]
        values[name] = array(hashes)
        return f"r.toks && %({name})s::bigint[]"


def above(address: str) -> Iterator[str]:
    """`url|1` and `url|1.2`, of `url|1.2.3`."""
    url, bar, version = address.partition("|")
    if bar:
        for found in re.finditer("[.-]", version):
            yield f"{url}|{version[: found.start()]}"
