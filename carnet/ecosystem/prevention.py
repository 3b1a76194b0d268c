# SPDX-License-Identifier: EUPL-1.2
"""What a calendar proposes to somebody of this age, with its reason, and what their record says of it.

It proposes: that a record says nothing is never told as a lack, for what was done elsewhere is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal

from carnet.words import BadTable, Source, Words, source, table, words

State = Literal["now", "done", "unknown"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of the calendar; ages in whole years, both included."""

    key: str
    says: Words
    why: Words
    sex: str
    first: int
    last: int
    every: int | None
    atc: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Given:
    """A vaccine that was given: its codes and its day."""

    codes: tuple[str, ...]
    on: date


@dataclass(frozen=True, slots=True)
class Advice:
    """state: now (not in the record), done (in it; again: when next), unknown (a record cannot tell)."""

    reason: Reason
    state: State
    done: date | None = None
    again: date | None = None


@cache
def calendar() -> tuple[str, tuple[Reason, ...]]:
    """Version and lines of the calendar."""
    return read(table(__package__, "prevention.toml"))


def read(given: Mapping[str, Any]) -> tuple[str, tuple[Reason, ...]]:
    """A calendar as it is written."""
    found = []
    for each in given["reason"]:
        first, last, every = each["from"], each.get("to", 150), each.get("every")
        if not 0 <= first <= last or (every is not None and every < 1):
            raise BadTable(f"The ages of {each['key']} do not follow one another.")
        atc = tuple(each.get("atc", ()))
        found.append(
            Reason(
                each["key"], words(each["says"]), words(each["why"]), each.get("sex", ""),
                first, last, every, atc, source(each),
            )
        )  # fmt: skip
    return str(given["version"]), tuple(found)


def age(born: date, on: date) -> int:
    """In whole years; of 29 February, the year is over on 1 March."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def later(on: date, years: int) -> date:
    """The same day, years later; 29 February becomes 1 March."""
    try:
        return on.replace(year=on.year + years)
    except ValueError:
        return date(on.year + years, 3, 1)


def plan(
    born: date,
    sex: str,
    given: Iterable[Given],
    today: date,
    reasons: Sequence[Reason] | None = None,
) -> Sequence[Advice]:
    """What the calendar proposes today. sex: FHIR administrative gender; a reason that hangs on one is
    proposed to whoever's is not known as another."""
    doses = list(given)
    found = []
    for reason in calendar()[1] if reasons is None else reasons:
        if not reason.first <= age(born, today) <= reason.last:
            continue
        if reason.sex and sex in ("male", "female") and sex != reason.sex:
            continue
        found.append(_advice(reason, doses, later(born, reason.first), today))
    return found


def _advice(reason: Reason, doses: Sequence[Given], since: date, today: date) -> Advice:
    if not reason.atc:
        return Advice(reason, "unknown")
    days = [
        dose.on
        for dose in doses
        if any(code.startswith(reason.atc) for code in dose.codes) and dose.on <= today
    ]
    last = max(days, default=None)
    if last is None:
        return Advice(reason, "now")
    if reason.every is None:
        return Advice(reason, "done" if last >= since else "now", last)
    again = later(last, reason.every)
    return Advice(reason, "done" if again > today else "now", last, again)
