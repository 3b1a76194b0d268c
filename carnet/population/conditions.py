# SPDX-License-Identifier: EUPL-1.2
"""What people live with: the conditions of conditions.toml, who is drawn with which, and since when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from carnet.identity.traits import Sex
from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import Person

CHILD = "child"  # the profile every minor has
START = date(2021, 1, 4)
SINCE = {"patient": date(2018, 1, 8)}  # the cast shows one long record


@dataclass(frozen=True, slots=True)
class Condition:
    """A long illness, or a way of living that brings care of its own (no code)."""

    key: str
    name: str  # as people read it, in French
    code: str | None  # CIM-10
    label: str | None
    follow: int | None  # days between two visits to the attending doctor
    lasts: float | None  # years, then it is in the past


@cache
def conditions() -> Mapping[str, Condition]:
    """Every condition by its key, in the order of the table."""
    return {
        row["key"]: Condition(
            row["key"],
            row["name"],
            row.get("code"),
            row.get("label"),
            row.get("follow"),
            row.get("lasts"),
        )
        for row in _rows()
    }


def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table("conditions")["condition"]
    return rows


def draw(chance: Chance, sex: Sex, age: int) -> tuple[str, ...]:
    """The profiles a person of that age is drawn with; every minor has `child`.

    Each condition is drawn on a path of its own under `chance`: one more line in the table changes
    nothing of the others, and nothing of what `chance` gives afterwards.
    """
    drawn: list[str] = [CHILD] if age < table("conditions")["child"]["of_age"] else []
    for row in _rows():
        fits = row["from_age"] <= age <= row.get("to_age", 130) and row.get("sex", sex) == sex
        part = row.get(sex.value, row["part"])
        if (
            fits
            and Chance(chance.path, "condition", row["key"]).happens(part)
            and not set(row.get("alone", ())) & set(drawn)
        ):
            drawn.append(row["key"])
    return tuple(drawn)


@cache
def of(person: Person) -> tuple[Condition, ...]:
    """The conditions of a person, in the order of the table."""
    return tuple(one for key, one in conditions().items() if key in person.profiles)


def begins(person: Person, days: int = 0) -> date:
    """When the record begins: at a common date, or so many days after birth."""
    return max(SINCE.get(person.key, START), person.birth_date + timedelta(days=days))


def since(seed: int, person: Person, key: str) -> date:
    """When a condition was found: as the story of the cast says, else before the record begins.

    Never before the age it begins at, but for a few weeks: the laboratory follows it at once.
    """
    for story in table("medicines")["story"]:
        if (story["person"], story["condition"]) == (person.key, key):
            found: date = story["since"]
            return found
    row = next(row for row in _rows() if row["key"] == key)
    first = person.birth_date + timedelta(days=int(row["from_age"] * 365.25))
    record = begins(person)
    if row.get("recent"):
        within = Chance(seed, person.key, "since", key).between(30, 1700)
        return max(record, first) + timedelta(days=within)
    room = (record - first).days
    back = Chance(seed, person.key, "since", key).between(30, 3600)
    return max(person.birth_date, record - timedelta(days=min(back, max(room, 30))))


def until(seed: int, person: Person, condition: Condition) -> date | None:
    """When a condition is over; None for those that stay."""
    if condition.lasts is None:
        return None
    return since(seed, person, condition.key) + timedelta(days=int(condition.lasts * 365.25))


def known(seed: int, person: Person, on: date) -> tuple[Condition, ...]:
    """The conditions a person has on a day, and knows of."""
    return tuple(
        one
        for one in of(person)
        if since(seed, person, one.key) <= on and on < (until(seed, person, one) or date.max)
    )
