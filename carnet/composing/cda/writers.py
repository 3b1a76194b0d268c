# SPDX-License-Identifier: EUPL-1.2
"""What writes the entry of each kind of line, and what the cells of each say by their pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from carnet.composing.cda import devices, entries, family, lifestyle, vaccinations
from carnet.composing.cda.elements import Element
from carnet.composing.cda.entries import Number
from carnet.composing.model import Json, Kind

Writer = Callable[[Json, str, Number], Element]

WRITERS: Final[dict[Kind, Writer]] = {
    **entries.WRITERS,  # type: ignore[dict-item]
    "vaccination": vaccinations.vaccination,
    "family": family.family,
    "lifestyle": lifestyle.habit,
    "device": devices.device,
}
