# SPDX-License-Identifier: EUPL-1.2
"""Statements of schema `validation`: the profiles an installation has, beside those of R4."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg import AsyncConnection

from carnet import errors
from carnet.fhir import json

LOCK: Final = 0x70726F66  # "prof": one load at a time in a database

GENERATION: LiteralString = "SELECT number FROM validation.generation"
EVERY: LiteralString = "SELECT body FROM validation.profile ORDER BY number"
TAKE_LOCK: LiteralString = "SELECT pg_advisory_xact_lock(%(lock)s)"
SAME: LiteralString = (
    "SELECT digest FROM validation.profile WHERE url = %(url)s AND version = %(version)s"
)
DROP: LiteralString = "DELETE FROM validation.profile WHERE url = %(url)s AND version = %(version)s"
ADD: LiteralString = """
    INSERT INTO validation.profile (url, version, body, digest, file, loaded_at)
    VALUES (%(url)s, %(version)s, %(body)s, %(digest)s, %(file)s, %(at)s)
"""
CHANGED: LiteralString = "UPDATE validation.generation SET number = number + 1"


class OtherContent(errors.Conflict):
    """There already, at this version, with other content: --replace takes this one instead."""


async def generation(conn: AsyncConnection[Any]) -> int:
    """What changes whenever a profile does."""
    row = await (await conn.execute(GENERATION)).fetchone()
    assert row is not None
    return int(row[0])


async def every(conn: AsyncConnection[Any]) -> tuple[int, list[str]]:
    """The generation, and the profiles in the order they were loaded, as JSON."""
    async with conn.transaction():
        # In this order: a load between the two is looked at again the next time.
        now = await generation(conn)
        rows = await (await conn.execute(EVERY)).fetchall()
    return now, [row[0] for row in rows]


def every_now(conn: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """The same profiles, for a command."""
    return [json.parse(row[0].encode()) for row in conn.execute(EVERY).fetchall()]


def keep(
    conn: psycopg.Connection[Any],
    profiles: Sequence[dict[str, Any]],
    *,
    file: str,
    at: datetime,
    replace: bool = False,
) -> list[bool | OtherContent]:
    """Keep profiles, by the migrating role, in one transaction: of each, whether it is new, or why not.

    replace: what has the same address and version with other content gives its place.
    """
    found: list[bool | OtherContent] = []
    with conn.transaction():
        conn.execute(TAKE_LOCK, {"lock": LOCK})
        for each in profiles:
            body = json.dump(each)
            values: dict[str, object] = {
                "url": each["url"],
                "version": each.get("version", ""),
                "body": body.decode(),
                "digest": hashlib.sha256(body).digest(),
                "file": file,
                "at": at,
            }
            row = conn.execute(SAME, values).fetchone()
            if row is not None and row[0] == values["digest"]:
                found.append(False)
                continue
            if row is not None and not replace:
                found.append(OtherContent())
                continue
            conn.execute(DROP, values)
            conn.execute(ADD, values)
            found.append(True)
        if True in found:
            conn.execute(CHANGED)
    return found
