# SPDX-License-Identifier: EUPL-1.2
"""Who cares for the people: establishments and professionals that grow with the population.

supply.toml says what every part of it has. They depend on the seed and the number of a sector alone.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from carnet.identity.traits import Sex
from carnet.population import cast, names, numbers, places
from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import Address, Commune, Establishment, Professional

SECTOR = 100  # households
LINES, STAFF = 20, 80  # numbers kept for a sector: of establishments, of professionals
FIRST_PLACE, FIRST_PERSON = 1_000, 10_000  # serials; the cast's are below


def sector_of(household: int) -> int:
    """The sector of a household; they are numbered from 1."""
    return max(0, household - 1) // SECTOR


def near(key: str, sector: int) -> str:
    """Who, or what place, plays for a sector the part that one of the cast plays for the cast.

    key: of an establishment or a professional of the cast; itself when it has no counterpart.
    """
    group = sector // _every().get(key, sector + 1)
    return f"{key}.{group}" if group else key


def town(seed: int, sector: int) -> Commune | None:
    """Where most people of a sector live; those of sector 0 live everywhere, as the cast does."""
    return places.town(Chance(seed, "sector", sector)) if sector else None


@lru_cache(maxsize=256)
def begun(seed: int, sector: int) -> tuple[tuple[Establishment, ...], tuple[Professional, ...]]:
    """The establishments that begin with a sector, and who works there."""
    found: list[Establishment] = []
    people: list[Professional] = []
    for line, row in enumerate(table("supply")["establishment"]):
        if sector == 0 or sector % row["every"]:
            continue
        chance = Chance(seed, "place", sector, row["like"])
        place = _place(chance, row, sector, FIRST_PLACE + sector * LINES + line, town(seed, sector))
        found.append(place)
        people += [
            _professional(chance, each, place, sector, FIRST_PERSON + sector * STAFF + line * 4 + n)
            for n, each in enumerate(row["staff"])
        ]
    return tuple(found), tuple(people)


def residence(seed: int, sector: int) -> Address:
    """Address of the nursing home of a sector."""
    first = sector - sector % _every()["ehpad"]
    places = cast.establishments() if first == 0 else begun(seed, first)[0]
    return next(one.address for one in places if one.key == near("ehpad", sector))


@cache
def _every() -> Mapping[str, int]:
    """Sectors each key of the cast stands for."""
    found: dict[str, int] = {}
    for row in table("supply")["establishment"]:
        found |= dict.fromkeys((row["like"], *(one["like"] for one in row["staff"])), row["every"])
    return found


def _place(
    chance: Chance, row: Mapping[str, Any], sector: int, serial: int, where: Commune | None
) -> Establishment:
    labels = table("cast")["labels"]
    kind, name = chance.pick(row["kinds"])
    street = chance.pick(table("places")["streets"])
    here = where or places.town(chance)
    return Establishment(
        key=near(row["like"], sector),
        finess=numbers.finess(serial),
        name=f"{name.format(street.split(' ', 1)[1])}, {here.name}",
        kind=kind,
        kind_label=labels["kind"][kind],
        setting=row["setting"],
        setting_label=labels["setting"][row["setting"]],
        address=Address(str(chance.between(1, 60)), street, here),
        phone=f"026191{chance.between(1000, 9999)}",
    )


def _professional(
    chance: Chance, row: Mapping[str, Any], place: Establishment, sector: int, serial: int
) -> Professional:
    sex = chance.pick((Sex.MALE, Sex.FEMALE))
    line = {
        **row,
        "key": near(row["like"], sector),
        "serial": serial,
        "sex": sex.value,
        "given_name": names.given(chance, sex, chance.between(1962, 1996), 1)[0],
        "family_name": names.family(chance),
        "situations": [{"establishment": place.key, "mode": row["mode"]}],
        "mailbox": f".{serial}",
    }
    return cast.professional(line, {place.key: place})
