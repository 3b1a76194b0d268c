# SPDX-License-Identifier: EUPL-1.2
"""Which vaccines a person has had, and when: the calendar of vaccines.toml, followed by most.

Demonstration values. What was given before the record begins is known too: it is in the histories.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import Person

MONTH = 30.44  # days
FLU = (10, 17)  # the campaign: from mid-October, for seven weeks
WEEKS = 7
MISSED = 0.06  # how often a dose of the calendar is not given


@dataclass(frozen=True, slots=True)
class Dose:
    """One vaccine given."""

    vaccine: str  # key of vaccines.toml
    name: str
    target: str
    atc: str | None
    cis: str | None
    brand: str | None
    booster: bool
    rank: int
    on: date
    lot: str
    autumn: bool  # of a campaign: pharmacies give these


def doses(seed: int, person: Person, until: date) -> list[Dose]:
    """Every dose up to a day, oldest first."""
    found = [
        dose for row in table("vaccines")["vaccine"] for dose in _doses(seed, person, row, until)
    ]
    return sorted(found, key=lambda dose: (dose.on, dose.vaccine))


def _doses(seed: int, person: Person, row: Mapping[str, Any], until: date) -> Iterator[Dose]:
    chance = Chance(seed, person.key, "vaccine", row["key"])
    if not chance.happens(row.get("part", 1.0)):
        return
    born = person.birth_date.year
    if not row.get("born_from", 1900) <= born <= row.get("born_to", 9999):
        return
    if "autumn" in row:
        yield from _autumns(chance, person, row, until)
        return
    days = [int(month * MONTH) for month in row.get("months", ())]
    days += [int(year * 365.25) for year in row.get("years", ())]
    rank = 0
    for number, after in enumerate(days):
        drawn = Chance(chance.path, number)
        late = drawn.between(2, 25 if after < 730 else 220)
        if drawn.happens(MISSED):
            continue
        rank += 1
        day = _open(person.birth_date + timedelta(days=after + late))
        if day <= until:
            yield _dose(row, rank, day, drawn)


def _autumns(chance: Chance, person: Person, row: Mapping[str, Any], until: date) -> Iterator[Dose]:
    """Every autumn from an age, or with a condition that asks for it; not always."""
    invited = set(row["conditions"]) & set(person.profiles)
    for year in range(2018, until.year + 1):
        drawn = Chance(chance.path, year)
        late = drawn.between(0, WEEKS * 7)
        comes = drawn.happens(0.85)
        day = _open(date(year, *FLU) + timedelta(days=late))
        if day <= until and comes and person.age(day) >= (2 if invited else row["autumn"]):
            yield _dose(row, year - 2017, day, drawn)


def _dose(row: Mapping[str, Any], rank: int, day: date, chance: Chance) -> Dose:
    return Dose(
        vaccine=row["key"],
        name=row["name"],
        target=row["target"],
        atc=row.get("atc"),
        cis=row.get("cis"),
        brand=row.get("brand"),
        booster=row.get("booster", False) or "autumn" in row,
        rank=1 if "autumn" in row else rank,
        on=day,
        lot=f"{'ABCDEFGH'[rank % 8]}{chance.between(10000, 99999)}",
        autumn="autumn" in row,
    )


@cache
def _open(day: date) -> date:
    """That day, or the Monday after a week-end."""
    return day + timedelta(days=(7 - day.weekday()) if day.weekday() > 4 else 0)
