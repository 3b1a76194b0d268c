# SPDX-License-Identifier: EUPL-1.2
"""What a token's scopes have to allow for a request: its interaction, on its type (scopes.toml).

A refusal says so and how (RFC 6750); what comes beside what was asked for is narrowed by the door, silently.
What no line of the table names needs a token that nothing narrows.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.requests import Request

from carnet.access import scopes
from carnet.access.actor import Actor
from carnet.access.door.narrowing import narrows
from carnet.access.scopes import InsufficientScope


@cache
def table() -> dict[str, Any]:
    """The lines, as they are written."""
    return tomllib.loads(files(__package__).joinpath("scopes.toml").read_text("utf-8"))


def judge(actor: Actor, request: Request) -> None:
    """Refuse what the token of this actor does not allow; InsufficientScope."""
    if not narrows(actor) and actor.writes:
        return
    endpoint = request.scope.get("endpoint")
    name = f"{getattr(endpoint, '__module__', '').rpartition('.')[2]}.{getattr(endpoint, '__name__', '')}"
    given = request.path_params
    rtype = str(given.get("rtype", ""))
    lines = table()
    if name in lines["open"]:
        return
    if (letters := lines["interactions"].get(name)) is not None:
        scopes.demand(actor, rtype, letters)
        return
    operation = f"{rtype}/${given.get('name', '')}"
    needed = lines["apart"].get(name) or lines["operations"].get(operation)
    if needed is None:
        if scopes.everything(actor) and actor.kinds is None:
            return
        raise InsufficientScope
    for each, letters in needed.items():
        scopes.demand(actor, each, letters)
