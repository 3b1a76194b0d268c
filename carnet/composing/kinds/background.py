# SPDX-License-Identifier: EUPL-1.2
"""Lines of vaccinations, family, habits and devices: their cells, with the pieces their entries point to."""

from __future__ import annotations

from collections.abc import Sequence

from carnet.composing.cda import devices, family, lifestyle, vaccinations
from carnet.composing.cda.codes import listed, mapping
from carnet.composing.cda.told import Cells, plain, words
from carnet.composing.model import Json, Kind, Line

LOINC = "http://loinc.org"


def vaccination(resource: Json, source: str, since: str) -> Line:
    """A dose that was given."""
    return _line("vaccination", resource, vaccinations.cells(resource, since), source)


def relative(resource: Json, source: str, who: str, illnesses: Sequence[str]) -> Line:
    """A relative with their illnesses. resource: with these illnesses alone; who: as they are called."""
    return _line("family", resource, family.cells(resource, who, illnesses), source)


def habit(resource: Json, source: str, label: str, value: str, since: str) -> Line:
    """A habit; its LOINC code first, as the model names it."""
    held = mapping(resource.get("code"))
    coding = sorted(listed(held.get("coding")), key=lambda each: each.get("system") != LOINC)
    own = {**resource, "code": {**held, "coding": coding}}
    return _line("lifestyle", own, lifestyle.cells(own, label, value, since), source)


def device(resource: Json, source: str, since: str) -> Line:
    """A device in use. resource: its use, the device inside."""
    return _line("device", resource, devices.cells(resource, since), source)


def _line(kind: Kind, resource: Json, cells: Cells, source: str) -> Line:
    pieces = (*cells, plain(source))
    return Line(tuple(words(each) for each in pieces), kind, resource, pieces)
