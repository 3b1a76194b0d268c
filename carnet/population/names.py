# SPDX-License-Identifier: EUPL-1.2
"""Names of invented people, put together from names.toml."""

import unicodedata
from typing import Any

from carnet.identity.traits import Sex
from carnet.population.chance import Chance
from carnet.population.data import table

# Capitals that are no letter with a sign.
CAPITALS = str.maketrans({"Œ": "OE", "Æ": "AE", "Ø": "O", "Đ": "D", "Ł": "L"})
UNCOMMON = 0.07
FAMILY_FROM_ELSEWHERE = 0.07  # of those born here


def official(name: str) -> str:
    """A name as the civil registry's exchanges write it: capitals, no accents, no ligatures.

    Hyphens, apostrophes and spaces stay.
    """
    upper = name.upper().translate(CAPITALS)
    return "".join(c for c in unicodedata.normalize("NFD", upper) if not unicodedata.combining(c))


def family(chance: Chance, origin: str | None = None) -> str:
    """A family name, as it is written with its accents."""
    names = table("names")
    if origin is None and chance.happens(FAMILY_FROM_ELSEWHERE):
        origin = chance.pick(sorted(names["origin"]))
    if origin is not None:
        return str(chance.pick(names["origin"][origin]["family"]))
    kind = "uncommon" if chance.happens(UNCOMMON) else "common"
    return str(chance.pick(names["family"][kind]))


def given(
    chance: Chance, sex: Sex, year: int, count: int, origin: str | None = None
) -> tuple[str, ...]:
    """Given names of somebody born that year; after the first they are a grandparent's."""
    lists: list[Any] = [row for row in table("names")["given"] if row["from_year"] <= year]
    own = [row[sex.value] for row in lists]
    if origin is not None:
        own = [table("names")["origin"][origin][sex.value]]
    names = [str(chance.pick(own[-1]))]
    for _ in range(count - 1):
        name = str(chance.pick(own[max(0, len(own) - 3)]))
        if name not in names:
            names.append(name)
    return tuple(names)
