# SPDX-License-Identifier: EUPL-1.2
"""Makes a population: the cast of cast.toml, then households drawn from a seed.

The cast never changes. What is drawn depends on the seed and on the number of a household alone, or of a
sector of a hundred households for those who care for it: a larger population holds the smaller one, but
for those who fill up the last places.
"""

from collections.abc import Iterator
from datetime import date

from carnet.population import cast, supply
from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.households import Household
from carnet.population.names import official
from carnet.population.people import (
    Assists,
    Block,
    CareTeam,
    Mandate,
    Member,
    Person,
    Persona,
    Population,
)

__all__ = ["EDITION", "TODAY", "make", "official"]

EDITION = 4  # raised whenever the people or the documents of a seed are no longer the same
TODAY = date(2026, 11, 1)


def make(seed: int, people: int = 20, today: date = TODAY) -> Population:
    """The population of a seed.

    people: how many persons have a record; never fewer than the cast.
    today: documents stop there; nobody's identity depends on it.
    """
    first = cast.people()
    drawn: list[Person] = []
    taken = {person.ins for person in (*first, *cast.announced())}
    number = 0
    while len(first) + len(drawn) < people:
        number += 1
        household = Household(seed, number, taken).people()
        if len(first) + len(drawn) + len(household) > people:
            break
        drawn += household
    while len(first) + len(drawn) < people:  # single people, so that no family is cut in two
        number += 1
        drawn.append(Household(seed, number, taken, last=True).single())
    begun = [supply.begun(seed, sector) for sector in range(supply.sector_of(number) + 1)]
    return Population(
        seed=seed,
        today=today,
        people=(*first, *drawn),
        announced=cast.announced(),
        professionals=(*cast.professionals(), *(who for _, staff in begun for who in staff)),
        establishments=(*cast.establishments(), *(each for places, _ in begun for each in places)),
        teams=(*cast.teams(), *map(_team, drawn)),
        blocks=tuple(Block(**row) for row in table("cast")["block"]),
        personas=tuple(Persona(**row) for row in table("cast")["persona"]),
        mandates=tuple(Mandate(**row) for row in table("cast")["mandate"]),
        assists=tuple(
            Assists(row["persona"], tuple(row["professionals"])) for row in table("cast")["assists"]
        ),
    )


# Who joins the attending doctor and the nurse: for what condition, who, the part, how often.
# unverified: no pathway of care is modelled.
JOINING = (
    ("diabetes", "hospital-doctor", "CORRE", 0.3),
    ("heart_failure", "cardiologist", "CORRE", 0.8),
    ("anticoagulant", "cardiologist", "CORRE", 0.5),
    ("kidney", "hospital-doctor", "CORRE", 0.2),
    ("dementia", "geriatrician", "CORRE", 0.6),
    ("ehpad", "ehpad-nurse", "353", 1.0),
    ("pregnancy", "midwife", "353", 1.0),
    ("child", "paediatrician", "CORRE", 0.15),
    ("osteoarthritis", "physio", "353", 0.4),
)


def _team(person: Person) -> CareTeam:
    """The team of a drawn person: attending doctor, nurse, and whom their conditions ask for."""
    chance = Chance(person.key, person.ins, "team")
    labels = table("cast")["labels"]["role"]
    roles = {person.attending or "gp": "PCP", supply.near("nurse", person.sector): "353"}
    if chance.happens(0.3):
        roles[supply.near("pharmacist", person.sector)] = "353"
    for key, role in _joining(chance, person):
        roles.setdefault(supply.near(key, person.sector), role)
    return CareTeam(
        key=f"{person.key}-team",
        patient=person.key,
        name=f"Équipe de soins de {person.name}",
        establishment=None,
        members=tuple(Member(who, role, labels[role]) for who, role in roles.items()),
    )


def _joining(chance: Chance, person: Person) -> Iterator[tuple[str, str]]:
    for condition, key, role, part in JOINING:
        if chance.happens(part) and condition in person.profiles:
            yield key, role
