# SPDX-License-Identifier: EUPL-1.2
"""Households: those who live together, and the parents or children who live elsewhere.

Each is drawn from the seed and its own number. Shares are ours, of the order of France's: unverified.
"""

from dataclasses import replace
from datetime import date

from carnet.identity.traits import Sex
from carnet.population import conditions, names, numbers, places, supply
from carnet.population.chance import Chance
from carnet.population.people import Address, Commune, Person

YEAR = 2026  # ages are those of this year, whatever the population's today: an INS must not move
SHARES = {
    "couple": 0.27,
    "family": 0.26,
    "three generations": 0.1,
    "separated": 0.05,
    "single": 0.15,
    "single parent": 0.06,
    "elder": 0.11,
}
IN_THE_TOWN = 0.85  # of those of a sector


class Household:
    """One household being drawn.

    taken: every INS given so far, to which those of this household are added.
    last: one of the single people who fill up the last places of a population.
    """

    def __init__(self, seed: int, number: int, taken: set[str], *, last: bool = False) -> None:
        self._seed = seed
        self._chance = Chance(seed, "last" if last else "household", number)
        self._key = f"{'s' if last else 'h'}{number:05}"
        self._orders = numbers.LAST if last else numbers.DRAWN
        self._taken = taken
        self._sector = supply.sector_of(number)
        self._town = supply.town(seed, self._sector)
        self._count = 0
        self._origins: dict[str, tuple[str, str | None]] = {}  # birth name with accents, origin

    def people(self) -> list[Person]:
        """Everybody of it; parents before their children."""
        chance = self._chance
        match chance.weighted(SHARES):
            case "couple":
                return self._couple(chance.between(24, 86), 0)
            case "family":
                return self._couple(chance.between(27, 52), chance.between(1, 3))
            case "three generations":
                return self._three_generations(chance.between(27, 50), chance.between(1, 2))
            case "separated":
                return self._separated(chance.between(29, 52), chance.between(1, 2))
            case "single":
                return [self.single()]
            case "single parent":
                return self._one_parent(chance.between(26, 50), chance.between(1, 2))
            case _:
                return [self._elder()]

    def single(self) -> Person:
        """Somebody who lives alone."""
        chance = self._chance
        return self._adult(
            chance.between(19, 70), chance.pick((Sex.MALE, Sex.FEMALE)), self._home()
        )

    def _elder(self) -> Person:
        sex = self._chance.weighted({Sex.FEMALE: 0.66, Sex.MALE: 0.34})
        return self._adult(self._chance.between(71, 99), sex, self._home())

    def _couple(self, age: int, children: int) -> list[Person]:
        """Two adults and their children."""
        chance, home = self._chance, self._home()
        alike = chance.pick((Sex.MALE, Sex.FEMALE)) if chance.happens(0.03) else None
        one = self._adult(age, alike or Sex.FEMALE, home)
        other = self._adult(max(20, age + chance.between(-4, 6)), alike or Sex.MALE, home)
        name = self._name_of_children(one, other)
        if chance.happens(0.5):
            one = replace(one, used_name=other.used_name)
        elif chance.happens(0.12):
            one = replace(one, used_name=f"{one.used_name}-{other.used_name}")
        one, other = replace(one, spouses=(other.key,)), replace(other, spouses=(one.key,))
        return self._with_children((one, other), name, children)

    def _three_generations(self, age: int, children: int) -> list[Person]:
        """A family, and the parents of one of its adults, in the same commune or another."""
        chance = self._chance
        family = self._couple(age, children)
        side = chance.between(0, 1)
        child = family[side]
        name, origin = self._origins[child.key]
        home = self._home(elsewhere=chance.happens(0.4))
        old = min(97, YEAR - child.birth_date.year + chance.between(21, 35))
        mother = replace(self._adult(old, Sex.FEMALE, home), used_name=name)
        parents = [mother]
        if chance.happens(0.65):
            years = chance.between(0, 2)
            father = self._adult(old + years, Sex.MALE, home, name=name, origin=origin)
            parents = [
                replace(mother, spouses=(father.key,)),
                replace(father, spouses=(mother.key,)),
            ]
        family[side] = replace(child, parents=tuple(parent.key for parent in parents))
        return [*(replace(each, children=(child.key,)) for each in parents), *family]

    def _separated(self, age: int, children: int) -> list[Person]:
        """Two parents in two homes, their children in one of them."""
        chance = self._chance
        mother = self._adult(age, Sex.FEMALE, self._home())
        other = max(20, age + chance.between(-3, 7))
        father = self._adult(other, Sex.MALE, self._home(elsewhere=chance.happens(0.4)))
        name = self._name_of_children(mother, father)
        keeps = chance.weighted({0: 0.75, 1: 0.25})
        return self._with_children((mother, father), name, children, keeps=keeps)

    def _one_parent(self, age: int, children: int) -> list[Person]:
        sex = self._chance.weighted({Sex.FEMALE: 0.82, Sex.MALE: 0.18})
        parent = self._adult(age, sex, self._home())
        return self._with_children((parent,), parent.used_name, children)

    def _with_children(
        self, parents: tuple[Person, ...], name: str, count: int, *, keeps: int = 0
    ) -> list[Person]:
        """The parents, then children of one to seventeen years, eldest first, two years apart.

        keeps: which parent they live with.
        """
        chance, keeper = self._chance, parents[keeps]
        youngest = max(parent.birth_date.year for parent in parents)
        eldest = min(17, YEAR - youngest - 21)
        made: list[Person] = []
        age = chance.between(max(1, eldest - 8), max(1, eldest))
        while len(made) < count and age >= 1:
            child = self._person(
                age, chance.pick((Sex.MALE, Sex.FEMALE)), keeper.address, name, None
            )
            made.append(
                replace(
                    child,
                    phones=(),
                    email=None,
                    parents=tuple(parent.key for parent in parents),
                    attending=keeper.attending,
                    laboratory=keeper.laboratory,
                )
            )
            age -= chance.between(2, 5)
        keys = tuple(child.key for child in made)
        return [*(replace(parent, children=keys) for parent in parents), *made]

    def _name_of_children(self, one: Person, other: Person) -> str:
        """The name of one parent, or both in an order they chose (Code civil, art. 311-21)."""
        return self._chance.weighted(
            {
                other.used_name: 0.78,
                one.used_name: 0.1,
                f"{other.used_name}-{one.used_name}": 0.08,
                f"{one.used_name} {other.used_name}": 0.04,
            }
        )

    def _adult(
        self,
        age: int,
        sex: Sex,
        home: Address,
        *,
        name: str | None = None,
        origin: str | None = None,
    ) -> Person:
        """An adult with their doctor and laboratory; in the nursing home when they need it."""
        chance = self._chance
        person = self._person(age, sex, home, name, origin)
        south = self._sector == 0 and home.town.code in ("37132", "37027")  # Loches, Bléré
        doctors: tuple[str, ...] = ("gp", "gp", "gp-2", "gp-2", "gp-3")
        if self._sector == 0:
            doctors = ("gp-3",) if south else ("gp", "gp-2")
        laboratory = "lab-indrois" if south or chance.happens(0.2) else "lab-quais"
        person = replace(
            person,
            attending=supply.near(chance.pick(doctors), self._sector),
            laboratory=supply.near(laboratory, self._sector),
        )
        if "ehpad" in person.profiles:
            person = replace(person, address=supply.residence(self._seed, self._sector))
        return person

    def _person(
        self, age: int, sex: Sex, home: Address, name: str | None, origin: str | None
    ) -> Person:
        chance, year = self._chance, YEAR - age
        key = f"{self._key}{'abcdefghi'[self._count]}"
        self._count += 1
        born = date(year, chance.between(1, 12), chance.between(1, 28))
        place = places.birth(chance, year, origin)
        origin = None if age < 18 else place.get("origin")
        name = name or names.family(chance, origin)
        given = names.given(chance, sex, year, chance.between(1, 3), origin)
        phones = [f"06399{chance.between(80000, 89999)}"]
        if age > 50 and chance.happens(0.6):
            phones.insert(0, f"026191{chance.between(1000, 9999)}")
        ins, where = self._ins(sex, born, places.communes()[place["code"]])
        self._origins[key] = (name, origin)
        return Person(
            key=key,
            ins=ins,
            birth_name=names.official(name),
            birth_given_names=tuple(map(names.official, given)),
            used_name=name,
            used_given_name=given[0],
            birth_date=born,
            sex=sex,
            birth_place=where,
            address=home,
            phones=tuple(phones),
            email=f"{key}@carnet.example" if age < 80 else None,
            profiles=conditions.draw(Chance(self._seed, key), sex, age),
            sector=self._sector,
        )

    def _ins(self, sex: Sex, born: date, place: Commune) -> tuple[str, Commune]:
        """An INS nobody has yet, and its birth place: the next ones when all its numbers are given."""
        first = self._chance.between(0, len(self._orders) - 1)
        for where in (place, *places.always()):
            for step in range(len(self._orders)):
                order = self._orders[(first + step) % len(self._orders)]
                number = numbers.ins(sex, born, where.code, order)
                if number not in self._taken:
                    self._taken.add(number)
                    return number, where
        raise OverflowError("More births than order numbers kept for this month.")

    def _home(self, *, elsewhere: bool = False) -> Address:
        """An address, most often in the sector's town."""
        chance = self._chance
        there = None if elsewhere or not chance.happens(IN_THE_TOWN) else self._town
        return places.home(chance, there or places.town(chance))
