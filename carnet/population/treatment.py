# SPDX-License-Identifier: EUPL-1.2
"""What a person takes: one list that changes over the years, which every document quotes.

Medicines, lines and allergies come from medicines.toml: demonstration values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from carnet.population import conditions
from carnet.population.chance import Chance
from carnet.population.conditions import Condition
from carnet.population.data import table
from carnet.population.people import Person

YEAR = 365.25  # days
RHYTHMS = {
    6: "quatre fois par jour",
    8: "matin, midi et soir",
    12: "matin et soir",
    24: "une fois par jour",
    2160: "tous les trois mois",
}


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine by its international name; its CIS only where a published source gives it."""

    key: str
    name: str
    inn: str
    form: str
    form_code: str | None  # EDQM
    unit: str  # UCUM, of one take
    one: str
    several: str
    route: str
    route_code: str | None  # EDQM
    atc: str
    cis: str | None
    brand: str | None
    box: int  # takes in a box
    avoid: tuple[str, ...]  # conditions and allergies with which it is not prescribed
    instead: str | None
    from_age: int  # whole years
    younger: str | None  # what is prescribed before that age


@dataclass(frozen=True, slots=True)
class Line:
    """A medicine as it is prescribed."""

    medicine: Medicine
    take: int
    every: int | None  # hours; None when taken as needed
    need: str | None
    since: date
    reason: Condition | None = None
    days: int | None = None  # for how long, when that is said

    @property
    def told(self) -> str:
        """The posology as people read it."""
        unit = self.medicine.one if self.take == 1 else self.medicine.several
        rhythm = self.need if self.every is None else RHYTHMS[self.every]
        duration = f" pendant {self.days} jours" if self.days else ""
        return f"{self.take} {unit} {rhythm}{duration}"

    def boxes(self, days: int) -> int:
        """How many boxes so many days take."""
        takes = days * self.take * 24 // self.every if self.every else self.medicine.box
        return max(1, -(-takes // self.medicine.box))

    def quantity(self, days: int) -> str:
        """The same as people read it."""
        boxes = self.boxes(days)
        return f"{boxes} boîte{'s' if boxes > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Allergy:
    """What a person does not stand."""

    key: str
    name: str
    kind: str  # SNOMED CT
    kind_label: str
    atc: str
    told: str


@cache
def medicines() -> Mapping[str, Medicine]:
    """Every medicine by its key."""
    return {row["key"]: _medicine(row) for row in table("medicines")["medicine"]}


def _medicine(row: Mapping[str, Any]) -> Medicine:
    form = table("medicines")["form"][row["form"]]
    route = table("medicines")["route"][row.get("route", "oral")]
    return Medicine(
        key=row["key"],
        name=row["name"],
        inn=row["inn"],
        form=form["label"],
        form_code=form.get("code"),
        unit=form["unit"],
        one=form["one"],
        several=form["several"],
        route=route["label"],
        route_code=route.get("code"),
        atc=row["atc"],
        cis=row.get("cis"),
        brand=row.get("brand"),
        box=row["box"],
        avoid=tuple(row.get("avoid", ())),
        instead=row.get("instead"),
        from_age=row.get("from_age", 0),
        younger=row.get("younger"),
    )


@cache
def allergies(seed: int, person: Person) -> tuple[Allergy, ...]:
    """What a person is known not to stand: the same all along."""
    return tuple(
        Allergy(**{name: row[name] for name in Allergy.__slots__})
        for row in table("medicines")["allergy"]
        if Chance(seed, person.key, "allergy", row["key"]).happens(row["part"])
    )


def suited(seed: int, person: Person, key: str) -> Medicine | None:
    """That medicine, or what is given instead to those who must avoid it; None when nothing is."""
    wanted: str | None = key
    avoided = {*person.profiles, *(allergy.key for allergy in allergies(seed, person))}
    while wanted is not None:
        medicine = medicines()[wanted]
        if not avoided & set(medicine.avoid):
            return medicine
        wanted = medicine.instead
    return None


def taken(seed: int, person: Person, on: date) -> tuple[Line, ...]:
    """The treatment of a day: the lines of every condition known by then, no substance twice."""
    found: dict[str, Line] = {}
    for line in _lines(seed, person, on):
        found.setdefault(line.medicine.inn, line)
    return tuple(found.values())


def _lines(seed: int, person: Person, on: date) -> Iterator[Line]:
    for condition in conditions.known(seed, person, on):
        since = conditions.since(seed, person, condition.key)
        story = _stories().get((person.key, condition.key))
        for row in _told(story) if story else _usual(seed, person, condition, since, on):
            start, end = row["from"], row.get("until", date.max)
            medicine = suited(seed, person, row["medicine"])
            if medicine and start <= on < end:
                yield Line(
                    medicine, row.get("take", 1), row.get("every"), row.get("need"), start,
                    condition,
                )  # fmt: skip


def _told(story: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from story["lines"]


def _usual(
    seed: int, person: Person, condition: Condition, since: date, on: date
) -> Iterator[Mapping[str, Any]]:
    for row in _table()[condition.key]:
        if not Chance(seed, person.key, "line", condition.key, row["medicine"]).happens(
            row.get("part", 1.0)
        ):
            continue
        if on.month not in row.get("months", (on.month,)):
            continue
        start = since + timedelta(days=int(row.get("after", 0.0) * YEAR))
        until = (
            {"until": since + timedelta(days=int(row["until"] * YEAR))} if "until" in row else {}
        )
        yield {**row, "from": start, **until}


@cache
def _stories() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    return {(row["person"], row["condition"]): row for row in table("medicines")["story"]}


@cache
def _table() -> Mapping[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {key: [] for key in conditions.conditions()}
    for row in table("medicines")["line"]:
        found[row["condition"]].append(row)
    return found
