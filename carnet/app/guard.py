# SPDX-License-Identifier: EUPL-1.2
"""Before everything: where a request comes from, and whether it comes too often from there.

An address that a proxy tells is believed of proxies the operator named alone (CARNET_PROXIES). Refusals
are a FHIR OperationOutcome, an OAuth error or a page, as what was asked is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from carnet.access.limits.address import Network, counted, source
from carnet.access.limits.counter import Counter
from carnet.access.limits.refusals import TooFast
from carnet.rest.outcome import fhir, outcome

FREE: Final = ("/health", "/static/")  # asked by machines that watch, or kept by browsers
TOKEN: Final = ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/userinfo")
PAGES: Final = ("page", "elsewhere")  # the pages have the words for these
WAIT: Final = "carnet.wait"  # in the scope of a page that comes too soon: seconds


class Guard:
    """Around the whole application."""

    def __init__(
        self, app: ASGIApp, *, counter: Callable[[], Counter | None], proxies: tuple[Network, ...]
    ) -> None:
        """counter: of this process; None until it serves."""
        self._app = app
        self._counter = counter
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counter = self._counter()
        if scope["type"] != "http" or counter is None or free(scope["path"]):
            await self._app(scope, receive, send)
            return
        socket, port = scope.get("client") or ("", 0)
        if self._proxies:
            headers = scope["headers"]
            told = [
                value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"
            ]
            socket = source(socket, told, self._proxies)
            scope = {**scope, "client": (socket, port)}
        rate = rate_of(scope["path"])
        try:
            counter.take(rate, counted(socket))
        except TooFast as error:
            if rate in PAGES:
                await self._app({**scope, WAIT: error.wait}, receive, send)
                return
            answer = refusal(Request(scope), error)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def free(path: str) -> bool:
    """Whether nothing is counted there."""
    return path == FREE[0] or path.startswith(FREE[1])


def rate_of(path: str) -> str:
    """The rate an address is held to at this path."""
    if path.startswith(("/fhir", "/pdsm")):
        return "api-address"
    if path.startswith(TOKEN):
        return "token"
    if path.startswith("/compte/fournisseur/"):
        return "elsewhere"
    return "authorize" if path.startswith("/oauth/authorize") else "page"


def refusal(request: Request, error: TooFast) -> Response:
    """429, in the language of what was asked."""
    wait = str(error.wait)
    if request.url.path.startswith("/oauth"):
        said = {"error": "temporarily_unavailable", "error_description": str(error)}
        headers = {"Retry-After": wait, "Cache-Control": "no-store"}
        return Response(json.dumps(said), 429, headers, "application/json")
    return fhir(outcome(error), 429, Retry_After=wait)
