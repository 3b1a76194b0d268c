# SPDX-License-Identifier: EUPL-1.2
"""Makes a population: the cast of cast.toml, then households drawn from a seed.

The cast never changes. A drawn person depends on the seed and on their household's number alone, so
a larger population holds the smaller one, but for those who fill up the last places.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from carnet.identity.traits import Sex
from carnet.population import numbers
from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import (
    Address,
    Block,
    CareTeam,
    Commune,
    Establishment,
    Member,
    Person,
    Persona,
    Population,
    Professional,
    Situation,
    by_key,
)

TODAY = date(2026, 11, 1)
YEAR = (
    2026  # ages of drawn households are those of this year, whatever `today`: an INS must not move
)

CAPITALS = str.maketrans({"Œ": "OE", "Æ": "AE"})

# What adults are followed for, by age; a person may have several. unverified: no epidemiology here.
CHRONIC = (
    ("diabetes", 45, 0.14),
    ("dyslipidaemia", 40, 0.22),
    ("hypothyroidism", 30, 0.07),
    ("anaemia", 18, 0.06),
    ("kidney", 70, 0.18),
    ("anticoagulant", 72, 0.12),
)

HOUSEHOLDS = {"couple": 0.3, "family": 0.32, "single": 0.18, "single parent": 0.08, "elder": 0.12}


def make(seed: int, people: int = 20, today: date = TODAY) -> Population:
    """The population of a seed.

    people: how many persons have a record; never fewer than the cast.
    today: documents stop there; nobody's identity depends on it.
    """
    cast = _cast_people()
    drawn: list[Person] = []
    taken = {person.ins for person in cast}
    number = 0
    while len(cast) + len(drawn) < people:
        number += 1
        household = _household(Chance(seed, "household", number), f"h{number:05}", taken)
        if len(cast) + len(drawn) + len(household) > people:
            break
        drawn += household
    while len(cast) + len(drawn) < people:  # single people, so that no family is cut in two
        number += 1
        chance = Chance(seed, "last", number)
        drawn.append(_single(chance, f"s{number:05}", taken, chance.between(25, 70)))
    everyone = (*cast, *drawn)
    return Population(
        seed=seed,
        today=today,
        people=everyone,
        professionals=_professionals(),
        establishments=_establishments(),
        teams=(*_cast_teams(), *map(_team, drawn)),
        blocks=tuple(Block(**row) for row in table("cast")["block"]),
        personas=tuple(Persona(**row) for row in table("cast")["persona"]),
    )


def official(name: str) -> str:
    """A name as the civil registry's exchanges write it: capitals, no accents, no ligatures.

    Hyphens, apostrophes and spaces stay.
    """
    upper = name.upper().translate(CAPITALS)
    return "".join(c for c in unicodedata.normalize("NFD", upper) if not unicodedata.combining(c))


# ---------------------------------------------------------------- the cast


@cache
def _communes() -> Mapping[str, Commune]:
    places = table("places")
    rows = (*places["home"], *places["birth"])
    return {row["code"]: Commune(row["code"], row["name"], row["postal_code"]) for row in rows}


def _address(row: Mapping[str, str]) -> Address:
    return Address(row["number"], row["street"], _communes()[row["town"]])


@cache
def _establishments() -> tuple[Establishment, ...]:
    cast = table("cast")
    return tuple(
        Establishment(
            key=row["key"],
            finess=numbers.finess(row["serial"]),
            name=row["name"],
            kind=row["kind"],
            kind_label=cast["labels"]["kind"][row["kind"]],
            setting=row["setting"],
            setting_label=cast["labels"]["setting"][row["setting"]],
            address=_address(row["address"]),
            phone=row["phone"],
        )
        for row in cast["establishment"]
    )


@cache
def _professionals() -> tuple[Professional, ...]:
    places = by_key(_establishments())
    return tuple(_professional(row, places) for row in table("cast")["professional"])


def _professional(row: Mapping[str, Any], places: Mapping[str, Establishment]) -> Professional:
    labels = table("cast")["labels"]
    key = row["key"]
    specialty = row.get("specialty")
    mailbox = official(f"{row['given_name']}.{row['family_name']}").lower().replace(" ", "-")
    return Professional(
        key=key,
        rpps=numbers.rpps(row["serial"]),
        sex=Sex(row["sex"]),
        civil_title="M" if row["sex"] == "male" else "MME",
        title="DR" if row["profession"] in ("10", "40") else None,
        given_name=row["given_name"],
        family_name=row["family_name"],
        profession=row["profession"],
        profession_label=labels["profession"][row["profession"]],
        specialty=specialty,
        specialty_label=labels["specialty"][specialty] if specialty else None,
        phone=places[row["situations"][0]["establishment"]].phone,
        email=f"{mailbox}@mssante.example",  # .example is reserved: no mail ever leaves for it
        situations=tuple(
            Situation(f"{key}.{there['establishment']}", key, there["establishment"], there["mode"])
            for there in row["situations"]
        ),
    )


@cache
def _cast_people() -> tuple[Person, ...]:
    return tuple(map(_cast_person, table("cast")["person"]))


def _cast_person(row: Mapping[str, Any]) -> Person:
    sex = Sex(row["sex"])
    phones = tuple(row["phones"])
    return Person(
        key=row["key"],
        ins=numbers.ins(sex, row["birth_date"], row["birth_place"], row["order"]),
        birth_name=official(row["birth_name"]),
        birth_given_names=tuple(map(official, row["birth_given_names"])),
        used_name=row.get("used_name", row["birth_name"]),
        used_given_name=row["birth_given_names"][0],
        birth_date=row["birth_date"],
        sex=sex,
        birth_place=_communes()[row["birth_place"]],
        address=_address(row["address"]),
        phones=phones,
        email=f"{row['key']}@carnet.example" if any(map(_mobile, phones)) else None,
        parents=tuple(row.get("parents", ())),
        children=tuple(row.get("children", ())),
        spouses=tuple(row.get("spouses", ())),
        attending=row["attending"],
        profiles=tuple(row["profiles"]),
        laboratory=row["laboratory"],
    )


def _mobile(phone: str) -> bool:
    return phone.startswith("06")


def _cast_teams() -> tuple[CareTeam, ...]:
    roles = table("cast")["labels"]["role"]
    return tuple(
        CareTeam(
            key=row["key"],
            patient=row["patient"],
            name=row["name"],
            establishment=row.get("establishment"),
            members=tuple(Member(who, role, roles[role]) for who, role in row["members"].items()),
        )
        for row in table("cast")["team"]
    )


# ---------------------------------------------------------------- households


def _household(chance: Chance, key: str, taken: set[str]) -> list[Person]:
    match chance.weighted(HOUSEHOLDS):
        case "couple":
            return _couple(chance, key, taken, chance.between(28, 84), children=0)
        case "family":
            return _couple(chance, key, taken, chance.between(27, 52), chance.between(1, 3))
        case "single":
            return [_single(chance, f"{key}a", taken, chance.between(19, 70))]
        case "single parent":
            return _one_parent(chance, key, taken, chance.between(26, 50), chance.between(1, 2))
        case _:
            return [_single(chance, f"{key}a", taken, chance.between(71, 97))]


def _single(chance: Chance, key: str, taken: set[str], age: int) -> Person:
    return _adult(chance, key, taken, age, chance.pick((Sex.MALE, Sex.FEMALE)), _home(chance))


def _couple(chance: Chance, key: str, taken: set[str], age: int, children: int) -> list[Person]:
    home = _home(chance)
    one = _adult(chance, f"{key}a", taken, age, Sex.FEMALE, home)
    other_age = max(20, age + chance.between(-4, 6))
    other = _adult(chance, f"{key}b", taken, other_age, Sex.MALE, home)
    name = f"{other.used_name}-{one.used_name}" if chance.happens(0.12) else other.used_name
    if chance.happens(0.55):
        one = replace(one, used_name=other.used_name)
    one, other = replace(one, spouses=(other.key,)), replace(other, spouses=(one.key,))
    young = _children(chance, key, taken, (one, other), name, children)
    keys = tuple(child.key for child in young)
    return [replace(one, children=keys), replace(other, children=keys), *young]


def _one_parent(chance: Chance, key: str, taken: set[str], age: int, children: int) -> list[Person]:
    sex = chance.weighted({Sex.FEMALE: 0.82, Sex.MALE: 0.18})
    parent = _adult(chance, f"{key}a", taken, age, sex, _home(chance))
    young = _children(chance, key, taken, (parent,), parent.used_name, children)
    return [replace(parent, children=tuple(child.key for child in young)), *young]


def _children(
    chance: Chance,
    key: str,
    taken: set[str],
    parents: tuple[Person, ...],
    name: str,
    count: int,
) -> list[Person]:
    """Children of the household, eldest first, two years apart at least, from one to seventeen."""
    mother = parents[0]
    eldest = min(17, mother.age(date(YEAR, 12, 31)) - 21)
    made: list[Person] = []
    age = chance.between(max(1, eldest - 8), max(1, eldest))
    for number in range(count):
        if age < 1:
            break
        child = _person(
            chance, f"{key}{'cdef'[number]}", taken, age, chance.pick((Sex.MALE, Sex.FEMALE)),
            mother.address, name,
        )  # fmt: skip
        made.append(
            replace(
                child,
                phones=(),
                email=None,
                parents=tuple(parent.key for parent in parents),
                attending=mother.attending,
                laboratory=mother.laboratory,
                profiles=("child",),
            )
        )
        age -= chance.between(2, 5)
    return made


def _adult(chance: Chance, key: str, taken: set[str], age: int, sex: Sex, home: Address) -> Person:
    names = table("names")["family"]
    name = chance.pick(names["uncommon"] if chance.happens(0.08) else names["common"])
    person = _person(chance, key, taken, age, sex, home, name)
    profiles = tuple(
        profile for profile, since, part in CHRONIC if chance.happens(part) and age >= since
    )
    near = home.town.code in ("37132", "37027")  # Loches, Bléré
    return replace(
        person,
        attending=chance.pick(("gp-3",) if near else ("gp", "gp-2")),
        laboratory="lab-indrois" if near else "lab-quais",
        profiles=profiles,
    )


def _person(
    chance: Chance, key: str, taken: set[str], age: int, sex: Sex, home: Address, name: str
) -> Person:
    year = YEAR - age
    born = date(year, 1, 1).replace(month=chance.between(1, 12), day=chance.between(1, 28))
    place = _birth_place(chance, year)
    given = _given_names(chance, sex, year, chance.between(1, 3))
    phones = [f"06399{chance.between(80000, 89999)}"]
    if age > 50 and chance.happens(0.6):
        phones.insert(0, f"026191{chance.between(1000, 9999)}")
    return Person(
        key=key,
        ins=_ins(chance, sex, born, place.code, taken),
        birth_name=official(name),
        birth_given_names=tuple(map(official, given)),
        used_name=name,
        used_given_name=given[0],
        birth_date=born,
        sex=sex,
        birth_place=place,
        address=home,
        phones=tuple(phones),
        email=f"{key}@carnet.example" if age < 80 else None,
    )


def _ins(chance: Chance, sex: Sex, born: date, place: str, taken: set[str]) -> str:
    """An INS nobody has yet; the order number moves on until one is free."""
    first = chance.between(0, numbers.ORDERS - 1)
    for step in range(numbers.ORDERS):
        order = numbers.FIRST_ORDER + (first + step) % numbers.ORDERS
        number = numbers.ins(sex, born, place, order)
        if number not in taken:
            taken.add(number)
            return number
    raise OverflowError("More births than order numbers kept for this month and commune.")


def _birth_place(chance: Chance, year: int) -> Commune:
    places = table("places")
    row: Mapping[str, Any] = chance.pick(_weighted_rows(chance.happens(0.55)))
    if year < row.get("from_year", 0):
        row = places["home"][0]
    return _communes()[row["code"]]


def _home(chance: Chance) -> Address:
    row = chance.pick(_weighted_rows(True))
    number = str(chance.between(1, 90)) + (" bis" if chance.happens(0.05) else "")
    return Address(number, chance.pick(table("places")["streets"]), _communes()[row["code"]])


@cache
def _weighted_rows(home: bool) -> tuple[Mapping[str, Any], ...]:
    rows = table("places")["home" if home else "birth"]
    return tuple(row for row in rows for _ in range(row["weight"]))


def _given_names(chance: Chance, sex: Sex, year: int, count: int) -> list[str]:
    own = [row[sex.value] for row in table("names")["given"] if row["from_year"] <= year]
    names = [chance.pick(own[-1])]
    for _ in range(count - 1):  # the others are a grandparent's
        name = chance.pick(own[max(0, len(own) - 3)])
        if name not in names:
            names.append(name)
    return names


def _team(person: Person) -> CareTeam:
    """The attending doctor and a nurse: the team a drawn person has."""
    roles = ((person.attending or "gp", "PCP"), ("nurse", "353"))
    labels = table("cast")["labels"]["role"]
    return CareTeam(
        key=f"{person.key}-team",
        patient=person.key,
        name=f"Équipe de soins de {person.name}",
        establishment=None,
        members=tuple(Member(who, role, labels[role]) for who, role in roles),
    )
