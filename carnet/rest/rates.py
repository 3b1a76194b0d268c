# SPDX-License-Identifier: EUPL-1.2
"""The rate of limits.toml a request of the API counts for, of the account that asks."""

from __future__ import annotations

from starlette.requests import Request

from carnet.access.actor import Actor, ActorKind


def of(request: Request, actor: Actor) -> str:
    """The rate of who asks: the software of a hospital speaks for all its screens at once."""
    return f"{'software' if actor.kind is ActorKind.SOFTWARE else 'api'}-{_act(request)}"


def _act(request: Request) -> str:
    """A Bundle is one write; an operation is a search, since it looks for what it answers."""
    given = request.scope.get("path_params", {})
    last = request.url.path.rpartition("/")[2]
    if request.method in ("GET", "HEAD"):
        return "read" if "id" in given and not last.startswith("$") else "search"
    return "search" if last == "_search" or last.startswith("$") else "write"
