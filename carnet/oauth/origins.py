# SPDX-License-Identifier: EUPL-1.2
"""Pages of registered applications may call us from a browser; no other page may. Source: Fetch, CORS.

A token goes in a header and no cookie counts here, so credentials are never allowed.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

from psycopg_pool import ConnectionPool
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carnet.oauth import queries

FRESH: Final = 1.0  # seconds the origins are believed
METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"
ASKED: Final = (
    b"Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist,"
    b" If-Modified-Since, Carnet-Connexion"
)
TOLD: Final = b"Content-Location, ETag, Last-Modified, Location, X-Request-Id, WWW-Authenticate"
CLOSED: Final = ("/oauth/jwks", "/oauth/authorize")
VARY: Final = (b"vary", b"Origin")


class Origins:
    """Those of live clients, read again once a second at most."""

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool
        self._known: frozenset[str] = frozenset()
        self._read = float("-inf")

    async def allow(self, origin: str) -> bool:
        """Whether pages of this origin may call."""
        if time.monotonic() - self._read >= FRESH:
            at = time.monotonic()
            self._known = await run_in_threadpool(partial(_origins, self._pool))
            self._read = at
        return origin in self._known


def _origins(pool: ConnectionPool[Any]) -> frozenset[str]:
    with pool.connection() as conn:
        return queries.origins(conn)


class Shared:
    """An application whose answers pages of registered origins may read."""

    def __init__(self, served: ASGIApp, origins: Origins) -> None:
        self._served, self._origins = served, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The keys are open to everybody; a page never asks in a person's stead (RFC 9700, 2.6).
        if scope["type"] != "http" or scope["path"] in CLOSED:
            await self._served(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.getlist("origin")
        allowed = len(given) == 1 and await self._origins.allow(given[0])
        named = [VARY]
        if allowed:
            named.append((b"access-control-allow-origin", given[0].encode("latin-1")))
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers and given:
            await _preflight(named, allowed, send)
            return

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [(b"access-control-expose-headers", TOLD)] if allowed else []
                message["headers"] = [*message.get("headers", []), *named, *more]
            await send(message)

        await self._served(scope, receive, telling)


async def _preflight(named: list[tuple[bytes, bytes]], allowed: bool, send: Send) -> None:
    """What may be sent; an origin nobody registered is told nothing."""
    if allowed:
        named = [
            *named,
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", ASKED),
            (b"access-control-max-age", b"600"),
        ]
    await send({"type": "http.response.start", "status": 204, "headers": named})
    await send({"type": "http.response.body", "body": b""})
