# SPDX-License-Identifier: EUPL-1.2
"""Stays in hospital and letters of specialists: the rows of letters.toml that are not the attending's."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from carnet.population import cda, conditions, laboratory, treatment
from carnet.population.cda import discharge
from carnet.population.cda.synthesis import Problem
from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import Person
from carnet.population.plans.plan import (
    EMERGENCY,
    INSIDE,
    Context,
    Plan,
    moment,
    text,
    words,
    working,
)

STRUCTURED = 0.5
TYPES = {
    "11488-4": "CR ou fiche de consultation ou de visite",
    "78513-9": "CR de consultation en ophtalmologie",
    "11490-0": "Lettre de liaison à la sortie d'un établissement de soins",
}
EMERGENCY_TYPE = ("15507-7", "CR de passage aux urgences")
OPERATION_TYPE = ("34874-8", "CR opératoire")


def plans(seed: int, person: Person, until: date) -> Iterator[Plan]:
    """Stays, with what leads to them, and consultations of specialists."""
    for row, start in _stays(seed, person, until):
        yield from _stay(seed, person, row, start)
    for row in _rows(person):
        if "every" not in row or row["author"] == "attending":
            continue
        chance = Chance(seed, person.key, "letter", row["key"])
        day = conditions.begins(person, 200) + timedelta(days=chance.between(5, row["every"]))
        number = 0
        while day <= until:
            number += 1
            start = moment(working(day), chance.between(9, 16) * 60 + chance.pick((0, 30)))
            yield _specialist(f"{row['key']} {number}", row, start)
            day += timedelta(
                days=row["every"] + chance.between(-row["every"] // 6, row["every"] // 6)
            )


def past(seed: int, person: Person, on: date) -> list[Problem]:
    """What stays before a day left in the history of the person."""
    return [
        Problem(row["history"], None, None, start.date(), start.date() + timedelta(row["days"]))
        for row, start in _stays(seed, person, on)
        if "history" in row and start.date() + timedelta(row["days"]) < on
    ]


def _rows(person: Person) -> Iterator[Mapping[str, Any]]:
    for row in table("letters")["letter"]:
        about = row["about"]
        if about in (person.profiles or ("healthy",)) or about == "anybody":
            yield row


def _stays(seed: int, person: Person, until: date) -> Iterator[tuple[Mapping[str, Any], datetime]]:
    for row in _rows(person):
        if "once" not in row:
            continue
        chance = Chance(seed, person.key, "letter", row["key"])
        day = conditions.begins(person, 200) + timedelta(days=chance.between(200, 1900))
        happens = chance.happens(row["once"])
        day = day if row.get("urgent") else working(day)
        if (
            happens
            and day <= until
            and row.get("from_age", 0) <= person.age(day) <= row.get("to_age", 130)
        ):
            yield row, moment(day, chance.between(8, 16) * 60 + chance.pick((0, 20, 40)))


def _stay(seed: int, person: Person, row: Mapping[str, Any], start: datetime) -> Iterator[Plan]:
    chance = Chance(seed, person.key, "stay", row["key"])
    model = discharge.MODEL if chance.happens(STRUCTURED) else None
    admitted = start
    if row.get("urgent"):
        yield Plan(
            key=f"{row['key']} emergency",
            effective=start + timedelta(hours=chance.between(2, 5)),
            start=start,
            kind=EMERGENCY_TYPE,
            title="Compte rendu de passage aux urgences",
            author="hospital-doctor",
            write=lambda context: text(
                *(line.format_map(_said(context)) for line in row["urgent"])
            ),
            encounter=EMERGENCY,
        )
        admitted = start + timedelta(hours=6)
    if "operation" in row:
        operated = admitted + timedelta(hours=chance.between(3, 20))
        yield Plan(
            key=f"{row['key']} operation",
            effective=operated + timedelta(hours=3),
            start=operated,
            kind=OPERATION_TYPE,
            title="Compte rendu opératoire",
            author=row["author"],
            write=lambda context: text(
                *(line.format_map(_said(context)) for line in row["operation"])
            ),
            encounter=INSIDE,
        )
    yield Plan(
        key=f"{row['key']} 1",
        effective=working_end(admitted + timedelta(days=row["days"]), chance),
        start=admitted,
        kind=(row["code"], TYPES[row["code"]]),
        title=row["title"],
        author=row["author"],
        write=lambda context: _letter(context, row),
        model=model,
        encounter=INSIDE,
    )


def working_end(moment_: datetime, chance: Chance) -> datetime:
    """The end of a stay: between eleven and five."""
    return moment(moment_.date(), chance.between(11 * 60, 17 * 60))


def _letter(context: Context, row: Mapping[str, Any]) -> list[cda.Section]:
    """The letter of a stay, with or without structure: the same sections."""
    said = _said(context)
    first, *story = (line.format_map(said) for line in row["lines"])
    follow = [line for line in story if line.startswith(FOLLOW)]
    return discharge.sections(
        context.header,
        first,
        [line for line in story if line not in follow],
        treatment.taken(context.seed, context.person, context.header.effective.date()),
        follow or ("Consultation du médecin traitant dans un mois.",),
        treatment.allergies(context.seed, context.person),
    )


FOLLOW = ("Bilan", "Retour", "Soins", "Consultation", "Contrôle", "Suite")


def _specialist(key: str, row: Mapping[str, Any], start: datetime) -> Plan:
    return Plan(
        key=key,
        effective=start + timedelta(minutes=25),
        start=start,
        kind=(row["code"], TYPES[row["code"]]),
        title=row["title"],
        author=row["author"],
        write=lambda context: text(*(line.format_map(_said(context)) for line in row["lines"])),
    )


def _said(context: Context) -> Mapping[str, str]:
    lines = treatment.taken(context.seed, context.person, context.start.date())
    return {
        **laboratory.told(context.seed, context.person, context.start),
        **words(context),
        "treatment": " ; ".join(f"{line.medicine.name}, {line.told}" for line in lines)
        or "pas de traitement au long cours",
    }
