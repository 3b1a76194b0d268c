# SPDX-License-Identifier: EUPL-1.2
"""Exercises on the real pages, with invented people: the audit tells whether each step was done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, LiteralString

from psycopg import AsyncConnection

from carnet.words import BadTable, Words, table, words

# What one account did since an instant, in order.
DID: LiteralString = """
    SELECT act FROM access.audit
     WHERE sub = %s AND at >= %s AND granted AND act = ANY (%s) ORDER BY at, seq LIMIT 2000
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; acts: of the audit, any of them. page: name of the address to begin from."""

    says: Words
    page: str
    acts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Exercise:
    """kinds: of accounts. professions: TRE_G15; none: all."""

    key: str
    kinds: frozenset[str]
    professions: frozenset[str]
    says: Words
    why: Words
    steps: tuple[Step, ...]

    def made_for(self, kind: str, profession: str) -> bool:
        """Whether this account has these pages."""
        return kind in self.kinds and (not self.professions or profession in self.professions)


@cache
def exercises() -> tuple[Exercise, ...]:
    """Every exercise."""
    return read(table(__package__, "exercises.toml"))


def read(given: Mapping[str, Any]) -> tuple[Exercise, ...]:
    """The table as it is written."""
    found = tuple(
        Exercise(
            each["key"],
            frozenset(each["kinds"]),
            frozenset(each.get("professions", ())),
            words(each["says"]),
            words(each["why"]),
            tuple(
                Step(words(one["says"]), one["at"], frozenset(one["acts"]))
                for one in each.get("step", ())
            ),
        )
        for each in given["exercise"]
    )
    if len({each.key for each in found}) < len(found):
        raise BadTable("Two exercises have one key.")
    if not all(each.kinds and each.steps and all(s.acts for s in each.steps) for each in found):
        raise BadTable("An exercise is for somebody, and each of its steps is told by an act.")
    return found


def done(exercise: Exercise, acts: Iterable[str]) -> tuple[bool, ...]:
    """Which steps are done; acts: in order. A step counts once those before it are."""
    reached = 0
    for act in acts:
        if reached < len(exercise.steps) and act in exercise.steps[reached].acts:
            reached += 1
    return tuple(number < reached for number in range(len(exercise.steps)))


async def since(
    conn: AsyncConnection[Any], sub: str, exercise: Exercise, began: datetime
) -> Sequence[bool]:
    """Which steps an account has done since it began."""
    acts = sorted({act for step in exercise.steps for act in step.acts})
    rows = await (await conn.execute(DID, (sub, began, acts))).fetchall()
    return done(exercise, (act for (act,) in rows))
