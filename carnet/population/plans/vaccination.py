# SPDX-License-Identifier: EUPL-1.2
"""Vaccinations: a note for each one given, and now and then the history of all."""

from collections.abc import Iterator
from datetime import date, timedelta

from carnet.population import conditions, immunisation
from carnet.population.cda import vaccination
from carnet.population.chance import Chance
from carnet.population.immunisation import Dose
from carnet.population.people import Person
from carnet.population.plans.plan import Plan, moment, working

AGES = (2, 6, 13, 18, 30, 50, 70)  # years: about when a history is made
STRUCTURED = 0.75


def plans(seed: int, person: Person, until: date) -> Iterator[Plan]:
    """A note for the vaccines of each day, and the histories."""
    begins = conditions.begins(person)
    given: dict[date, list[Dose]] = {}
    for dose in immunisation.doses(seed, person, until):
        if dose.on > begins:
            given.setdefault(dose.on, []).append(dose)
    for day, doses in given.items():
        yield _note(seed, person, day, doses)
    for age in AGES:
        chance = Chance(seed, person.key, "history of vaccines", age)
        day = person.birth_date + timedelta(days=int(age * 365.25) + chance.between(20, 300))
        if begins < day <= until:
            yield _history(seed, person, working(day), age, chance)


def _note(seed: int, person: Person, day: date, doses: list[Dose]) -> Plan:
    chance = Chance(seed, person.key, "vaccination", day)
    start = moment(day, chance.between(9 * 60, 18 * 60))
    pharmacy = all(dose.autumn for dose in doses) and chance.happens(0.6)
    return Plan(
        key=f"vaccination {day}",
        effective=start + timedelta(minutes=12),
        start=start,
        kind=vaccination.NOTE_TYPE,
        title="Note de vaccination",
        author="pharmacist" if pharmacy else "attending",
        write=lambda context: vaccination.sections(context.header, doses, here=True),
        model=vaccination.NOTE if chance.happens(STRUCTURED) else None,
    )


def _history(seed: int, person: Person, day: date, age: int, chance: Chance) -> Plan:
    start = moment(day, chance.between(9 * 60, 18 * 60))
    known = immunisation.doses(seed, person, day)
    return Plan(
        key=f"vaccinations {age}",
        effective=start + timedelta(minutes=15),
        start=start,
        kind=vaccination.HISTORY_TYPE,
        title="Historique des vaccinations",
        author="attending",
        write=lambda context: vaccination.sections(context.header, known, here=False),
        model=vaccination.HISTORY,
    )
