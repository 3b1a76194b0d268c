# SPDX-License-Identifier: EUPL-1.2
"""Pregnancies: those of the children one has, and the one a person is in. Midwife, scans, birth."""

from collections.abc import Iterator
from datetime import date, timedelta

from carnet.identity.traits import Sex
from carnet.population import bodies, cda, conditions, treatment
from carnet.population.chance import Chance
from carnet.population.people import Person, Population
from carnet.population.plans import care, imaging
from carnet.population.plans.plan import INSIDE, Context, Plan, Writer, moment, text, working
from carnet.population.treatment import Line

TERM = 280  # days
EXPECTED = date(2026, 12, 1)  # about when those who expect a child give birth, whatever `today`
VISITS = (75, 110, 140, 170, 200, 230, 255)  # days since the beginning
SCANS = ((85, "pregnancy-1"), (155, "pregnancy-2"), (225, "pregnancy-3"))
CONSULTATION = ("11488-4", "CR ou fiche de consultation ou de visite")
BIRTH = ("15508-5", "CR d'accouchement")


def births(population: Population, person: Person) -> Iterator[tuple[str, date]]:
    """The births a woman's record tells of, by the key of the child or `expected`."""
    if person.sex is not Sex.FEMALE:
        return
    for key in person.children:
        born = population.person(key).birth_date
        if born - timedelta(days=TERM) > conditions.begins(person):
            yield key, born
    if "pregnancy" in person.profiles:
        chance = Chance(population.seed, person.key, "term")
        yield "expected", EXPECTED + timedelta(days=chance.between(0, 150))


def plans(population: Population, person: Person) -> Iterator[Plan]:
    """What is written of each pregnancy."""
    seed = population.seed
    for key, born in births(population, person):
        begun = born - timedelta(days=TERM)
        name = f"pregnancy {key}"
        chance = Chance(seed, person.key, name)
        for number, days in enumerate(VISITS, 1):
            day = working(begun + timedelta(days=days + chance.between(-4, 4)))
            start = moment(day, chance.between(9, 17) * 60 + 30)
            if start.date() >= born:
                break
            yield Plan(
                key=f"{name} visit {number}",
                effective=start + timedelta(minutes=30),
                start=start,
                kind=CONSULTATION,
                title="Compte rendu de consultation de suivi de grossesse",
                author="midwife",
                write=_visited(number, days),
            )
            if number == 1:
                line = Line(treatment.medicines()["folic-acid"], 1, 24, None, start.date(), days=30)
                yield from care.prescribed(seed, person, name, start, (line,), 30, author="midwife")
        for days, scan in SCANS:
            day = working(begun + timedelta(days=days - 12))
            row = imaging.row(scan)
            at = moment(day, chance.between(9 * 60, 16 * 60))
            yield from imaging.asked(seed, person, f"{name} {scan}", row, at, "midwife", (9, 14))
        yield _born(name, born, chance)


def _visited(number: int, days: int) -> Writer:
    def write(context: Context) -> list[cda.Section]:
        weeks = days // 7
        high, low = bodies.pressure(context.seed, context.person, context.start)
        return text(
            f"Consultation de suivi de grossesse, {weeks} semaines d'aménorrhée environ.",
            f"Tension artérielle {high}/{low} mmHg. Bandelette urinaire négative.",
            "Mouvements actifs perçus, hauteur utérine conforme."
            if number > 2
            else "Grossesse bien tolérée, nausées modérées.",
            "Prochaine consultation dans un mois.",
        )

    return write


def _born(name: str, born: date, chance: Chance) -> Plan:
    at = moment(born, chance.between(0, 21 * 60))
    caesarean = chance.happens(0.2)
    how = "Césarienne" if caesarean else "Accouchement par voie basse"
    return Plan(
        key=f"{name} birth",
        effective=at + timedelta(hours=2),
        start=at,
        kind=BIRTH,
        title="Compte rendu d'accouchement",
        author="hospital-doctor" if caesarean else "midwife",
        write=lambda context: text(
            f"{how} d'un enfant vivant, à terme. Adaptation à la vie extra-utérine immédiate.",
            "Délivrance complète, pertes sanguines normales. Périnée intact."
            if not caesarean
            else "Intervention sous rachianesthésie, sans incident. Pertes sanguines normales.",
            "Surveillance en suites de couches, peau à peau, allaitement selon le souhait de la mère.",
        ),
        encounter=INSIDE,
    )
