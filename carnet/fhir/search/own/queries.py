# SPDX-License-Identifier: EUPL-1.2
"""Statements of schema `search`: what parameters an installation has, and since which generation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from carnet.fhir.definitions import Component, SearchParameter

if TYPE_CHECKING:
    from carnet.fhir.search.own.catalogue import Held
    from carnet.fhir.search.own.understood import Given

STAMP: LiteralString = """
    SELECT (SELECT max(number) FROM search.generation WHERE form <= %(form)s),
           count(*), count(complete), max(complete), max(number)
      FROM search.parameter WHERE removed IS NULL
"""
LIVE: LiteralString = """
    SELECT number, url, code, bases, definition, since, loaded_at, complete
      FROM search.parameter
     WHERE removed IS NULL ORDER BY number
"""
NEWEST: LiteralString = (
    "SELECT coalesce(max(number), 0) FROM search.generation WHERE form <= %(form)s"
)


async def stamp(conn: AsyncConnection[Any], form: int) -> tuple[Any, ...]:
    """What changes whenever something of this does."""
    row = await (await conn.execute(STAMP, {"form": form})).fetchone()
    assert row is not None
    return tuple(row)


async def live(conn: AsyncConnection[Any], form: int) -> tuple[int, list[Held]]:
    """The newest generation that a program of this form makes, and the parameters that are there."""
    async with conn.transaction():
        # One statement after the other: what is loaded between them is of a later generation.
        row = await (await conn.execute(NEWEST, {"form": form})).fetchone()
        found = await (await conn.execute(LIVE)).fetchall()
    generation = int(row[0]) if row else 0
    return generation, [one for each in found if (one := _held(each)).since <= generation]


def _held(row: Sequence[Any]) -> Held:
    from carnet.fhir.search.own.catalogue import Held

    number, url, code, bases, said, since, loaded_at, complete = row
    parameter = SearchParameter(
        code, number, said["type"], said["expression"], tuple(said["targets"]),
        tuple(Component(*each) for each in said["components"]), url,
    )  # fmt: skip
    return Held(parameter, tuple(bases), since, loaded_at, complete)


ALONE: LiteralString = "LOCK TABLE search.parameter IN EXCLUSIVE MODE"
SAME: LiteralString = (
    "SELECT 1 FROM search.parameter WHERE url = %(url)s AND removed IS NULL AND code = %(code)s"
    " AND bases = %(bases)s::text[] AND definition = %(definition)s"
)
REMOVE: LiteralString = (
    "UPDATE search.parameter SET removed = clock_timestamp()"
    " WHERE url = %(url)s AND removed IS NULL"
)
# By its address, or by its name when one parameter alone has it.
NAMED: LiteralString = (
    "SELECT url FROM search.parameter WHERE removed IS NULL AND (url = %(name)s OR code = %(name)s)"
)
GENERATION: LiteralString = """
    INSERT INTO search.generation (number, form, at, why)
    SELECT max(number) + 1, max(form), clock_timestamp(), %(why)s FROM search.generation
    RETURNING number
"""
RAISE: LiteralString = "UPDATE search.floor SET number = greatest(number, %(generation)s)"
ADD: LiteralString = """
    INSERT INTO search.parameter (number, url, code, bases, definition, since, loaded_at)
    VALUES (nextval('search.parameter_number'), %(url)s, %(code)s, %(bases)s, %(definition)s,
            %(generation)s, clock_timestamp())
"""


def keep(conn: psycopg.Connection[Any], given: Iterable[Given]) -> tuple[list[str], list[str]]:
    """Keep parameters, by the migrating role, in one transaction; addresses of the new, of the known.

    From the commit on, every statement that writes knows them or is made again. One that has changed
    is another, with a number of its own: nothing of the old one is found by it.
    """
    new, known = [], []
    with conn.transaction():
        conn.execute(ALONE)
        generation = None
        for each in given:
            values: dict[str, object] = {
                "url": each.url,
                "code": each.code,
                "bases": list(each.bases),
                "definition": Jsonb(_said(each), dumps=_dumps),
            }
            if conn.execute(SAME, values).fetchone():
                known.append(each.url)
                continue
            if generation is None:
                generation = _next(conn, "parameters loaded")
            conn.execute(REMOVE, values)
            conn.execute(ADD, {**values, "generation": generation})
            new.append(each.url)
    return new, known


def remove(conn: psycopg.Connection[Any], name: str) -> list[str]:
    """Take parameters of an address or a name away; the addresses of those that were there.

    Several of one name are left alone when the name is not the address of one.
    """
    with conn.transaction():
        conn.execute(ALONE)
        found = [url for (url,) in conn.execute(NAMED, {"name": name}).fetchall()]
        chosen = [name] if name in found else found
        if len(chosen) == 1:
            conn.execute(REMOVE, {"url": chosen[0]})
            _next(conn, "parameter removed")
    return chosen


def _next(conn: psycopg.Connection[Any], why: str) -> int:
    row = conn.execute(GENERATION, {"why": why}).fetchone()
    assert row is not None
    conn.execute(RAISE, {"generation": row[0]})
    return int(row[0])


def _said(given: Given) -> dict[str, Any]:
    return {
        "type": given.type,
        "expression": given.expression,
        "targets": list(given.targets),
        "components": [list(each) for each in given.components],
    }


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


SHOWN: LiteralString = """
    SELECT code, url, definition->>'type', bases, loaded_at, complete, definition->>'expression'
      FROM search.parameter
     WHERE removed IS NULL ORDER BY code, url
"""


def shown(
    conn: psycopg.Connection[Any],
) -> list[tuple[str, str, str, list[str], datetime, datetime | None, str]]:
    """The parameters that are there, for an operator."""
    return conn.execute(SHOWN).fetchall()


def live_now(conn: psycopg.Connection[Any], form: int) -> tuple[int, list[Held]]:
    """The same as `live`, for a command."""
    row = conn.execute(NEWEST, {"form": form}).fetchone()
    found = conn.execute(LIVE).fetchall()
    return int(row[0]) if row else 0, [_held(each) for each in found]
