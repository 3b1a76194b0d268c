# SPDX-License-Identifier: EUPL-1.2
"""Finding the route of a request among those that could match it, not among all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

FIRST = re.compile(r"/([A-Za-z]*)(/|$)", re.ASCII)  # a first segment that is a plain word


class Indexed(Router):
    """A router of Route alone, indexed by method, number of segments and plain first segment.

    What the index has no route for goes by all of them, as in any router: 404, 405.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        # A final slash is left out before: no redirection loses a body.
        super().__init__(routes, redirect_slashes=False)
        self._index: dict[tuple[str, int, str], list[Route]] = {}
        kept = [route for route in routes if isinstance(route, Route)]
        assert len(kept) == len(routes)
        self._words = {found[1] for route in kept if (found := FIRST.match(route.path))}
        for route in kept:
            segments = route.path.count("/")
            first = route.path.split("/")[1]
            # One that begins by a parameter, or by another word, is tried for every word.
            words = {first} if first in self._words else {*self._words, ""}
            for method in route.methods or ():
                for word in words:
                    self._index.setdefault((method, segments, word), []).append(route)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The first route that matches whole."""
        root, path = scope.get("root_path", ""), scope.get("path", "")
        if scope["type"] == "http" and path.startswith(root + "/"):
            path = path[len(root) :]
            first = path.split("/", 2)[1]
            word = first if first in self._words else ""
            for route in self._index.get((scope["method"], path.count("/"), word), ()):
                found = route.path_regex.match(path)
                if found:
                    params = {**scope.get("path_params", {}), **found.groupdict()}
                    scope.setdefault("router", self)
                    scope.update(route=route, endpoint=route.endpoint, path_params=params)
                    await route.handle(scope, receive, send)
                    return
        await super().app(scope, receive, send)
