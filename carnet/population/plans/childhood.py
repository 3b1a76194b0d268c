# SPDX-License-Identifier: EUPL-1.2
"""Examinations of the child, with their growth, and the certificates two of them ask for."""

from collections.abc import Iterator
from datetime import date, timedelta

from carnet.identity.traits import normal
from carnet.population import bodies, cda, conditions
from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import Person
from carnet.population.plans.plan import Context, Plan, moment, text, working

EXAMINATION = ("59283-2", "CR d'examen de l'enfant")
CERTIFICATE = ("CERT_DECL", "Certificat, déclaration")
SEEN = 0.86  # how often an examination of the calendar is made


def plans(seed: int, person: Person, until: date) -> Iterator[Plan]:
    """Every examination up to a day; none for those who are grown up."""
    begins = conditions.begins(person, 5)
    calendar = table("episodes")["child"]
    for months in (*calendar["months"], *(12 * years for years in calendar["years"])):
        chance = Chance(seed, person.key, "examination of the child", months)
        late = chance.between(0, 14 if months < 24 else 90)
        day = working(person.birth_date + timedelta(days=int(months * 30.44) + late))
        if not begins < day <= until or not chance.happens(SEEN):
            continue
        start = moment(day, chance.between(9, 18) * 60 + chance.pick((0, 20, 40)))
        paediatrician = months < 24 and Chance(seed, person.key, "paediatrician").happens(0.25)
        certificate = calendar["certificates"].get(str(months))
        yield Plan(
            key=f"examination {months}",
            effective=start + timedelta(minutes=28),
            start=start,
            kind=CERTIFICATE if certificate else EXAMINATION,
            title=certificate or "Compte rendu d'examen de l'enfant",
            author="paediatrician" if paediatrician else "attending",
            write=_examined,
        )


def _examined(context: Context) -> list[cda.Section]:
    seed, person, start = context.seed, context.person, context.start
    months = bodies.age(person, start) * 12.0
    told = next(
        row["told"]
        for row in table("episodes")["child"]["milestone"]
        if months <= row["until"] or row["until"] == 240
    )
    age = f"{months:.0f} mois" if months < 36 else f"{person.age(start.date())} ans"
    weight, height = bodies.weight(seed, person, start), bodies.height(seed, person, start)
    # An h of a French given name is silent: Hugo, Hélène.
    silent = normal(person.used_given_name).startswith((*"AEIOUH", "YV"))
    of = "d'" if silent else "de "
    return text(
        f"Examen {of}{person.used_given_name}, {age}, en présence d'un parent.",
        f"Poids : {weight:.1f} kg. Taille : {height:.0f} cm. Croissance régulière.".replace(
            ".", ",", 1
        )
        if weight % 1
        else f"Poids : {weight:.0f} kg. Taille : {height:.0f} cm. Croissance régulière.",
        told,
        "Examen clinique sans particularité. Calendrier vaccinal vérifié dans le carnet de santé.",
    )
