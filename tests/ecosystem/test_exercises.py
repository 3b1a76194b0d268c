# SPDX-License-Identifier: EUPL-1.2
"""Exercises check themselves: by what the audit of their account says, in order, and nobody else's."""

import asyncio
import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from carnet.ecosystem import exercises
from carnet.postgres.server import Server
from carnet.words import BadTable, table

HIDING = next(each for each in exercises.exercises() if each.key == "who-reads")
NOW = datetime(2028, 1, 5, 9, tzinfo=UTC)
LINE = """
    INSERT INTO access.audit (at, request, sub, client, purpose, act, granted, rule, matrix)
    VALUES (%s, 'r', %s, 'c', 'PATRQT', %s, %s, 'x', 'm')
"""


@pytest.mark.parametrize(
    ("acts", "wanted"),
    [
        ([], (False, False, False)),
        (["readers"], (True, False, False)),
        (["hide", "show"], (False, False, False)),
        (["show", "readers", "hide"], (True, True, False)),
        (["readers", "readers", "hide", "show", "hide"], (True, True, True)),
    ],
)
def test_a_step_counts_once_those_before_it_are_done(
    acts: list[str], wanted: tuple[bool, ...]
) -> None:
    assert exercises.done(HIDING, acts) == wanted


def test_only_what_this_account_did_since_and_was_granted_counts(db: Server) -> None:
    mine, other = "patient:9700001", "patient:9700002"
    lines = [
        (NOW - timedelta(1), mine, "readers", True),
        (NOW, other, "readers", True),
        (NOW, mine, "readers", False),
    ]

    async def seen() -> list[bool]:
        async with await psycopg.AsyncConnection.connect(db.url("carnet_app")) as conn:
            return list(await exercises.since(conn, mine, HIDING, NOW - timedelta(hours=1)))

    with psycopg.connect(db.url("carnet_admin"), autocommit=True) as conn:
        with conn.cursor() as cur:
            cur.executemany(LINE, lines)
        assert asyncio.run(seen()) == [False, False, False]
        conn.execute(LINE, (NOW, mine, "readers", True))
        assert asyncio.run(seen()) == [True, False, False]


@pytest.mark.parametrize("wrong", ["no step", "no act", "nobody", "twice"])
def test_an_exercise_that_could_not_be_checked_is_refused(wrong: str) -> None:
    given: dict[str, Any] = copy.deepcopy(table("carnet.ecosystem", "exercises.toml"))
    first = given["exercise"][0]
    if wrong == "no step":
        first["step"] = []
    elif wrong == "no act":
        first["step"][0]["acts"] = []
    elif wrong == "nobody":
        first["kinds"] = []
    else:
        given["exercise"].append(first)
    with pytest.raises(BadTable):
        exercises.read(given)
