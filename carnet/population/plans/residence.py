# SPDX-License-Identifier: EUPL-1.2
"""What a nursing home (EHPAD) writes of those who live there: its own sheets, level 1."""

from collections.abc import Iterator
from datetime import date, timedelta

from carnet.population import bodies, cda, conditions, treatment
from carnet.population.chance import Chance
from carnet.population.people import Person
from carnet.population.plans.plan import Context, Plan, Writer, moment, text, working

SHEET = ("28653-4", "Document du secteur social / médico-social")
GRID = ("34842-5", "Grille d'évaluation médico-social")
LIAISON = ("74207-2", "Document de liaison d'urgence")
AUTHOR = "ehpad-nurse"


def plans(seed: int, person: Person, until: date) -> Iterator[Plan]:
    """A sheet every half-year; every year the grid of dependence and what is kept for emergencies."""
    if "ehpad" not in person.profiles:
        return
    chance = Chance(seed, person.key, "residence")
    day = working(conditions.begins(person) + timedelta(days=chance.between(20, 150)))
    number = 0
    while day <= until:
        start = moment(day, chance.between(9 * 60, 16 * 60))
        sheets: list[tuple[str, int, tuple[str, str], str, Writer, int]] = [
            (f"sheet {number}", 20, SHEET, "Synthèse de l'accompagnement", _life, 1)
        ]
        if number % 2 == 0:
            version = number // 2 + 1  # of what is kept for emergencies: the next one replaces it
            sheets += [
                (f"grid {number}", 40, GRID, "Grille AGGIR", _grid, 1),
                ("liaison", 60, LIAISON, "Dossier de liaison d'urgence", _liaison, version),
            ]
        for key, minutes, kind, title, write, version in sheets:
            yield Plan(
                key=key,
                effective=start + timedelta(minutes=minutes),
                start=start,
                kind=kind,
                title=title,
                author=AUTHOR,
                write=write,
                version=version,
            )
        number += 1
        day = working(day + timedelta(days=178 + chance.between(0, 12)))


def _life(context: Context) -> list[cda.Section]:
    weight = f"{bodies.weight(context.seed, context.person, context.start):.1f}".replace(".", ",")
    return text(
        f"{context.person.name} participe aux ateliers proposés et reçoit la visite de ses proches.",
        f"Poids : {weight} kg. Appétit conservé, texture normale. Sommeil correct.",
        "Aide pour la toilette, marche avec une aide technique. Pas de plainte douloureuse.",
        "Projet personnalisé revu avec la personne et sa famille.",
    )


def _grid(context: Context) -> list[cda.Section]:
    group = _group(context)
    return text(
        f"Évaluation de l'autonomie : groupe iso-ressources {group}.",
        "Variables relevées par l'équipe soignante au cours de la semaine écoulée.",
    )


def _liaison(context: Context) -> list[cda.Section]:
    on = context.start.date()
    problems = [one.name for one in conditions.known(context.seed, context.person, on) if one.code]
    lines = treatment.taken(context.seed, context.person, on)
    allergies = treatment.allergies(context.seed, context.person)
    return text(
        f"Pathologies : {', '.join(problems) or 'aucune connue'}.",
        f"Allergies : {', '.join(one.name for one in allergies) or 'aucune connue'}.",
        "Traitement : "
        + (" ; ".join(f"{one.medicine.name}, {one.told}" for one in lines) or "aucun")
        + ".",
        f"Autonomie : groupe iso-ressources {_group(context)}.",
    )


def _group(context: Context) -> int:
    """GIR, the same for all documents of a year."""
    worse = 2 if "dementia" in context.person.profiles else 0
    drawn = Chance(context.seed, context.person.key, "gir", context.start.year).between(3, 4)
    return max(1, drawn - worse)
