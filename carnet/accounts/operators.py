# SPDX-License-Identifier: EUPL-1.2
"""Add an operator: whoever holds the machine does, since no page adds anybody who runs it."""

from __future__ import annotations

import re
import secrets
from typing import Final

import psycopg

from carnet import errors
from carnet.access import audit, queries
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit

NAME: Final = re.compile("operator:[a-z0-9][a-z0-9.-]{0,60}")
LONGEST: Final = 80  # characters of what people call them
THERE: Final = "SELECT kind, name FROM access.subject WHERE sub = %s"


class WrongName(errors.Invalid):
    """An operator is called operator: and small letters, digits, dots or hyphens; with a name for people."""


class Another(errors.Conflict):
    """Somebody else is called so: choose another name."""


async def add(url: str, door: Door, sub: str, name: str) -> None:
    """The subject of an operator; the same again changes nothing. url: of the database's owner."""
    shown = " ".join(name.split())
    if not NAME.fullmatch(sub) or not shown or len(shown) > LONGEST or not shown.isprintable():
        raise WrongName
    values = {
        "sub": sub, "kind": "operator", "name": shown, "rpps": None, "profession": None, "patient": None,
    }  # fmt: skip
    actor = Actor(ActorKind.OPERATOR, "command", "", "carnet-account", purpose="HSYSADMIN")
    trace = Visit(door, actor, secrets.token_hex(8)).trace("operator-added", "command")
    async with await psycopg.AsyncConnection.connect(url) as conn:
        found = await (await conn.execute(THERE, (sub,))).fetchone()
        if found is not None and found != ("operator", shown):
            raise Another
        if found is None:
            await conn.execute(queries.ADD_SUBJECT, values)
    if found is None:
        async with door.pool.connection() as traced:
            await audit.write(traced, trace, granted=True, cids=[])
