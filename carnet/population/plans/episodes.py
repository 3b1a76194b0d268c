# SPDX-License-Identifier: EUPL-1.2
"""What happens now and then: an illness, an injury, a certificate, and all that is written of it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from carnet.population import cda, conditions, treatment
from carnet.population.cda import screening
from carnet.population.chance import Chance
from carnet.population.clock import paris
from carnet.population.data import table
from carnet.population.people import Person
from carnet.population.plans import care, imaging
from carnet.population.plans.plan import (
    EMERGENCY,
    OF_AGE,
    Context,
    Plan,
    moment,
    text,
    words,
    working,
)
from carnet.population.treatment import Line

CONSULTATION = ("11488-4", "CR ou fiche de consultation ou de visite")
EMERGENCY_TYPE = ("15507-7", "CR de passage aux urgences")
REST = ("PRESC-AAT", "Prescription arrêt de travail")
RETIRED = 63
MONTHS = tuple(range(1, 13))


def plans(seed: int, person: Person, until: date) -> Iterator[Plan]:
    """Every episode up to a day; each is drawn for each year on its own."""
    begins = conditions.begins(person, 40)
    for row in table("episodes")["episode"]:
        if row.get("sex", person.sex.value) != person.sex.value:
            continue
        for year in range(begins.year, until.year + 1):
            chance = Chance(seed, person.key, "episode", row["key"], year)
            if not chance.happens(row["rate"]):
                continue
            day = date(year, chance.pick(row.get("months", MONTHS)), chance.between(1, 28))
            urgent = row.get("where") == "emergency"
            day = day if urgent else working(day)
            if begins < day <= until and row["from_age"] <= person.age(day) <= row["to_age"]:
                hours = (0, 23) if urgent else (8, 18)
                start = moment(day, chance.between(*hours) * 60 + chance.pick((0, 20, 40)))
                yield from _episode(seed, person, row, start, chance)


def _episode(
    seed: int, person: Person, row: Mapping[str, Any], start: datetime, chance: Chance
) -> Iterator[Plan]:
    key = f"{row['key']} {paris(start).year}"
    urgent = row.get("where") == "emergency"
    author = row.get("author", "hospital-doctor" if urgent else "attending")
    positive, tested = chance.happens(0.4), chance.happens(row.get("test", 0.0))
    if tested:
        yield _test(key, working(start.date() - timedelta(days=1)), chance, start, positive)
        if not positive:
            return
    told, rested = chance.happens(row.get("letter", 1.0)), chance.happens(row.get("rest", 0.0))
    if told:
        yield _told(row, key, start, author, urgent)
    if "imaging" in row and chance.happens(row["part"]):
        wait = (0, 0) if urgent else (2, 18)
        yield from imaging.asked(
            seed, person, f"{key} imaging", imaging.row(row["imaging"]), start, author, wait
        )
    child = person.age(start.date()) < 12
    lines = tuple(_lines(seed, person, row.get("child" if child else "medicines", ()), start))
    days = max((line.days or 0 for line in lines), default=0) or 7
    yield from care.prescribed(
        seed, person, key, start, lines, days, author=author,
        encounter=EMERGENCY if urgent else None,
    )  # fmt: skip
    if rested and OF_AGE <= person.age(start.date()) < RETIRED:
        yield _rest(key, row["days"], start, author, urgent)


def _told(row: Mapping[str, Any], key: str, start: datetime, author: str, urgent: bool) -> Plan:
    """The letter, the report of the emergency department, or the document the row names."""
    code, label, title = row.get(
        "document",
        (*EMERGENCY_TYPE, "Compte rendu de passage aux urgences")
        if urgent
        else (*CONSULTATION, "Compte rendu de consultation"),
    )
    plan = Plan(
        key=f"{key} told",
        effective=start + (timedelta(hours=3) if urgent else timedelta(minutes=18)),
        start=start,
        kind=(code, label),
        title=title,
        author=author,
        write=lambda context: text(*(line.format_map(_said(context)) for line in row["lines"])),
    )
    return _urgent(plan) if urgent else plan


def _said(context: Context) -> Mapping[str, str]:
    woman = context.header.author.who.civil_title == "MME"
    return {**words(context), "soussigne": "e" if woman else ""}


def _lines(seed: int, person: Person, rows: list[list[Any]], start: datetime) -> Iterator[Line]:
    """The medicines of an episode, but for those the person already takes or must avoid."""
    day = start.date()
    now = {line.medicine.inn for line in treatment.taken(seed, person, day)}
    for key, take, every, last in rows:
        medicine = treatment.suited(seed, person, key)
        if medicine and medicine.younger and person.age(day) < medicine.from_age:
            medicine = treatment.suited(seed, person, medicine.younger)
        if medicine and medicine.inn not in now:
            now.add(medicine.inn)
            need, days = (last, None) if isinstance(last, str) else (None, last)
            yield Line(medicine, take, every or None, need, day, days=days)


def _test(key: str, day: date, chance: Chance, before: datetime, positive: bool) -> Plan:
    """A rapid test at the pharmacy, the working day before, or just before."""
    at = moment(day, chance.between(9 * 60, 18 * 60))
    at = at if at < before else before - timedelta(minutes=50)
    return Plan(
        key=f"{key} test",
        effective=at + timedelta(minutes=15),
        start=at,
        kind=screening.TYPE,
        title="Test rapide d'orientation diagnostique : angine",
        author="pharmacist",
        write=lambda context: screening.sections(context.header, screening.STREPTOCOCCUS, positive),
        model=screening.ANGINA,
        results=1,
    )


def _rest(key: str, days: int, start: datetime, author: str, urgent: bool) -> Plan:
    """A rest from work, level 1: the reason is not told."""
    until = start.date() + timedelta(days=days - 1)

    def write(context: Context) -> list[cda.Section]:
        name = context.person.name
        return text(
            f"Arrêt de travail prescrit à {words(context)['civil']} {name}.",
            f"Du {start.date():%d/%m/%Y} au {until:%d/%m/%Y} inclus, sorties autorisées.",
        )

    plan = Plan(
        key=f"{key} rest",
        effective=start + timedelta(minutes=22),
        start=start,
        kind=REST,
        title="Arrêt de travail",
        author=author,
        write=write,
    )
    return _urgent(plan) if urgent else plan


def _urgent(plan: Plan) -> Plan:
    return replace(plan, encounter=EMERGENCY)
