# SPDX-License-Identifier: EUPL-1.2
"""Imaging: a request, then days later the report that answers it; and what a screening invites to."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

from carnet.identity.traits import Sex
from carnet.population import cda, conditions
from carnet.population.cda import imaging
from carnet.population.cda.imaging import Imaging
from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import Person
from carnet.population.plans.plan import Context, Plan, moment, told_day, working

STRUCTURED = 0.4  # reports of imaging are most often a PDF alone
CORRECTED = 0.03


def rows() -> list[Mapping[str, Any]]:
    """The acts of imaging.toml."""
    found: list[Mapping[str, Any]] = table("imaging")["act"]
    return found


def row(key: str) -> Mapping[str, Any]:
    """The act of that key."""
    return next(one for one in rows() if one["key"] == key)


def screenings(seed: int, person: Person, until: date) -> Iterator[Plan]:
    """What women are invited to, at the age of it; without a request."""
    for one in rows():
        if one.get("about") != "woman" or person.sex is not Sex.FEMALE:
            continue
        chance = Chance(seed, person.key, "screening", one["key"])
        if not chance.happens(one["part"]):
            continue
        day = conditions.begins(person) + timedelta(days=chance.between(0, one["every"]))
        number = 0
        before: datetime | None = None
        while day <= until:
            number += 1
            if one["from_age"] <= person.age(day) <= one["to_age"]:
                at = moment(working(day), chance.between(9 * 60, 17 * 60))
                yield from _reported(seed, person, f"{one['key']} {number}", one, at, None, before)
                before = at
            day += timedelta(days=one["every"] + chance.between(-20, 60))


def asked(
    seed: int,
    person: Person,
    key: str,
    one: Mapping[str, Any],
    start: datetime,
    author: str = "attending",
    wait: tuple[int, int] = (4, 35),
) -> Iterator[Plan]:
    """A request, and its report. wait: days until the act, at least and at most."""
    chance = Chance(seed, person.key, "imaging", key)
    model = imaging.REQUEST if chance.happens(0.3) else None
    request = f"{key} request"
    what = _imaging(one)
    yield Plan(
        key=request,
        effective=start + timedelta(minutes=20),
        start=start,
        kind=imaging.REQUEST_TYPE,
        title=f"Demande d'imagerie : {one['title'].lower()}",
        author=author,
        write=lambda context: imaging.request(context.header, what),
        model=model,
    )
    days = chance.between(*wait)
    if days:
        done = working(start.date() + timedelta(days=days))
        at = moment(done, chance.between(8 * 60, 18 * 60))
    else:
        at = start + timedelta(minutes=chance.between(40, 120))
    yield from _reported(seed, person, key, one, at, (author, start, request), None)


def _reported(
    seed: int,
    person: Person,
    key: str,
    one: Mapping[str, Any],
    at: datetime,
    request: tuple[str, datetime, str] | None,
    before: datetime | None,
) -> Iterator[Plan]:
    """The report; seldom, a corrected one the day after."""
    chance = Chance(seed, person.key, "report", key)
    results, conclusion = chance.pick(one["found"])
    what = _imaging(one)
    compared = (
        f"Comparaison avec l'examen du {told_day(before)} : pas de modification."
        if before
        else None
    )
    structured = chance.happens(STRUCTURED)
    corrected = chance.happens(CORRECTED)
    author, when, answered = request or (None, None, None)

    def write(said: str) -> Any:
        def sections(context: Context) -> list[cda.Section]:
            return imaging.report(context.header, what, results, said, compared)

        return sections

    for version in (1, 2) if corrected else (1,):
        said = f"{conclusion} Latéralité vérifiée." if version == 2 else conclusion
        yield Plan(
            key=f"{key} report",
            effective=at + timedelta(minutes=25, days=version - 1),
            start=at,
            kind=imaging.REPORT_TYPE,
            title=f"Compte rendu d'imagerie : {one['title'].lower()}",
            author=one.get("role", "radiologist"),
            write=write(said),
            model=imaging.REPORT if structured else None,
            asked_by=author,
            asked=when,
            answers=answered,
            version=version,
            acts=(imaging.act(what),),
        )


def _imaging(one: Mapping[str, Any]) -> Imaging:
    return Imaging(**{each.name: one[each.name] for each in fields(Imaging)})
