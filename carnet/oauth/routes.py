# SPDX-License-Identifier: EUPL-1.2
"""The addresses of the authorization server."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from carnet.access.keyring import LEAD, Keyring

KEYS = "application/jwk-set+json"


async def jwks(request: Request) -> Response:
    """GET jwks: the public keys (RFC 7517). They may be kept for half of what a key waits before it signs."""
    keys: Keyring = request.app.state.keys
    return JSONResponse(
        keys.published(),
        media_type=KEYS,
        headers={
            "Cache-Control": f"public, max-age={LEAD // 2}",
            "Access-Control-Allow-Origin": "*",  # they are nobody's secret
            "X-Content-Type-Options": "nosniff",
        },
    )


def application(keys: Keyring) -> Starlette:
    """What is mounted at /oauth."""
    served = Starlette(routes=[Route("/jwks", jwks, methods=["GET"])])
    served.state.keys = keys
    return served
