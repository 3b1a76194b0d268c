# SPDX-License-Identifier: EUPL-1.2
"""The rate of limits.toml a request of the API counts for, of the account that asks."""

from __future__ import annotations

from starlette.requests import Request


def of(request: Request) -> str:
    """A Bundle is one write; an operation is a search, since it looks for what it answers."""
    given = request.scope.get("path_params", {})
    last = request.url.path.rpartition("/")[2]
    if request.method in ("GET", "HEAD"):
        return "api-read" if "id" in given and not last.startswith("$") else "api-search"
    return "api-search" if last == "_search" or last.startswith("$") else "api-write"
